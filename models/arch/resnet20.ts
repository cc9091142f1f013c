/** The residual network of 20 layers for small images. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { residual } from "./_residual.ts";

const { layers } = tfl;

/** Filters of the stages, three blocks each; every stage but the first halves the image. */
const STAGES = [16, 32, 64];
const BLOCKS_A_STAGE = 3;

/**
 * Makes `resnet20`: a 3×3 convolution, three stages of three residual blocks with 16, 32 and 64 filters, global average
 * pooling, a dense layer. Where a block changes the shape, its skip is a 1×1 convolution with batch normalization.
 *
 * Source: He et al., "Deep Residual Learning for Image Recognition" (2016), section 4.2, with option B's skips. Strided
 * convolutions are padded as in TensorFlow ("same": at the bottom and right first), not by 1 all around as in PyTorch.
 * Shapes: [n, h, w, c] → [n, outputs].
 */
export function resnet20({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: 16, kernelSize: 3 }),
    blocks.norm("bn1"),
    layers.reLU({ name: "relu1" }),
  ]);
  STAGES.forEach((filters, s) => {
    for (let b = 0; b < BLOCKS_A_STAGE; b++) {
      const isWider = s > 0 && b === 0;
      x = residual(x, { name: `stage${s + 1}_block${b + 1}`, filters, isWider, padding: "same", blocks });
    }
  });
  const pooled = applyTo(layers.globalAveragePooling2d({ name: "global_pool" }), x);
  return tfl.model({ name: "resnet20", inputs: image, outputs: applyAll(pooled, blocks.head(head)) });
}
