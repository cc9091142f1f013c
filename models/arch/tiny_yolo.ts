/** A classifier in the manner of tiny YOLO's backbone, for small images. */
import * as tfl from "@tensorflow/tfjs-layers";
import { type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** The body, top to bottom: a convolution (filters, kernel) or a 2×2 max-pool by its stride. */
const BODY = [
  { filters: 16, kernelSize: 3 },
  { pool: 2 },
  { filters: 32, kernelSize: 3 },
  { pool: 2 },
  { filters: 64, kernelSize: 3 },
  { pool: 2 },
  { filters: 128, kernelSize: 3 },
  { pool: 1 },
  { filters: 256, kernelSize: 3 },
  { filters: 128, kernelSize: 1 },
  { filters: 256, kernelSize: 3 },
] as const;

/** Slope of LeakyReLU for negative values, as in darknet. */
const SLOPE = 0.1;

/**
 * Makes `tiny_yolo`: 3×3 convolutions that double their filters while max-pooling halves the image, a last pool of
 * stride 1, a 1×1 bottleneck; batch normalization and LeakyReLU(0.1) after each; global average pooling, a dense layer.
 *
 * Darknet's tiny YOLO (Redmon & Farhadi, "YOLOv3" (2018), yolov3-tiny.cfg) without its last two poolings and widest
 * layers, as fits an image of 32×32, and with a classifier in place of the detection heads.
 * Shapes: [n, h, w, c] → [n, outputs]. 14 million multiply-adds and 724,000 weights at 32×32×3.
 */
export function tinyYolo({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3 });
  const model = tfl.sequential({ name: "tiny_yolo" });
  let convs = 0;
  let pools = 0;
  for (const part of BODY) {
    if ("pool" in part) {
      const name = `pool${++pools}`;
      model.add(layers.maxPooling2d({ name, poolSize: 2, strides: part.pool, padding: "same" }));
      continue;
    }
    const first = convs++ === 0 ? { inputShape } : {};
    model.add(blocks.conv({ name: `conv${convs}`, ...part, ...first }));
    model.add(blocks.norm(`bn${convs}`));
    model.add(layers.leakyReLU({ name: `leaky${convs}`, alpha: SLOPE }));
  }
  model.add(layers.globalAveragePooling2d({ name: "global_pool" }));
  for (const layer of blocks.head(head)) model.add(layer);
  return model;
}
