/** GoogLeNet. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { branches, convolved } from "./_inception.ts";
import { maxPoolCeil } from "./_pools.ts";

const { layers } = tfl;

/** Filters of an inception module. */
type Module = readonly [
  name: string,
  one: number,
  threeReduced: number,
  three: number,
  fiveReduced: number,
  five: number,
  pooled: number,
];

/** The modules at each size, table 1 of the paper, and the windows of the pool behind them. */
const STAGES: readonly { readonly modules: readonly Module[]; readonly pool?: number }[] = [
  { modules: [["3a", 64, 96, 128, 16, 32, 32], ["3b", 128, 128, 192, 32, 96, 64]], pool: 3 },
  {
    modules: [
      ["4a", 192, 96, 208, 16, 48, 64],
      ["4b", 160, 112, 224, 24, 64, 64],
      ["4c", 128, 128, 256, 24, 64, 64],
      ["4d", 112, 144, 288, 32, 64, 64],
      ["4e", 256, 160, 320, 32, 128, 128],
    ],
    pool: 2,
  },
  { modules: [["5a", 256, 160, 320, 32, 128, 128], ["5b", 384, 192, 384, 48, 128, 128]] },
];

/**
 * Makes `googlenet`: three convolutions and two max-pools, nine inception modules, global average pooling, dropout of 0.2, a
 * dense layer. A module convolves 1×1, 3×3 and twice 3×3 beside each other and beside a max-pool, all behind or before 1×1.
 *
 * Source: Szegedy et al., "Going Deeper with Convolutions" (2015), table 1, as in torchvision, which follows TensorFlow's:
 * batch normalization (epsilon 1e-3) behind every convolution in place of local response normalization, 3×3 in place of 5×5,
 * pools that reach beyond the picture, weights that start from a deviation of 0.01. Without the auxiliary classifiers.
 * Shapes: [n, h, w, c] → [n, outputs]. 1.5 billion multiply-adds at 224×224×3.
 */
export function googlenet({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3, start: 0.01, denseStart: 0.01 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const first = applyAll(image, [
    ...blocks.convAround({ name: "conv1", filters: 64, kernelSize: 7, strides: 2 }),
    ...blocks.normReLU("conv1"),
  ]);
  const second = applyAll(maxPoolCeil(first, { name: "pool1", poolSize: 3 }), [
    ...convolved(blocks, { name: "conv2", filters: 64 }),
    ...convolved(blocks, { name: "conv3", filters: 192, kernelSize: 3 }),
  ]);
  let x = maxPoolCeil(second, { name: "pool2", poolSize: 3 });
  STAGES.forEach(({ modules, pool }, s) => {
    for (const module of modules) x = inception(x, module, blocks);
    if (pool !== undefined) x = maxPoolCeil(x, { name: `pool${s + 3}`, poolSize: pool });
  });
  const outputs = applyAll(x, [
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 0.2 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "googlenet", inputs: image, outputs });
}

function inception(
  x: tfl.SymbolicTensor,
  [place, one, threeReduced, three, fiveReduced, five, pooled]: Module,
  blocks: Blocks,
): tfl.SymbolicTensor {
  const name = `inception${place}`;
  const conv = (branch: string, filters: number, kernelSize = 1) =>
    convolved(blocks, { name: `${name}_${branch}`, filters, kernelSize });
  return branches(x, name, [
    conv("branch1", one),
    [...conv("branch2_reduce", threeReduced), ...conv("branch2", three, 3)],
    [...conv("branch3_reduce", fiveReduced), ...conv("branch3", five, 3)],
    [
      layers.maxPooling2d({ name: `${name}_branch4_pool`, poolSize: 3, strides: 1, padding: "same" }),
      ...conv("branch4", pooled),
    ],
  ]);
}
