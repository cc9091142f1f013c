/** Settings that only some tasks have. */

/** How a task learns and decides, where it differs from what the task does by itself. */
export interface TaskSettings {
  /** Widths and heights of the boxes that detectors start from, in pixels of the picture that goes in: a list an output. */
  readonly anchors?: Anchors;
  /** Height and width of the picture that goes in. */
  readonly inputSize?: readonly [height: number, width: number];
  /** What is learned of a box's position and size: squared errors of its numbers, or complete IoU. */
  readonly boxLoss?: "mse" | "ciou";
  /** A box that overlaps a true one by more than this IoU is not told that there is nothing. */
  readonly ignoreThreshold?: number;
  /** A box counts as found if its score is above this. */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this IoU, only the likelier one is kept. */
  readonly nmsIou?: number;
  /** How the numbers of outputs with boxes are read: classes each by itself, or one of all by softmax. */
  readonly headKind?: "yolov3" | "region";
  /** Within how many widths of a cell, around its middle, centres of boxes lie, an output each. */
  readonly reach?: readonly number[];
  /** How errors of points count. */
  readonly pointLoss?: "l2" | "smooth-l1" | "wing";
  /** A factor of the loss for each class. */
  readonly classWeights?: readonly number[];
  /** Factor of 1 minus the Dice coefficient beside the cross-entropy of pixels. */
  readonly diceLoss?: number;
}

/** Widths and heights in pixels, for each output from the coarsest grid to the finest. */
export type Anchors = readonly (readonly (readonly [width: number, height: number])[])[];
