/** A small detector for tests: it takes a second to train on a few generated pictures. */
import * as tfl from "@tensorflow/tfjs-layers";
import { attachDetection } from "../models/detection.ts";
import { apply } from "../tests/_support/small_models.ts";

const { layers } = tfl;

/** Side of its pictures, in pixels. */
export const SIDE = 48;
/** Kinds of things that it tells apart. */
export const CLASSES = 3;
/** Its anchors, in pixels, by output. */
export const ANCHORS = [[[16, 16], [26, 26]], [[8, 8], [12, 12]]] as const;

/** Makes a detector of cells of 16 pixels, and of 8, two anchors each; for pictures of any size where `side` is null. */
export function smallDetector(
  { isKnown = true, side = SIDE }: { readonly isKnown?: boolean; readonly side?: number | null } = {},
): tfl.LayersModel {
  const kernelInitializer = tfl.initializers.heNormal({ seed: 1 });
  const block = (name: string, filters: number, strides: number) => [
    layers.conv2d({ name, filters, kernelSize: 3, strides, padding: "same", useBias: false, kernelInitializer }),
    layers.batchNormalization({ name: `${name}_bn`, momentum: 0.9 }),
    layers.leakyReLU({ name: `${name}_act`, alpha: 0.1 }),
  ];
  const input = tfl.input({ shape: [side, side, 3], name: "image" });
  const chain = (x: tfl.SymbolicTensor, ...parts: readonly tfl.layers.Layer[]) =>
    parts.reduce((y, layer) => apply(layer, y), x);
  const boxes = (stride: number) =>
    layers.conv2d({ name: `boxes_${stride}`, filters: 2 * (5 + CLASSES), kernelSize: 1, kernelInitializer });
  const fine = chain(input, ...block("a", 8, 2), ...block("b", 16, 2), ...block("c", 32, 2));
  const coarse = chain(fine, ...block("d", 32, 2));
  const outputs = [chain(coarse, boxes(16)), chain(fine, boxes(8))];
  const model = tfl.model({ name: "small", inputs: input, outputs });
  if (isKnown) attachDetection(model, { kind: "yolov3", anchors: ANCHORS, classes: CLASSES });
  return model;
}
