/** The small YOLOv2: one grid of boxes. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { boxesOf, darknetConv, EPSILON } from "./_darknet.ts";

const { layers } = tfl;

/** Filters of the 3×3 convolutions, and the stride of the 2×2 pool behind them, where there is one. */
const BODY = [
  { filters: 16, pool: 2 },
  { filters: 32, pool: 2 },
  { filters: 64, pool: 2 },
  { filters: 128, pool: 2 },
  { filters: 256, pool: 2 },
  { filters: 512, pool: 1 },
  { filters: 1024 },
  { filters: 1024 },
] as const;

/**
 * Makes `tiny_yolov2`: eight 3×3 convolutions while max-pooling halves the picture five times, and boxes at a 32nd of its
 * size, whose classes one softmax tells apart. Batch normalization and LeakyReLU(0.1) after each convolution but the last.
 *
 * Source: Redmon & Farhadi, "YOLO9000: Better, Faster, Stronger" (2017), and yolov2-tiny-voc.cfg of darknet.
 * Shapes: [n, h, w, c] → [n, h/32, w/32, anchors · (5 + classes)]. 3.5 billion multiply-adds at 416×416, 15.9 million
 * weights with 20 classes.
 */
export function tinyYolov2({ inputShape, seed, outputs: classes, anchors = [] }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: EPSILON });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const body = BODY.flatMap((part, i) => [
    ...darknetConv(blocks, { name: `conv${i + 1}`, filters: part.filters, kernelSize: 3 }),
    ...("pool" in part
      ? [layers.maxPooling2d({ name: `pool${i + 1}`, poolSize: 2, strides: part.pool, padding: "same" })]
      : []),
  ]);
  const outputs = boxesOf(applyAll(image, body), { stride: 32, anchors: anchors[0], classes, blocks });
  return tfl.model({ name: "tiny_yolov2", inputs: image, outputs });
}
