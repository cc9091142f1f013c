/**
 * What a net of darknet finds on photographs, as it is imported, against a plain forward pass and a plain reading of its
 * region head: loops in float64 that share nothing with what they are held against.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import sharp from "sharp";
import { loadDarknet } from "../models/import/darknet/mod.ts";
import { type Plain, runPlainly } from "../models/import/darknet/_test_plain.ts";
import { detectionOf } from "../models/detection.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { decodeSample } from "../tasks/detection/decode.ts";
import { sharedPath, testWithShared } from "./_support/shared.ts";

/** Photographs of each of two sets. With ten of each, which take a minute, all boxes are the same as well. */
const PHOTOGRAPHS = 1;
const SIDE = 224;
/** Low, so that there is much to compare. */
const SCORE = 0.05;
const NMS_IOU = 0.45;

interface Box {
  readonly label: number;
  readonly score: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

testWithShared("yolo_lite_voc finds on photographs what a plain forward pass finds", "models/darknet", async (dir) => {
  await registerBackend();
  const [cfg, weights] = [`${dir}/yolo_lite_voc.cfg`, `${dir}/yolo_lite_voc.weights`];
  const model = await loadDarknet({ cfg, weights });
  const { anchors: [anchors], classes } = detectionOf(model)!;
  const [, height, width] = model.outputs[0].shape as number[];
  const shares = anchors.map(([w, h]): [number, number] => [w / SIDE, h / SIDE]);
  const grids = { kind: "region", classes, grids: [{ height, width, anchors: shares }] } as const;
  let found = 0;
  for (const path of [...photographs("bccd/JPEGImages"), ...photographs("faces68/test")]) {
    const pixels = await pixelsOf(path);
    const answer = tf.tidy(() => (model.predict(tf.tensor4d(pixels, [1, SIDE, SIDE, 3])) as tf.Tensor).dataSync());
    const boxes = decodeSample([Float32Array.from(answer)], grids, { scoreThreshold: SCORE, nmsIou: NMS_IOU });
    const outputs = runPlainly(await Deno.readTextFile(cfg), await Deno.readFile(weights), channelsFirst(pixels));
    assertSameBoxes(boxes, readPlainly(outputs[outputs.length - 1], classes), path);
    found += boxes.length;
  }
  assert.ok(found >= 2 * PHOTOGRAPHS, `${found} boxes`);
  model.dispose();
});

function photographs(folder: string): readonly string[] {
  const path = sharedPath(`data/${folder}`)!;
  const names = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => /\.jpe?g$/.test(name)).toSorted();
  return names.slice(0, PHOTOGRAPHS).map((name) => `${path}/${name}`);
}

/** Pixels from 0 to 1 of a picture that is fitted into the net's. */
async function pixelsOf(path: string): Promise<Float32Array> {
  const bytes = await sharp(path).resize(SIDE, SIDE, { fit: "contain" }).removeAlpha().raw().toBuffer();
  return Float32Array.from(bytes, (byte) => byte / 255);
}

function channelsFirst(pixels: Float32Array): Plain {
  const values = new Float64Array(pixels.length);
  pixels.forEach((value, i) => values[(i % 3) * SIDE * SIDE + Math.floor(i / 3)] = value);
  return { c: 3, h: SIDE, w: SIDE, values };
}

/** yolo_lite_voc.cfg's own, in cells. */
const ANCHORS = [1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52];

/** Boxes of a region layer: σ(x), σ(y), anchors · e^w and e^h, σ(objectness) · softmax of classes, cut at the edges; then the surest of each class. */
function readPlainly({ h, w, values }: Plain, classes: number): readonly Box[] {
  const cut = (place: number) => Math.min(1, Math.max(0, place));
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const all: Box[] = [];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      for (let a = 0; a < 5; a++) {
        const at = (k: number) => values[((a * (5 + classes) + k) * h + row) * w + column];
        const [x, y] = [(column + sigmoid(at(0))) / w, (row + sigmoid(at(1))) / h];
        const [wide, high] = [ANCHORS[2 * a] * Math.exp(at(2)) / w, ANCHORS[2 * a + 1] * Math.exp(at(3)) / h];
        let sum = 0;
        for (let c = 0; c < classes; c++) sum += Math.exp(at(5 + c));
        for (let label = 0; label < classes; label++) {
          const score = sigmoid(at(4)) * Math.exp(at(5 + label)) / sum;
          const place = {
            left: cut(x - wide / 2),
            top: cut(y - high / 2),
            right: cut(x + wide / 2),
            bottom: cut(y + high / 2),
          };
          if (score > SCORE) all.push({ label, score, ...place });
        }
      }
    }
  }
  const kept: Box[] = [];
  for (const box of all.toSorted((a, b) => b.score - a.score)) {
    const isFree = kept.every((surer) => surer.label !== box.label || overlap(surer, box) <= NMS_IOU);
    if (isFree) kept.push(box);
  }
  return kept;
}

function overlap(a: Box, b: Box): number {
  const along = (low: "left" | "top", high: "right" | "bottom") =>
    Math.max(0, Math.min(a[high], b[high]) - Math.max(a[low], b[low]));
  const area = ({ left, top, right, bottom }: Box) => (right - left) * (bottom - top);
  const common = along("left", "right") * along("top", "bottom");
  return common / (area(a) + area(b) - common);
}

function assertSameBoxes(boxes: readonly Box[], expected: readonly Box[], path: string): void {
  assert.equal(boxes.length, expected.length, path);
  for (const [i, box] of boxes.entries()) {
    const other = expected[i];
    assert.equal(box.label, other.label, `${path}, box ${i}`);
    for (const key of ["score", "left", "top", "right", "bottom"] as const) {
      assert.ok(Math.abs(box[key] - other[key]) <= 1e-4, `${path}, box ${i}: ${key} is ${box[key]}, not ${other[key]}`);
    }
  }
}
