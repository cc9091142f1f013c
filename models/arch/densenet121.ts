/** The densely connected network of 121 layers for photographs. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks, padAround } from "./_blocks.ts";

const { layers } = tfl;

/** Layers of each dense block; behind all but the last a transition halves channels and picture. */
const COUNTS = [6, 12, 24, 16];
const STEM = 64;

/** Channels that each dense layer adds, and how many times as many it has within. */
const GROWTH = 32;
const WITHIN = 4;

/**
 * Makes `densenet121`: a 7×7 convolution and a 3×3 max-pool that quarter the picture, four blocks of 6, 12, 24 and 16 dense
 * layers with transitions between, batch normalization and ReLU, global average pooling, a dense layer. A dense layer reads
 * what all before it in its block gave, side by side, and adds 32 channels by 1×1 and 3×3; batch normalization and ReLU come
 * before each convolution.
 *
 * Source: Huang et al., "Densely Connected Convolutional Networks" (2017), table 1, as in torchvision: padded by as much on
 * all sides, batch normalization with epsilon 1e-5, He's initial weights.
 * Shapes: [n, h, w, c] → [n, outputs]. 2.8 billion multiply-adds at 224×224×3.
 */
export function densenet121({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    ...blocks.convAround({ name: "conv1", filters: STEM, kernelSize: 7, strides: 2 }),
    ...blocks.normReLU("conv1"),
    ...padAround("pool1", 3),
    layers.maxPooling2d({ name: "pool1", poolSize: 3, strides: 2 }),
  ]);
  let channels = STEM;
  COUNTS.forEach((count, b) => {
    const name = `block${b + 1}`;
    x = dense(x, { name, count, blocks });
    channels += count * GROWTH;
    if (b === COUNTS.length - 1) return;
    channels /= 2;
    x = applyAll(x, [
      ...before(blocks, `${name}_transition`, channels, 1),
      layers.averagePooling2d({ name: `${name}_pool`, poolSize: 2 }),
    ]);
  });
  const outputs = applyAll(x, [
    ...blocks.normReLU("last"),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "densenet121", inputs: image, outputs });
}

/** A block, which gives what it reads and what its layers add. */
function dense(
  x: tfl.SymbolicTensor,
  { name, count, blocks }: { readonly name: string; readonly count: number; readonly blocks: Blocks },
): tfl.SymbolicTensor {
  const features = [x];
  const beside = (part: string) =>
    features.length === 1 ? x : applyTo(layers.concatenate({ name: `${name}_${part}` }), [...features]);
  for (let i = 1; i <= count; i++) {
    const layer = `${name}_layer${i}`;
    const added = applyAll(beside(`layer${i}_concat`), [
      ...before(blocks, `${layer}_conv1`, WITHIN * GROWTH, 1),
      ...before(blocks, `${layer}_conv2`, GROWTH, 3),
    ]);
    features.push(added);
  }
  return beside("concat");
}

/** Batch normalization, ReLU, and a convolution. */
function before(blocks: Blocks, name: string, filters: number, kernelSize: number) {
  return [...blocks.normReLU(name), blocks.conv({ name, filters, kernelSize })];
}
