/** A small task to train on: a prepared net with a convolution, batch norm and fake quantization, and seeded batches. */
import * as tfl from "@tensorflow/tfjs-layers";
import { type PreparedModel, prepareQat } from "../../quantize/prepare.ts";
import type { SampleBatch } from "../../train/fit.ts";
import { randomArray, seedWeights } from "./small_models.ts";

const { layers } = tfl;

/** Side of the images, in pixels. */
const SIDE = 16;
const CLASSES = 4;

/** Two convolutions with batch norm, pooling and a dense layer, prepared for quantization-aware training. */
export function preparedNet(): PreparedModel {
  const model = tfl.sequential({
    name: "small",
    layers: [
      layers.conv2d({ filters: 8, kernelSize: 3, padding: "same", useBias: false, inputShape: [SIDE, SIDE, 3] }),
      layers.batchNormalization({}),
      layers.reLU({}),
      layers.conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: "same", useBias: false }),
      layers.batchNormalization({}),
      layers.reLU({}),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: CLASSES, activation: "softmax" }),
    ],
  });
  const prepared = prepareQat(seedWeights(model));
  model.dispose();
  return prepared;
}

/** Noise with labels, [size, 16, 16, 3]: the same for the same seed. */
export function noise(size: number, seed: number): SampleBatch {
  const y = Int32Array.from(randomArray(size, seed + 1), (x) => Math.floor((x + 1) * CLASSES / 2));
  return { inputs: { image: randomArray(size * SIDE * SIDE * 3, seed) }, targets: { label: y }, size };
}
