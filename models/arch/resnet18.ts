/** The residual network of 18 layers for photographs. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks, padAround } from "./_blocks.ts";
import { residual } from "./_residual.ts";

const { layers } = tfl;

/** Filters of the stages, two blocks each; every stage but the first halves the picture. */
const STAGES = [64, 128, 256, 512];
const BLOCKS_A_STAGE = 2;

/**
 * Makes `resnet18`: a 7×7 convolution and a 3×3 max-pool that halve the picture, four stages of two residual blocks with
 * 64, 128, 256 and 512 filters, global average pooling, a dense layer.
 *
 * Source: He et al., "Deep Residual Learning for Image Recognition" (2016), table 1, as in torchvision: padded by as much on
 * all sides, batch normalization with epsilon 1e-5.
 * Shapes: [n, h, w, c] → [n, outputs]. 1.8 billion multiply-adds at 224×224×3 and 11.7 million weights with 1000 outputs.
 */
export function resnet18({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    ...blocks.convAround({ name: "conv1", filters: STAGES[0], kernelSize: 7, strides: 2 }),
    blocks.norm("bn1"),
    layers.reLU({ name: "relu1" }),
    ...padAround("pool1", 3),
    layers.maxPooling2d({ name: "pool1", poolSize: 3, strides: 2 }),
  ]);
  STAGES.forEach((filters, s) => {
    for (let b = 0; b < BLOCKS_A_STAGE; b++) {
      const isWider = s > 0 && b === 0;
      x = residual(x, { name: `stage${s + 1}_block${b + 1}`, filters, isWider, padding: "around", blocks });
    }
  });
  return tfl.model({
    name: "resnet18",
    inputs: image,
    outputs: applyAll(x, [layers.globalAveragePooling2d({ name: "global_pool" }), ...blocks.head(head)]),
  });
}
