/**
 * The loss of one output of a detector, on its numbers as they come out of the last convolution.
 *
 *   of each box, by the anchor that is to find it:
 *     objectness   log(1 + e^z) − z · o            o = 1; of a region head the IoU of what is found and the box
 *     classes      Σ log(1 + e^z) − z · [is it]     of a region head −log softmax(z)[class]
 *     the box      (2 − w·h) · (Σ log(1 + e^t) − t·t* over tx, ty + ½ Σ (t − t*)² over tw, th), or 2 · (1 − CIoU)
 *   of each other anchor, unless what it finds overlaps a box by more than the threshold:
 *     objectness   log(1 + e^z)
 *
 * summed up, and divided by the number of pictures. These are the gradients that darknet's `yolo` layer gives (σ(t) − t*,
 * t − t*, σ(z) − [is it]), as the derivatives of a function. No logarithm is taken of a probability: every term is finite
 * wherever its number is.
 *
 * Sources: Redmon, Farhadi, "YOLOv3" (2018), sections 2.1 and 2.2; "YOLO9000" (2017), section 2, which predicts the IoU
 * as objectness with the weight of 5 for boxes.
 */
import * as tf from "@tensorflow/tfjs-core";
import { pure } from "../loss.ts";
import type { Loss } from "../task.ts";
import {
  areasOf,
  boxesOf,
  type BoxTensors,
  completeOverlap,
  constantOf,
  overlapOf,
  type Places,
} from "./_decoded_boxes.ts";
import { COLUMNS, ENCODED } from "./encode.ts";
import { BEFORE_CLASSES } from "../../models/detection.ts";
import type { Grid, HeadKind } from "./grids.ts";

/** How boxes are learned. */
export const BOX_LOSSES = ["mse", "ciou"] as const;

/** How boxes are learned: number by number, or by how much they overlap. */
export type BoxLoss = typeof BOX_LOSSES[number];

/** How an output is learned. */
export interface DetectionLossOptions {
  readonly kind: HeadKind;
  readonly classes: number;
  readonly boxLoss: BoxLoss;
  /** What overlaps a box by more than this is not told that there is none. */
  readonly ignoreThreshold: number;
}

/** What sets the kinds of heads apart. */
const KINDS: Readonly<Record<HeadKind, { readonly objectWeight: number; readonly classLoss: ClassLoss }>> = {
  yolov3: { objectWeight: 1, classLoss: independentLoss },
  region: { objectWeight: 5, classLoss: softmaxLoss },
};

/** Factor of 1 − CIoU: what the sizes' factor 2 − w·h is of a small box. */
const OVERLAP_WEIGHT = 2;

/** The loss of each box's classes: logits [boxes, classes] and labels [boxes, 1] → [boxes]. */
type ClassLoss = (logits: tf.Tensor, labels: tf.Tensor) => tf.Tensor;

/**
 * Makes the loss of an output.
 *
 * Shapes: what `encodeBoxes` makes [n, most, ENCODED], outputs [n, height, width, anchors · (5 + classes)] → scalar.
 *
 * @throws {TypeError} The loss itself, if the shapes are others.
 */
export function detectionLoss(grid: Grid, options: DetectionLossOptions): Loss {
  return pure((encoded: tf.Tensor, outputs: tf.Tensor) => {
    checkShapes(encoded, outputs, grid, options);
    return tf.tidy(() => {
      const [n] = outputs.shape;
      const found = found2d(outputs, options);
      const boxes = readEncoded(encoded);
      const assigned = tf.split(tf.gather(found, boxes.row), [1, 1, 1, 1, 1, options.classes], 1);
      const loss = [
        objectLoss(assigned, boxes, { grid, ...options }),
        classLoss(assigned, boxes, options),
        boxLoss(assigned, boxes, { grid, ...options }),
        nothingLoss({ found, outputs, boxes, encoded }, { grid, ...options }),
      ].reduce((sum, term) => tf.add(sum, term));
      return tf.mul<tf.Scalar>(loss, 1 / n);
    });
  });
}

