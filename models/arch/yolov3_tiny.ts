/** The small YOLOv3: two grids of boxes. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { boxesOf, concatenate, darknetConv, EPSILON, upsample } from "./_darknet.ts";

const { layers } = tfl;

/** Filters of the body's 3×3 convolutions; a pool of 2×2 follows each but the last, of stride 1 the last of them. */
const BODY = [16, 32, 64, 128, 256, 512, 1024];
const STRIDES = [32, 16];

/**
 * Makes `yolov3_tiny`: seven convolutions that double their filters while max-pooling halves the picture five times, a
 * bottleneck, boxes at a 32nd of the picture's size; from the bottleneck up to a 16th, with what the body had there, boxes
 * once more. Batch normalization and LeakyReLU(0.1) after each convolution but those that give boxes.
 *
 * Source: Redmon & Farhadi, "YOLOv3: An Incremental Improvement" (2018), and yolov3-tiny.cfg of darknet.
 * Shapes: [n, h, w, c] → [n, h/32, w/32, anchors · (5 + classes)] and [n, h/16, w/16, …]. 2.8 billion multiply-adds at
 * 416×416 with 80 classes, 8.9 million weights.
 */
export function yolov3Tiny({ inputShape, seed, outputs: classes, anchors = [] }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: EPSILON });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const conv = (name: string, filters: number, kernelSize: number) =>
    darknetConv(blocks, { name, filters, kernelSize });
  const [atSixteenth, atLast] = body(image, conv);
  const neck = applyAll(atLast, conv("neck", 256, 1));
  const merged = concatenate("concat", [applyAll(neck, [...conv("up_conv", 128, 1), upsample("up")]), atSixteenth]);
  const grids = [applyAll(neck, conv("head_32", 512, 3)), applyAll(merged, conv("head_16", 256, 3))];
  return tfl.model({
    name: "yolov3_tiny",
    inputs: image,
    outputs: grids.map((grid, i) => boxesOf(grid, { stride: STRIDES[i], anchors: anchors[i], classes, blocks })),
  });
}

/** Returns what the convolution of 256 filters gives, before it is pooled, and what the last one gives. */
function body(
  image: tfl.SymbolicTensor,
  conv: (name: string, filters: number, kernelSize: number) => Parameters<typeof applyAll>[1],
): readonly [tfl.SymbolicTensor, tfl.SymbolicTensor] {
  let x = image;
  let route = image;
  BODY.forEach((filters, i) => {
    x = applyAll(x, conv(`conv${i + 1}`, filters, 3));
    if (filters === 256) route = x;
    if (i === BODY.length - 1) return;
    const strides = i === BODY.length - 2 ? 1 : 2;
    x = applyTo(layers.maxPooling2d({ name: `pool${i + 1}`, poolSize: 2, strides, padding: "same" }), x);
  });
  return [route, x];
}
