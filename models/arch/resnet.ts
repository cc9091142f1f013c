/** Residual networks for photographs. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks, padAround } from "./_blocks.ts";
import { bottleneck, residual } from "./_residual.ts";

const { layers } = tfl;

/** Filters of the first convolution. */
const STEM = 64;

/** Filters of the stages, of bottlenecks the least; every stage but the first halves the picture. */
const STAGES = [64, 128, 256, 512];

/** Filters that a bottleneck gives for each that its stage has. */
const EXPANSION = 4;

/** What the networks differ in. */
interface Depth {
  readonly name: string;
  /** Blocks of each stage. */
  readonly counts: readonly number[];
  /** Two 3×3 convolutions a block, or one between two of 1×1: in groups, each of so many filters where its stage has 64. */
  readonly block: { readonly kind: "basic" } | {
    readonly kind: "bottleneck";
    readonly groups: number;
    readonly groupWidth: number;
  };
}

const BASIC: Depth["block"] = { kind: "basic" };

/**
 * Makes `resnet18`: a 7×7 convolution and a 3×3 max-pool that halve the picture, four stages of two residual blocks with
 * 64, 128, 256 and 512 filters, global average pooling, a dense layer.
 *
 * Source: He et al., "Deep Residual Learning for Image Recognition" (2016), table 1, as in torchvision: padded by as much on
 * all sides, batch normalization with epsilon 1e-5.
 * Shapes: [n, h, w, c] → [n, outputs]. 1.8 billion multiply-adds at 224×224×3.
 */
export function resnet18(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet18", counts: [2, 2, 2, 2], block: BASIC });
}

/** Makes `resnet34`: the same with 3, 4, 6 and 3 blocks. 3.7 billion multiply-adds at 224×224×3. */
export function resnet34(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet34", counts: [3, 4, 6, 3], block: BASIC });
}

/**
 * Makes `resnet50`: as many blocks of three convolutions, 1×1, 3×3 and 1×1, that give 256, 512, 1024 and 2048 channels. The
 * 3×3 convolution strides, as in torchvision, where the paper has the first ("ResNet 1.5"). 4.1 billion multiply-adds at
 * 224×224×3.
 */
export function resnet50(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet50", counts: [3, 4, 6, 3], block: bottlenecks(1, STEM) });
}

/**
 * Makes `resnext50_32x4d`: ResNet-50 whose 3×3 convolutions come in 32 groups, of 4 filters each in the first stage, twice as
 * many in each that follows. 4.2 billion multiply-adds at 224×224×3.
 *
 * Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (2017), table 1, as in torchvision.
 */
export function resnext50(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnext50_32x4d", counts: [3, 4, 6, 3], block: bottlenecks(32, 4) });
}

/**
 * Makes `resnext101_32x8d`: the same with 3, 4, 23 and 3 blocks, and 8 filters a group. 16.4 billion multiply-adds at
 * 224×224×3.
 */
export function resnext101(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnext101_32x8d", counts: [3, 4, 23, 3], block: bottlenecks(32, 8) });
}

function bottlenecks(groups: number, groupWidth: number): Depth["block"] {
  return { kind: "bottleneck", groups, groupWidth };
}

function buildResnet(
  { inputShape, seed, ...head }: ArchOptions,
  { name, counts, block: shape }: Depth,
): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    ...blocks.convAround({ name: "conv1", filters: STEM, kernelSize: 7, strides: 2 }),
    blocks.norm("bn1"),
    layers.reLU({ name: "relu1" }),
    ...padAround("pool1", 3),
    layers.maxPooling2d({ name: "pool1", poolSize: 3, strides: 2 }),
  ]);
  STAGES.forEach((filters, s) => {
    for (let b = 0; b < counts[s]; b++) {
      const block = { name: `stage${s + 1}_block${b + 1}`, blocks };
      const isFirst = b === 0;
      const halves = s > 0 && isFirst;
      x = shape.kind === "basic"
        ? residual(x, { ...block, filters, isWider: halves, padding: "around" })
        : bottleneck(x, {
          ...block,
          filters: EXPANSION * filters,
          within: filters / STEM * shape.groupWidth * shape.groups,
          groups: shape.groups,
          strides: halves ? 2 : 1,
          isOther: isFirst,
        });
    }
  });
  return tfl.model({
    name,
    inputs: image,
    outputs: applyAll(x, [layers.globalAveragePooling2d({ name: "global_pool" }), ...blocks.head(head)]),
  });
}
