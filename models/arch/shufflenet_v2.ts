/** ShuffleNetV2 at two widths. */
import * as tfl from "@tensorflow/tfjs-layers";
import { ChannelShuffle, ChannelSplit } from "../../src/channels/mod.ts";
import { applyAll, applyTo, type ArchOptions, Blocks, padAround } from "./_blocks.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** Blocks of each stage, the first of which halves the picture. */
const COUNTS = [4, 8, 4];
const STEM = 24;
const LAST = 1024;

/**
 * Makes `shufflenet_v2`, of width 1: a strided convolution and a max-pool that quarter the picture, three stages of 4, 8 and 4
 * blocks with 116, 232 and 464 channels, a 1×1 convolution to 1024, global average pooling, a dense layer.
 *
 * A block splits its channels: one half stays what it is, the other goes through 1×1, depthwise 3×3 and 1×1; then they are
 * shuffled. The first of a stage strides, and convolves all channels both ways.
 * Source: Ma et al., "ShuffleNet V2" (2018), table 5, as torchvision's: padded by as much on all sides.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times. 146 million multiply-adds at 224×224×3.
 */
export function shufflenetV2(options: ArchOptions): tfl.LayersModel {
  return buildShufflenet("shufflenet_v2", options, [116, 232, 464]);
}

/** Makes `shufflenet_v2_x0_5`: the same with 48, 96 and 192 channels. 41 million multiply-adds at 224×224×3. */
export function shufflenetV2Half(options: ArchOptions): tfl.LayersModel {
  return buildShufflenet("shufflenet_v2_x0_5", options, [48, 96, 192]);
}

function buildShufflenet(
  name: string,
  { inputShape, seed, ...head }: ArchOptions,
  stages: readonly number[],
): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    ...blocks.convAround({ name: "conv1", filters: STEM, kernelSize: 3, strides: 2 }),
    ...blocks.normReLU("conv1"),
    ...padAround("pool1", 3),
    layers.maxPooling2d({ name: "pool1", poolSize: 3, strides: 2 }),
  ]);
  let from = STEM;
  stages.forEach((channels, s) => {
    for (let b = 1; b <= COUNTS[s]; b++) {
      const block = { name: `stage${s + 2}_block${b}`, from, channels, blocks };
      x = b === 1 ? strided(x, block) : split(x, block);
      from = channels;
    }
  });
  const outputs = applyAll(x, [
    blocks.conv({ name: "conv5", filters: LAST, kernelSize: 1 }),
    ...blocks.normReLU("conv5"),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name, inputs: image, outputs });
}

interface Block {
  readonly name: string;
  /** Channels of what it reads. */
  readonly from: number;
  /** Channels of what it gives. */
  readonly channels: number;
  readonly blocks: Blocks;
}

/** Convolves one half of the channels. */
function split(x: tfl.SymbolicTensor, block: Block): tfl.SymbolicTensor {
  const { name } = block;
  const [kept, other] = [0, 1].map((index) =>
    applyTo(new ChannelSplit({ name: `${name}_half${index + 1}`, index }), x)
  );
  return shuffled([kept, applyAll(other, branch(block, 1))], name);
}

/** Convolves all channels both ways, and halves the picture. */
function strided(x: tfl.SymbolicTensor, block: Block): tfl.SymbolicTensor {
  const { name, from, channels, blocks } = block;
  const skip = applyAll(x, [
    ...blocks.depthwiseAround({ name: `${name}_skip_depthwise`, channels: from, strides: 2 }),
    blocks.norm(`${name}_skip_depthwise_bn`),
    blocks.conv({ name: `${name}_skip_conv`, filters: channels / 2, kernelSize: 1 }),
    ...blocks.normReLU(`${name}_skip_conv`),
  ]);
  return shuffled([skip, applyAll(x, branch(block, 2))], name);
}

function shuffled(halves: readonly tfl.SymbolicTensor[], name: string): tfl.SymbolicTensor {
  const all = applyTo(layers.concatenate({ name: `${name}_concat` }), [...halves]);
  return applyTo(new ChannelShuffle({ name: `${name}_shuffle` }), all);
}

/** 1×1, depthwise 3×3, 1×1: half of a block's channels. */
function branch({ name, channels, blocks }: Block, strides: number): readonly Layer[] {
  const filters = channels / 2;
  const [conv1, conv2] = [1, 2].map((i) => blocks.conv({ name: `${name}_conv${i}`, filters, kernelSize: 1 }));
  return [
    conv1,
    ...blocks.normReLU(`${name}_conv1`),
    ...blocks.depthwiseAround({ name: `${name}_depthwise`, channels: filters, strides }),
    blocks.norm(`${name}_depthwise_bn`),
    conv2,
    ...blocks.normReLU(`${name}_conv2`),
  ];
}