function checkShapes(encoded: tf.Tensor, { shape }: tf.Tensor, grid: Grid, { classes }: DetectionLossOptions): void {
  const needed = [shape[0], grid.height, grid.width, grid.anchors.length * (BEFORE_CLASSES + classes)];
  const isEncoded = encoded.rank === 3 && encoded.shape[0] === shape[0] && encoded.shape[2] === ENCODED;
  if (shape.join() === needed.join() && isEncoded) return;
  throw new TypeError(
    `Cannot take the loss of a detector: targets are [${encoded.shape}] and outputs [${shape}], ` +
      `needed are [n,most,${ENCODED}] and [${["n", ...needed.slice(1)]}]`,
  );
}

/** All anchors of all cells, a row each. */
function found2d(outputs: tf.Tensor, { classes }: DetectionLossOptions): tf.Tensor2D {
  return tf.reshape(outputs, [-1, BEFORE_CLASSES + classes]);
}

/** The columns of encoded boxes, each [boxes, 1] but for `row` and `weight`, which are [boxes]. */
interface EncodedBoxes {
  readonly box: BoxTensors;
  readonly numbers: readonly tf.Tensor[];
  readonly cell: readonly tf.Tensor[];
  readonly anchor: readonly tf.Tensor[];
  readonly label: tf.Tensor;
  readonly row: tf.Tensor1D;
  readonly weight: tf.Tensor1D;
}

function readEncoded(encoded: tf.Tensor): EncodedBoxes {
  const columns = tf.split(tf.reshape(encoded, [-1, ENCODED]), ENCODED, 1);
  const take = (width: number) => columns.splice(0, width);
  const [x, y, width, height] = take(COLUMNS.box);
  const [numbers, cell, anchor] = [take(COLUMNS.numbers), take(COLUMNS.cell), take(COLUMNS.anchor)];
  const [label, row, weight] = columns;
  return {
    box: { x, y, width, height },
    numbers,
    cell,
    anchor,
    label,
    row: tf.cast(tf.reshape(row, [-1]), "int32"),
    weight: tf.reshape(weight, [-1]),
  };
}

type WithGrid = DetectionLossOptions & { readonly grid: Grid };

/** Σ weight · log(1 + e^z) − z · target. */
function objectLoss(assigned: readonly tf.Tensor[], boxes: EncodedBoxes, { kind, grid }: WithGrid): tf.Tensor {
  const logits = tf.reshape(assigned[4], [-1]);
  const target = kind === "yolov3"
    ? 1
    : constantOf((numbers) => tf.reshape(overlapOf(boxesOf(numbers, placesOf(boxes, grid)), boxes.box), [-1]), [
      ...assigned.slice(0, 4),
    ]);
  return tf.mul(weightedSum(crossEntropy(logits, target), boxes), KINDS[kind].objectWeight);
}

function classLoss(assigned: readonly tf.Tensor[], boxes: EncodedBoxes, { kind }: DetectionLossOptions): tf.Tensor {
  return weightedSum(KINDS[kind].classLoss(assigned[5], boxes.label), boxes);
}

function independentLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  return tf.sum(crossEntropy(logits, oneHot(labels, logits.shape[1]!)), 1);
}

function softmaxLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot(labels, logits.shape[1]!)), 1));
}

function oneHot(labels: tf.Tensor, classes: number): tf.Tensor {
  // TF.js's own oneHot refuses a single class.
  return tf.cast(tf.equal(labels, tf.range(0, classes)), "float32");
}

/** The cross-entropy of σ(logits) and targets in [0, 1]. */
function crossEntropy(logits: tf.Tensor, targets: tf.Tensor | number): tf.Tensor {
  return tf.sub(tf.softplus(logits), tf.mul(logits, targets));
}

function weightedSum(each: tf.Tensor, { weight }: EncodedBoxes): tf.Tensor {
  return tf.sum(tf.mul(each, weight));
}

