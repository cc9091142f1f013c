/** Tables of points, and what points.json says of them. */
import sharp from "sharp";
import { openData } from "../../../data/open.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes, mutateJson, mutateText } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const LINES = ["a_1.png,2,2,9,3,5,7", "a_2.png,2.5,1,8e0,3,+5,6", "b_1.png,1,2,9,3,5,7.25", "c.png,2,3,9,3,4,8"];
const TABLE = `file,x0,y0,x1,y1,x2,y2\n${LINES.join("\n")}\n`;
const NAMED = `image,person,eye_x,eye_y,"left eye_x","left eye_y",nose_x,nose_y\n${
  LINES.map((line) => line.replace(",", ",Ann B.,")).join("\n")
}\n`;
const ABOUT = {
  names: ["left eye", "right eye", "nose"],
  mirror: ["right eye", 0, 2],
  scales: { "inter-pupil": [["left eye"], [1]] },
  margin: 0.3,
};

/** A table, or the file beside it, that is damaged, with sound pictures. */
export const prepare: Prepare = async (dir) => {
  const picture = await sharp({ create: { width: 12, height: 9, channels: 3, background: "red" } }).png().toBuffer();
  for (const name of ["a_1", "a_2", "b_1", "c"]) await Deno.writeFile(`${dir}/${name}.png`, picture);
  return async (random) => {
    const sound = random.pick([TABLE, NAMED]);
    const about = structuredClone(ABOUT);
    const damages = {
      table: () => {
        const text = mutateText(random, sound);
        return [new TextEncoder().encode(text), JSON.stringify(text.slice(0, 200))] as const;
      },
      bytes: () => {
        const { bytes, what } = mutateBytes(random, new TextEncoder().encode(sound));
        return [bytes, what] as const;
      },
      about: () => [new TextEncoder().encode(sound), mutateJson(random, about)] as const,
    };
    const kind = random.pick(["table", "bytes", "about"] as const);
    const [bytes, what] = damages[kind]();
    await Deno.writeFile(`${dir}/train.csv`, bytes);
    await Deno.writeTextFile(`${dir}/points.json`, JSON.stringify(about));
    const options = {
      shape: { height: 6, width: random.pick([6, 9]), channels: random.pick([1, 3]) },
      skipBadImages: random.chance(0.5),
      ...(random.chance(0.2) ? { limit: 1 + random.below(3) } : {}),
    };
    const path = random.pick([dir, `${dir}/train.csv`]);
    const read = async () => checkSamples(await openData(`points:${path}`, options));
    return { what: `${kind} ${JSON.stringify(options)} ${what}`, read };
  };
};
