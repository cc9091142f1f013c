/** A plain convolutional network for small images. */
import * as tfl from "@tensorflow/tfjs-layers";
import { type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** Filters of the convolutions, a stage a line; stages are 2×2 max-pooled between. */
const STAGES = [[32, 32], [64, 64], [128, 128]];

/**
 * Makes `cifar_cnn`: 3×3 convolutions 32-32-P-64-64-P-128-128, each with batch normalization and ReLU, global average
 * pooling, a dense layer.
 *
 * Shapes: [n, h, w, c] → [n, outputs]. 38.6 million multiply-adds and 289,000 weights at 32×32×3.
 */
export function cifarCnn({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3 });
  const model = tfl.sequential({ name: "cifar_cnn" });
  let count = 0;
  STAGES.forEach((stage, s) => {
    if (s > 0) model.add(layers.maxPooling2d({ name: `pool${s}`, poolSize: 2 }));
    for (const filters of stage) {
      const first = count++ === 0 ? { inputShape } : {};
      model.add(blocks.conv({ name: `conv${count}`, filters, kernelSize: 3, ...first }));
      model.add(blocks.norm(`bn${count}`));
      model.add(layers.reLU({ name: `relu${count}` }));
    }
  });
  model.add(layers.globalAveragePooling2d({ name: "global_pool" }));
  for (const layer of blocks.head(head)) model.add(layer);
  return model;
}
