/** Folders of pictures and masks. */
import sharp from "sharp";
import { openData } from "../../../data/open.ts";
import { plainPng } from "../../../data/sources/_test_png.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

/** Classes of 4x2 pixels. */
const VALUES = [0, 1, 1, 255, 0, 0, 2, 2];
const FEW = [0, 1, 1, 0, 1, 0, 0, 1];

const MASKS: Readonly<Record<string, Uint8Array>> = {
  grey: plainPng({ width: 4, values: VALUES }),
  palette: plainPng({ width: 4, values: VALUES, kind: "palette" }),
  bits: plainPng({ width: 4, values: FEW, depth: 1 }),
  nibbles: plainPng({ width: 4, values: FEW, depth: 4, kind: "palette" }),
  deep: plainPng({ width: 4, values: VALUES, depth: 16 }),
};

/** Four pairs, of which a mask, a picture or the list of the classes is damaged. */
export const prepare: Prepare = async (dir) => {
  const background = { create: { width: 4, height: 2, channels: 3, background: "red" } } as const;
  const picture = await sharp(background).png().toBuffer();
  for (const folder of ["images", "masks"]) await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
  const restore = async () => {
    for (const stem of ["a", "b", "c", "d"]) {
      await Deno.writeFile(`${dir}/images/${stem}.png`, picture);
      await Deno.writeFile(`${dir}/masks/${stem}.png`, MASKS.palette);
    }
    await Deno.remove(`${dir}/classes.txt`).catch(() => {});
  };
  return async (random) => {
    await restore();
    const kind = random.pick(["mask", "mask", "mask", "picture", "classes"]);
    const form = random.pick(Object.keys(MASKS));
    const names = mutateText(random, "ground\nroad\nsky\n");
    const { bytes, what } = mutateBytes(random, kind === "picture" ? picture : MASKS[form]);
    if (kind === "classes") await Deno.writeTextFile(`${dir}/classes.txt`, names);
    else await Deno.writeFile(`${dir}/${kind === "mask" ? "masks" : "images"}/a.png`, bytes);
    const skipBadImages = random.chance(0.3);
    const shape = { height: 1 + random.below(5), width: 1 + random.below(5), channels: random.pick([1, 3]) };
    const read = async () => checkSamples(await openData(`masks:${dir}`, { shape, skipBadImages }));
    return { what: kind === "classes" ? JSON.stringify(names) : `${kind} ${form}: ${what}`, read };
  };
};
