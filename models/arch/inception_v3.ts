/** Inception v3. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks, padAround } from "./_blocks.ts";
import { beside, branches, type Convolved, convolved } from "./_inception.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** Rows and columns of the long kernels. */
const WIDE = [1, 7] as const;
const HIGH = [7, 1] as const;

/**
 * Makes `inception_v3`: five convolutions and two max-pools, eleven modules of four kinds, global average pooling, dropout of
 * 0.5, a dense layer.
 *
 * Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), as in torchvision, which follows
 * TensorFlow's: batch normalization (epsilon 1e-3) behind every convolution, weights that start from a deviation of 0.1,
 * nothing padded that strides, average pools that count the zeros around a picture. Without the auxiliary classifier.
 * Shapes: [n, h, w, c] → [n, outputs]. 5.7 billion multiply-adds at 299×299×3.
 */
export function inceptionV3({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3, start: 0.1, denseStart: 0.1 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const stem = applyAll(image, [
    ...convolved(blocks, { name: "conv1", filters: 32, kernelSize: 3, strides: 2 }),
    ...convolved(blocks, { name: "conv2", filters: 32, kernelSize: 3, padding: "valid" }),
    ...convolved(blocks, { name: "conv3", filters: 64, kernelSize: 3 }),
    halved("pool1"),
    ...convolved(blocks, { name: "conv4", filters: 80 }),
    ...convolved(blocks, { name: "conv5", filters: 192, kernelSize: 3, padding: "valid" }),
    halved("pool2"),
  ]);
  const fine = [32, 64, 64].reduce((x, pooled, i) => moduleA(x, { name: `mixed${i + 1}`, blocks }, pooled), stem);
  const coarse = [128, 160, 160, 192].reduce(
    (x, within, i) => moduleC(x, { name: `mixed${i + 5}`, blocks }, within),
    moduleB(fine, { name: "mixed4", blocks }),
  );
  const last = [10, 11].reduce(
    (x, i) => moduleE(x, { name: `mixed${i}`, blocks }),
    moduleD(coarse, { name: "mixed9", blocks }),
  );
  const outputs = applyAll(last, [
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 0.5 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "inception_v3", inputs: image, outputs });
}

interface Place {
  readonly name: string;
  readonly blocks: Blocks;
}

function halved(name: string): Layer {
  return layers.maxPooling2d({ name, poolSize: 3, strides: 2 });
}

/** Convolutions one behind the other, called after their branch. */
function chain({ name, blocks }: Place, branch: string, sizes: readonly Omit<Convolved, "name">[]): readonly Layer[] {
  return sizes.flatMap((size, i) => convolved(blocks, { name: `${name}_${branch}_${i + 1}`, ...size }));
}

/** The branch that averages, then convolves by 1×1. TF.js's "same" would not count the zeros. */
function averaged(place: Place, filters: number): readonly Layer[] {
  const name = `${place.name}_pool`;
  return [
    ...padAround(name, 3),
    layers.averagePooling2d({ name, poolSize: 3, strides: 1 }),
    ...chain(place, "pooled", [{ filters }]),
  ];
}

/** Figure 5 of the paper. */
function moduleA(x: tfl.SymbolicTensor, place: Place, pooled: number): tfl.SymbolicTensor {
  return branches(x, place.name, [
    chain(place, "one", [{ filters: 64 }]),
    chain(place, "five", [{ filters: 48 }, { filters: 64, kernelSize: 5 }]),
    chain(place, "three", [{ filters: 64 }, { filters: 96, kernelSize: 3 }, { filters: 96, kernelSize: 3 }]),
    averaged(place, pooled),
  ]);
}

/** Figure 10: halves the picture. */
function moduleB(x: tfl.SymbolicTensor, place: Place): tfl.SymbolicTensor {
  return branches(x, place.name, [
    chain(place, "one", [{ filters: 384, kernelSize: 3, strides: 2 }]),
    chain(place, "three", [
      { filters: 64 },
      { filters: 96, kernelSize: 3 },
      { filters: 96, kernelSize: 3, strides: 2 },
    ]),
    [halved(`${place.name}_pool`)],
  ]);
}

/** Figure 6: kernels of 7 rows or columns. */
function moduleC(x: tfl.SymbolicTensor, place: Place, within: number): tfl.SymbolicTensor {
  return branches(x, place.name, [
    chain(place, "one", [{ filters: 192 }]),
    chain(place, "seven", [
      { filters: within },
      { filters: within, kernelSize: WIDE },
      { filters: 192, kernelSize: HIGH },
    ]),
    chain(place, "twice", [
      { filters: within },
      { filters: within, kernelSize: HIGH },
      { filters: within, kernelSize: WIDE },
      { filters: within, kernelSize: HIGH },
      { filters: 192, kernelSize: WIDE },
    ]),
    averaged(place, 192),
  ]);
}

/** Halves the picture again. */
function moduleD(x: tfl.SymbolicTensor, place: Place): tfl.SymbolicTensor {
  return branches(x, place.name, [
    chain(place, "three", [{ filters: 192 }, { filters: 320, kernelSize: 3, strides: 2 }]),
    chain(place, "seven", [
      { filters: 192 },
      { filters: 192, kernelSize: WIDE },
      { filters: 192, kernelSize: HIGH },
      { filters: 192, kernelSize: 3, strides: 2 },
    ]),
    [halved(`${place.name}_pool`)],
  ]);
}

/** Figure 7: branches that part again. */
function moduleE(x: tfl.SymbolicTensor, place: Place): tfl.SymbolicTensor {
  const { name, blocks } = place;
  const parted = (from: tfl.SymbolicTensor, branch: string) =>
    branches(from, `${name}_${branch}`, [
      convolved(blocks, { name: `${name}_${branch}_wide`, filters: 384, kernelSize: [1, 3] }),
      convolved(blocks, { name: `${name}_${branch}_high`, filters: 384, kernelSize: [3, 1] }),
    ]);
  return beside(name, [
    applyAll(x, chain(place, "one", [{ filters: 320 }])),
    parted(applyAll(x, chain(place, "three", [{ filters: 384 }])), "three"),
    parted(applyAll(x, chain(place, "twice", [{ filters: 448 }, { filters: 384, kernelSize: 3 }])), "twice"),
    applyAll(x, averaged(place, 192)),
  ]);
}
