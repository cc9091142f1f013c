/** Sets of pictures with boxes, of which one file is damaged. */
import { dirname } from "node:path";
import sharp from "sharp";
import { openData } from "../../../data/open.ts";
import { BOX_NUMBERS, type SampleSet } from "../../../data/samples.ts";
import type { Random } from "../../../src/numbers/random.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

/** A sound set, and how it is damaged. */
export interface AnnotatedSet {
  /** What is opened, where "DIR" stands for the folder: `voc:DIR`. */
  readonly spec: string;
  /** Texts by their paths; a path in `pictures` is a PNG of 12x9 pixels. */
  readonly texts: Readonly<Record<string, string>>;
  readonly pictures: readonly string[];
  /** Texts that nobody expects in place of the one at a path. */
  readonly hostile: (random: Random, path: string) => string;
}

/** Makes cases of a set of which one text is damaged, or is something else altogether. */
export function annotatedCases({ spec, texts, pictures, hostile }: AnnotatedSet): Prepare {
  return async (dir) => {
    const picture = await sharp({ create: { width: 12, height: 9, channels: 3, background: "red" } }).png().toBuffer();
    const write = async (path: string, bytes: Uint8Array) => {
      await Deno.mkdir(dirname(`${dir}/${path}`), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, bytes);
    };
    const encode = (text: string) => new TextEncoder().encode(text);
    for (const path of pictures) await write(path, picture);
    for (const [path, text] of Object.entries(texts)) await write(path, encode(text));
    return async (random) => {
      const path = random.pick(Object.keys(texts));
      const { bytes, what } = random.pick([
        () => mutateBytes(random, encode(texts[path])),
        () => {
          const text = mutateText(random, texts[path]);
          return { bytes: encode(text), what: JSON.stringify(text.slice(0, 200)) };
        },
        () => {
          const text = hostile(random, path);
          return { bytes: encode(text), what: JSON.stringify(text.slice(0, 200)) };
        },
      ])();
      await write(path, bytes);
      const skipBadImages = random.chance(0.4);
      const limit = random.chance(0.2) ? { limit: 1 + random.below(3) } : {};
      const read = async () => {
        try {
          const shape = { height: 8, width: 8, channels: 3 };
          const opened = await openData(spec.replace("DIR", dir), { shape, skipBadImages, ...limit });
          checkSamples(opened);
          for (const set of [opened.train, opened.validation ?? opened.train, opened.test]) checkBoxes(set);
          check(skipBadImages || opened.skipped.length === 0, "something was left out, and nobody asked for it");
        } finally {
          await write(path, encode(texts[path]));
        }
      };
      return { what: `${path}${skipBadImages ? ", skipping" : ""}: ${what}`, read };
    };
  };
}

/** Checks that boxes lie in their pictures, and that rows of none come last. */
function checkBoxes({ count, targets: { boxes } }: SampleSet): void {
  check(boxes.kind === "boxes", `the targets are ${boxes.kind}`);
  check(new Set(boxes.names).size === boxes.names.length, "two classes have one name");
  const { values, most, names } = boxes;
  for (let i = 0; i < count * most; i++) {
    const [x, y, width, height, label, difficult] = values.subarray(i * BOX_NUMBERS, (i + 1) * BOX_NUMBERS);
    const isNone = label === -1 && x === 0 && y === 0 && width === 0 && height === 0 && difficult === 0;
    const isIn = x - width / 2 > -1e-6 && x + width / 2 < 1 + 1e-6 && y - height / 2 > -1e-6 &&
      y + height / 2 < 1 + 1e-6;
    const isBox = width > 0 && height > 0 && isIn && label >= 0 && label < names.length &&
      (difficult === 0 || difficult === 1);
    check(isNone || isBox, `the box ${[x, y, width, height, label, difficult]}`);
    const before = i % most === 0 ? 0 : values[(i - 1) * BOX_NUMBERS + 4];
    check(isNone || before >= 0, "a row that stands for nothing comes before a box");
  }
}
