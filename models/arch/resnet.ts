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
  /** Two 3×3 convolutions a block, or a 3×3 one between two of 1×1. */
  readonly block: "basic" | "bottleneck";
}

/**
 * Makes `resnet18`: a 7×7 convolution and a 3×3 max-pool that halve the picture, four stages of two residual blocks with
 * 64, 128, 256 and 512 filters, global average pooling, a dense layer.
 *
 * Source: He et al., "Deep Residual Learning for Image Recognition" (2016), table 1, as in torchvision: padded by as much on
 * all sides, batch normalization with epsilon 1e-5.
 * Shapes: [n, h, w, c] → [n, outputs]. 1.8 billion multiply-adds at 224×224×3.
 */
export function resnet18(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet18", counts: [2, 2, 2, 2], block: "basic" });
}

/** Makes `resnet34`: the same with 3, 4, 6 and 3 blocks. 3.7 billion multiply-adds at 224×224×3. */
export function resnet34(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet34", counts: [3, 4, 6, 3], block: "basic" });
}

/**
 * Makes `resnet50`: as many blocks of three convolutions, 1×1, 3×3 and 1×1, that give 256, 512, 1024 and 2048 channels. The
 * 3×3 convolution strides, as in torchvision, where the paper has the first ("ResNet 1.5"). 4.1 billion multiply-adds at
 * 224×224×3.
 */
export function resnet50(options: ArchOptions): tfl.LayersModel {
  return buildResnet(options, { name: "resnet50", counts: [3, 4, 6, 3], block: "bottleneck" });
}

function buildResnet({ inputShape, seed, ...head }: ArchOptions, depth: Depth): tfl.LayersModel {
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
    for (let b = 0; b < depth.counts[s]; b++) {
      const block = { name: `stage${s + 1}_block${b + 1}`, blocks };
      const isFirst = b === 0;
      const halves = s > 0 && isFirst;
      x = depth.block === "basic"
        ? residual(x, { ...block, filters, isWider: halves, padding: "around" })
        : bottleneck(x, {
          ...block,
          filters: EXPANSION * filters,
          within: filters,
          strides: halves ? 2 : 1,
          isOther: isFirst,
        });
    }
  });
  return tfl.model({
    name: depth.name,
    inputs: image,
    outputs: applyAll(x, [layers.globalAveragePooling2d({ name: "global_pool" }), ...blocks.head(head)]),
  });
}
