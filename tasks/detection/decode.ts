/**
 * From the numbers of a detector's outputs to boxes: the same code for the simulated model, for its file in ONNX Runtime,
 * and for programs that read answers.
 */
import { type Answers, rowOf, widthOf } from "../../models/answers.ts";
import { type FoundBox, rectangleOf } from "./boxes.ts";
import { BEFORE_CLASSES } from "../../models/detection.ts";
import { type Grid, type Grids, type HeadKind, MOST_LOG_SIZE, stretchOf } from "./grids.ts";
import { suppress } from "./nms.ts";

/** Which boxes are told. */
export interface DecodeOptions {
  /** Boxes that are less sure are left out. */
  readonly scoreThreshold: number;
  /** See `NmsOptions`. */
  readonly nmsIou: number;
}

/**
 * Decodes all outputs' answers to one sample, and leaves out what overlaps surer boxes.
 *
 * A box has a score for each class, objectness · σ(logit) or, of a region head, objectness · softmax; those above the
 * threshold are boxes of their own.
 *
 * @param outputs A row of numbers for each grid.
 * @returns The surest first.
 */
export function decodeSample(
  outputs: readonly Float32Array[],
  { grids, kind, classes }: Grids,
  { scoreThreshold, nmsIou }: DecodeOptions,
): readonly FoundBox[] {
  const found: FoundBox[] = [];
  grids.forEach((grid, i) => readGrid(outputs[i], { grid, kind, classes, scoreThreshold, found }));
  return suppress(found, { iou: nmsIou });
}

/**
 * Decodes the answers to all samples.
 *
 * @param names The outputs, one for each grid.
 * @returns For each sample its boxes, the surest first.
 * @throws {TypeError} If an output is missing or has another shape than its grid.
 */
export function decodeAnswers(
  answers: Answers,
  names: readonly string[],
  { grids, options }: { readonly grids: Grids; readonly options: DecodeOptions },
): readonly (readonly FoundBox[])[] {
  names.forEach((name, i) => checkAnswer(answers, name, { grid: grids.grids[i], classes: grids.classes }));
  const count = answers[names[0]].shape[0];
  return Array.from(
    { length: count },
    (_, sample) => decodeSample(names.map((name) => rowOf(answers[name], sample)), grids, options),
  );
}

function checkAnswer(
  answers: Answers,
  name: string,
  { grid, classes }: { readonly grid: Grid; readonly classes: number },
): void {
  const { height, width, anchors } = grid;
  const needed = height * width * anchors.length * (BEFORE_CLASSES + classes);
  const answer = Object.hasOwn(answers, name) ? answers[name] : undefined;
  if (answer !== undefined && widthOf(answer) === needed) return;
  const is = answer === undefined ? "is missing" : `is [${answer.shape}]`;
  throw new TypeError(
    `Cannot decode boxes: the output "${name}" ${is}, ` +
      `needed is [n,${height},${width},${anchors.length * (BEFORE_CLASSES + classes)}]`,
  );
}

interface Reading {
  readonly grid: Grid;
  readonly kind: HeadKind;
  readonly classes: number;
  readonly scoreThreshold: number;
  /** Boxes are added to it. */
  readonly found: FoundBox[];
}

function readGrid(values: Float32Array, { grid, kind, classes, scoreThreshold, found }: Reading): void {
  const { height, width, anchors } = grid;
  const [factor, less] = stretchOf(grid);
  const numbers = BEFORE_CLASSES + classes;
  const scores = new Float64Array(classes);
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (const [anchorWidth, anchorHeight] of anchors) {
        const objectness = sigmoid(values[at + 4]);
        // No class can be surer than that something is there. What is no number is not either.
        if (objectness > scoreThreshold) {
          SCORES[kind](values.subarray(at + BEFORE_CLASSES, at + numbers), scores);
          const box = rectangleOf(
            (column + factor * sigmoid(values[at]) - less) / width,
            (row + factor * sigmoid(values[at + 1]) - less) / height,
            anchorWidth * sizeOf(values[at + 2]),
            anchorHeight * sizeOf(values[at + 3]),
          );
          for (let label = 0; label < classes; label++) {
            const score = objectness * scores[label];
            if (score > scoreThreshold) found.push({ ...box, label, score });
          }
        }
        at += numbers;
      }
    }
  }
}

/** Make probabilities of the logits of classes. */
const SCORES: Readonly<Record<HeadKind, (logits: Float32Array, out: Float64Array) => void>> = {
  yolov3: (logits, out) => {
    for (let i = 0; i < logits.length; i++) out[i] = sigmoid(logits[i]);
  },
  region: (logits, out) => {
    const most = logits.reduce((most, z) => Math.max(most, z), -Infinity);
    let sum = 0;
    for (let i = 0; i < logits.length; i++) sum += out[i] = Math.exp(logits[i] - most);
    for (let i = 0; i < logits.length; i++) out[i] /= sum;
  },
};

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** Sides as a share of the anchor's, as the loss has them. */
function sizeOf(t: number): number {
  return Math.exp(Math.max(-MOST_LOG_SIZE, Math.min(MOST_LOG_SIZE, t)));
}
