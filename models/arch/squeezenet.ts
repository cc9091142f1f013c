/** SqueezeNet. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { maxPoolCeil } from "./_pools.ts";

const { layers } = tfl;

/** Fire modules at each size: channels that the picture is squeezed to; four times as many come of each kernel. */
const STAGES = [[16, 16], [32, 32], [48, 48, 64, 64]];
const STEM = 64;
const EXPANSION = 4;

/**
 * Makes `squeezenet`: a strided convolution, eight fire modules between max-pools, dropout of 0.5, and a 1×1 convolution that
 * gives each place a number an answer, of which it takes means. A fire module squeezes channels by 1×1, then convolves
 * 1×1 and 3×3 beside each other. All convolutions have biases and no batch normalization.
 *
 * Before a softmax those numbers go through a ReLU, as published; answers that may be negative do without.
 * Source: Iandola et al., "SqueezeNet" (2016), version 1.1 of its code, as in torchvision: the first convolution and its
 * picture are not padded, pools reach beyond it. Starts from He's uniform weights, the last convolution from a deviation
 * of 0.01.
 * Shapes: [n, h, w, c] → [n, outputs]. 349 million multiply-adds at 224×224×3.
 */
export function squeezenet({ inputShape, seed, outputs, head = "softmax" }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5, start: "he-uniform" });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: STEM, kernelSize: 3, strides: 2, padding: "valid", useBias: true }),
    layers.reLU({ name: "conv1_relu" }),
  ]);
  let index = 1;
  STAGES.forEach((modules, s) => {
    x = maxPoolCeil(x, { name: `pool${s + 1}`, poolSize: 3 });
    for (const squeezed of modules) x = fire(x, { name: `fire${++index}`, squeezed, blocks });
  });
  const isClasses = head === "softmax";
  const answers = applyAll(x, [
    layers.dropout({ name: "dropout", rate: 0.5 }),
    layers.conv2d({ name: "dense", filters: outputs, kernelSize: 1, kernelInitializer: blocks.normal("dense", 0.01) }),
    ...(isClasses ? [layers.reLU({ name: "dense_relu" })] : []),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    ...blocks.last(head),
  ]);
  return tfl.model({ name: "squeezenet", inputs: image, outputs: answers });
}

interface Fire {
  readonly name: string;
  readonly squeezed: number;
  readonly blocks: Blocks;
}

function fire(x: tfl.SymbolicTensor, { name, squeezed, blocks }: Fire): tfl.SymbolicTensor {
  const convolved = (from: tfl.SymbolicTensor, part: string, filters: number, kernelSize: number) =>
    applyAll(from, [
      blocks.conv({ name: `${name}_${part}`, filters, kernelSize, useBias: true }),
      layers.reLU({ name: `${name}_${part}_relu` }),
    ]);
  const squeeze = convolved(x, "squeeze", squeezed, 1);
  const parts = [1, 3].map((size) => convolved(squeeze, `expand${size}`, EXPANSION * squeezed, size));
  return applyTo(layers.concatenate({ name: `${name}_concat` }), parts);
}
