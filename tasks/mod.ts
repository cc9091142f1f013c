/** The tasks by name: what `--task` takes. To add one: a folder, and a row here. */
import { checkChoice } from "../src/text/nearest.ts";
import { classification, classificationRow } from "./classification/classification.ts";
import { detectionRow } from "./detection/detection.ts";
import { landmarksRow } from "./landmarks/landmarks.ts";
import { multiLabelRow } from "./multi_label/multi_label.ts";
import { regressionRow } from "./regression/regression.ts";
import { type CheckedRow, checkedRow } from "./row.ts";
import { segmentationRow } from "./segmentation/segmentation.ts";
import type { Task } from "./task.ts";

export { accuracy, topClass, topClasses, topKAccuracy } from "./classification/accuracy.ts";
export { classification, type ClassificationOptions } from "./classification/classification.ts";
export { type CrossEntropyOptions, softmaxCrossEntropy } from "./classification/cross_entropy.ts";
export { detection, type DetectionOptions } from "./detection/detection.ts";
export { BOX_LOSSES } from "./detection/loss.ts";
export {
  type AppendedBoxes,
  boxesInPicture,
  boxesToAppend,
  type FileDecoding,
  type Placed,
  readFileDecoding,
} from "./detection/file_boxes.ts";
export type { FoundBox, Rectangle } from "./detection/boxes.ts";
export type { DecodeOptions } from "./detection/decode.ts";
export type { Grid, Grids, HeadKind, Size } from "./detection/grids.ts";
export { type LandmarkOptions, landmarks } from "./landmarks/landmarks.ts";
export { POINT_LOSSES, type PointLoss, pointLoss, type WingOptions } from "./landmarks/losses.ts";
export { binaryCrossEntropy } from "./multi_label/binary_cross_entropy.ts";
export { f1Score, meanAveragePrecision } from "./multi_label/f1.ts";
export { multiLabel, type MultiLabelOptions } from "./multi_label/multi_label.ts";
export { meanAbsoluteError, rootMeanSquaredError, rSquared } from "./regression/errors.ts";
export { regression, type RegressionOptions } from "./regression/regression.ts";
export { meanDice, meanIou, pixelAccuracy } from "./segmentation/metrics.ts";
export { pixelLoss, type PixelLossOptions } from "./segmentation/pixel_loss.ts";
export { segmentation, type SegmentationOptions } from "./segmentation/segmentation.ts";

const ROWS: Readonly<Record<string, CheckedRow>> = {
  classification: checkedRow(classificationRow),
  regression: checkedRow(regressionRow),
  "multi-label": checkedRow(multiLabelRow),
  detection: checkedRow(detectionRow),
  landmarks: checkedRow(landmarksRow),
  segmentation: checkedRow(segmentationRow),
};

/** Names of the tasks, as `--task` takes them. */
export const TASK_NAMES: readonly string[] = Object.keys(ROWS);

/**
 * Returns the row of the task called `name`.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function taskRow(name: string): CheckedRow {
  return ROWS[checkChoice(name, { of: TASK_NAMES, cannot: `Cannot find the task "${name}"` })];
}

/** Makes the task of a model that nobody gave another one. */
export function defaultTask(): Task {
  return classification();
}
