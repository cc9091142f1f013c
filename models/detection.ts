/** What a detector's outputs mean: its model carries it among its metadata, whatever becomes of the model. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Anchors } from "./anchors.ts";

/** How the numbers of a grid's cells are read: classes each by itself, or one of all. */
export const DETECTION_KINDS = ["yolov3", "region"] as const;

/** One of them. */
export type DetectionKind = (typeof DETECTION_KINDS)[number];

/** What the outputs of a detector are. */
export interface Detection {
  readonly kind: DetectionKind;
  /** In pixels of the picture that goes in: a list an output, in the model's order. */
  readonly anchors: Anchors;
  /** How many classes there are. */
  readonly classes: number;
  /** Within how many widths of a cell, around its middle, centres lie, an output each; absent: 1, in the cell. */
  readonly reach?: readonly number[];
}

/** Whether centres of a cell can reach so far. */
export function isReach(value: unknown): boolean {
  return typeof value === "number" && value >= 1 && value <= MOST_REACH;
}

/** Darknet's own are at most 2. */
const MOST_REACH = 4;

/** Numbers of a box before those of its classes: x, y, width, height, and whether there is one. */
export const BEFORE_CLASSES = 5;

/** Where it lies among a model's metadata, of which the rest is others'. */
export const DETECTION_KEY = "detection";

/** Notes with `model` what its outputs are: rewriting, preparing and saving keep it. Other metadata stays. */
export function attachDetection(model: tfl.LayersModel, detection: Detection): void {
  model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), [DETECTION_KEY]: { ...detection } });
}

/** Notes with `model` what its boxes of so many classes start from. Of what kind they are stays; nobody knew: "yolov3". */
export function attachAnchors(model: tfl.LayersModel, anchors: Anchors, classes: number): void {
  const { kind = "yolov3", reach } = detectionOf(model) ?? {};
  attachDetection(model, { kind, anchors, classes, ...(reach === undefined ? {} : { reach }) });
}

/**
 * Returns what the outputs of `model` are; undefined if it is no detector, or nobody noted it.
 *
 * @throws {TypeError} If what is noted is damaged.
 */
export function detectionOf(model: tfl.LayersModel): Detection | undefined {
  const noted: unknown = Object(model.getUserDefinedMetadata())[DETECTION_KEY];
  if (noted === undefined) return undefined;
  const { kind, anchors, classes, reach } = Object(noted);
  const isKind = DETECTION_KINDS.some((known) => known === kind);
  const isList = Array.isArray(anchors) && anchors.length === model.outputs.length && anchors.every(areSizes);
  const areReaches = Array.isArray(reach) && reach.length === model.outputs.length && reach.every(isReach);
  if (isKind && isList && Number.isSafeInteger(classes) && classes > 0 && (reach === undefined || areReaches)) {
    return { kind, anchors, classes, ...(reach === undefined ? {} : { reach }) };
  }
  throw new TypeError(
    `Cannot tell what the outputs of "${model.name}" are: its metadata "${DETECTION_KEY}" is damaged, ` +
      `needed are kind, classes, and anchors for ${model.outputs.length} outputs`,
  );
}

function areSizes(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every(isSize);
}

function isSize(size: unknown): boolean {
  return Array.isArray(size) && size.length === 2 && size.every((side) => Number.isFinite(side) && side > 0);
}