function boxLoss(assigned: readonly tf.Tensor[], boxes: EncodedBoxes, { boxLoss, grid }: WithGrid): tf.Tensor {
  if (boxLoss === "ciou") {
    const overlap = completeOverlap(boxesOf(assigned.slice(0, 4), placesOf(boxes, grid)), boxes.box);
    return tf.mul(weightedSum(tf.reshape(tf.sub(1, overlap), [-1]), boxes), OVERLAP_WEIGHT);
  }
  const [tx, ty, tw, th] = assigned;
  const [x, y, w, h] = boxes.numbers;
  const halfSquare = (t: tf.Tensor, target: tf.Tensor) => tf.mul(tf.square(tf.sub(t, target)), 0.5);
  const each = [crossEntropy(tx, x), crossEntropy(ty, y), halfSquare(tw, w), halfSquare(th, h)]
    .reduce((sum, term) => tf.add(sum, term));
  const bySize = tf.sub(2, tf.mul(boxes.box.width, boxes.box.height));
  return weightedSum(tf.reshape(tf.mul(each, bySize), [-1]), boxes);
}

function placesOf({ cell: [column, row], anchor: [width, height] }: EncodedBoxes, grid: Grid): Places {
  return { grid, column, row, width, height };
}

interface Seen {
  readonly found: tf.Tensor2D;
  readonly outputs: tf.Tensor;
  readonly boxes: EncodedBoxes;
  readonly encoded: tf.Tensor;
}

/** Σ log(1 + e^z) over all anchors that are to find nothing. */
function nothingLoss({ found, outputs, boxes, encoded }: Seen, options: WithGrid): tf.Tensor {
  const { row, weight } = boxes;
  const rows = found.shape[0];
  const isFree = tf.sub(1, tf.unsortedSegmentSum(weight, row, rows));
  const isNothing = constantOf(([outputs]) => tf.reshape(isFarFromAll(outputs, encoded, options), [-1]), [outputs]);
  const logits = tf.reshape(tf.slice(found, [0, 4], [-1, 1]), [-1]);
  return tf.sum(tf.mul(tf.softplus(logits), tf.mul(isFree, isNothing)));
}

/**
 * Returns 1 for each anchor whose box overlaps no box of its picture by more than the threshold, else 0.
 *
 * Shapes: [n, height, width, anchors · numbers] → [n, height, width, anchors]. IoU > t is common > t / (1 + t) · (a + b):
 * without a division it holds of empty boxes too.
 */
function isFarFromAll(outputs: tf.Tensor, encoded: tf.Tensor, { grid, classes, ignoreThreshold }: WithGrid): tf.Tensor {
  const [n, most] = encoded.shape;
  const { height, width, anchors } = grid;
  const each = tf.reshape(outputs, [n, height, width, anchors.length, BEFORE_CLASSES + classes]);
  const numbers = tf.split(each, [1, 1, 1, 1, 1 + classes], 4).slice(0, 4);
  const sides = (at: 0 | 1) => tf.reshape(tf.stack(anchors.map((size) => tf.scalar(size[at]))), [1, 1, 1, -1, 1]);
  const boxes = boxesOf(numbers, {
    grid,
    column: tf.reshape(tf.range(0, width), [1, 1, -1, 1, 1]),
    row: tf.reshape(tf.range(0, height), [1, -1, 1, 1, 1]),
    width: sides(0),
    height: sides(1),
  });
  const [x, y, w, h] = tf.split(tf.slice(encoded, [0, 0, 0], [-1, -1, COLUMNS.box]), COLUMNS.box, 2)
    .map((column) => tf.reshape(column, [n, 1, 1, 1, most]));
  const { common, a, b } = areasOf(boxes, { x, y, width: w, height: h });
  const beyond = tf.sub(common, tf.mul(tf.add(a, b), ignoreThreshold / (1 + ignoreThreshold)));
  return tf.cast(tf.lessEqual(tf.max(beyond, 4), 0), "float32");
}
