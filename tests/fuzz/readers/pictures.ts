/** Folders of JPEG and PNG files. */
import sharp from "sharp";
import { openData } from "../../../data/open.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const RED = { create: { width: 12, height: 9, channels: 3, background: "red" } } as const;

/** Pictures of each coding, and of formats that are not taken. */
async function makePictures(): Promise<Readonly<Record<string, Uint8Array>>> {
  const noise = sharp({ create: { ...RED.create, noise: { type: "gaussian", mean: 100, sigma: 40 } } });
  const made = {
    "base.jpg": noise.clone().jpeg(),
    "progressive.jpg": noise.clone().jpeg({ progressive: true }),
    "grey.jpg": noise.clone().toColourspace("b-w").jpeg(),
    "exif.jpeg": sharp(RED).withMetadata({ orientation: 6 }).jpeg(),
    "base.png": noise.clone().png(),
    "interlaced.png": sharp(RED).png({ progressive: true }),
    "palette.png": sharp(RED).png({ palette: true }),
    "deep.png": sharp(RED).toColourspace("rgb16").png(),
    "webp.jpg": sharp(RED).webp(),
    "gif.png": sharp(RED).gif(),
    "tiff.png": sharp(RED).tiff(),
  };
  return Object.fromEntries(
    await Promise.all(Object.entries(made).map(async ([name, picture]) => [name, await picture.toBuffer()] as const)),
  );
}

/** Formats that are neither JPEG nor PNG. */
const OTHERS = /^(webp|gif|tiff)/;

/** Two classes of two pictures each, of which one picture is damaged. */
export const prepare: Prepare = async (dir) => {
  const made = await makePictures();
  for (const folder of ["a", "b"]) {
    await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
    for (const i of [1, 2]) await Deno.writeFile(`${dir}/${folder}/${i}.png`, made["base.png"]);
  }
  return async (random) => {
    const name = random.pick(Object.keys(made));
    const isOther = OTHERS.test(name);
    const { bytes, what } = isOther && random.chance(0.5)
      ? { bytes: made[name], what: "as it is" }
      : mutateBytes(random, made[name]);
    const skipBadImages = random.chance(0.3);
    const path = `${dir}/a/3_${name}`;
    await Deno.writeFile(path, bytes);
    const read = async () => {
      try {
        checkSamples(await openData(`folder:${dir}`, { shape: { height: 4, width: 4, channels: 3 }, skipBadImages }));
      } finally {
        await Deno.remove(path);
      }
    };
    return { what: `${name}: ${what}`, mustRefuse: isOther && what === "as it is" && !skipBadImages, read };
  };
};
