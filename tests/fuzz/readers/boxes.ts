/** Files of anchors, and what a file says of how its boxes are read. */
import { readAnchors } from "../../../job/anchors.ts";
import { boxesInPicture, boxesToAppend, readFileDecoding } from "../../../tasks/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { hostileValue, mutateBytes, mutateJson } from "../_mutate.ts";

const ANCHORS = [[[81, 82], [135, 169]], [[10, 14], [23, 27], [37, 58]]];

const OUTPUTS = Object.fromEntries(ANCHORS.map((anchors, i) => [`boxes_${32 >> i}`, {
  task: "detection",
  answer: "boxes",
  kind: i === 0 ? "yolov3" : "region",
  numbers: ["tx", "ty", "tw", "th", "objectness", "classes"],
  grid: [i + 1, 2],
  anchors,
  input: [64, 64],
  classes: ["cat", "dog"],
  scoreThreshold: 0.4,
  nmsIou: 0.45,
}]));

/** One or the other, damaged by its bytes or its structure, or anything else that is JSON. */
export const prepare: Prepare = (dir) => (random) => {
  const isFile = random.chance(0.5);
  const sound: unknown = structuredClone(isFile ? ANCHORS : random.pick([OUTPUTS, { boxes_32: OUTPUTS.boxes_32 }]));
  if (isFile && random.chance(0.3)) {
    const { bytes, what } = mutateBytes(random, new TextEncoder().encode(JSON.stringify(sound)));
    return readFile(`${dir}/anchors.json`, bytes, what);
  }
  const isAnything = random.chance(0.1);
  const what = isAnything ? "anything" : mutateJson(random, sound);
  const value = isAnything ? hostileValue(random) : sound;
  if (!isFile) return { what, read: () => checkDecoding(value) };
  return readFile(`${dir}/anchors.json`, new TextEncoder().encode(JSON.stringify(value) ?? ""), what);
};

async function readFile(path: string, bytes: Uint8Array, what: string) {
  await Deno.writeFile(path, bytes);
  return {
    what,
    read: async () => {
      for (const list of await readAnchors(path)) {
        check(list.length > 0, "an output without anchors");
        check(list.every((size) => size.length === 2 && size.every((side) => side > 0 && side < Infinity)), "a size");
      }
    },
  };
}

/** What is read can be read by: boxes of zeros lie within the picture. */
function checkDecoding(outputs: unknown): void {
  const decoding = readFileDecoding(outputs);
  if (decoding === undefined) return;
  const { names, grids: { grids, classes } } = decoding;
  const widths = grids.map(({ height, width, anchors }) => height * width * anchors.length * (5 + classes));
  if (widths.some((width) => width > 1e6)) return;
  const answers = Object.fromEntries(
    names.map((name, i) => [name, { values: new Float32Array(widths[i]), shape: [1, widths[i]] }]),
  );
  const placed = { left: 0, top: 0, width: 64, height: 64, original: { width: 100, height: 50 } };
  for (const { left, top, right, bottom, label, score } of boxesInPicture(answers, decoding, placed)) {
    check(left >= 0 && top >= 0 && right <= 100 && bottom <= 50 && right > left && bottom > top, "a box outside");
    check(label >= 0 && label < classes && score >= 0 && score <= 1, `class ${label}, score ${score}`);
  }
  const heads = Object.fromEntries(names.map((name) => [name, { decoding: Object(Object(outputs)[name]) }]));
  check(boxesToAppend(heads)?.grids.length === names.length, "another number of grids to append boxes of");
}
