/** MobileNetV2 at width 1. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** Stages of inverted residual blocks: expansion factor, output channels, blocks, stride of the first block. */
const STAGES = [
  { expansion: 1, channels: 16, count: 1, strides: 1 },
  { expansion: 6, channels: 24, count: 2, strides: 2 },
  { expansion: 6, channels: 32, count: 3, strides: 2 },
  { expansion: 6, channels: 64, count: 4, strides: 2 },
  { expansion: 6, channels: 96, count: 3, strides: 1 },
  { expansion: 6, channels: 160, count: 3, strides: 2 },
  { expansion: 6, channels: 320, count: 1, strides: 1 },
];
const STEM = 32;
const LAST = 1280;

/**
 * Makes `mobilenet_v2`: a strided convolution, 17 inverted residual blocks with ReLU6, a 1×1 convolution to 1280 channels,
 * global average pooling, dropout of 0.2, a dense layer.
 *
 * Source: Sandler et al., "MobileNetV2" (2018), table 2, as in torchvision (batch normalization with epsilon 1e-5). Strided
 * convolutions are padded as in TensorFlow ("same"), not by 1 all around as in PyTorch.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times.
 */
export function mobilenetV2({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: STEM, kernelSize: 3, strides: 2 }),
    ...activated(blocks, "conv1"),
  ]);
  let from = STEM;
  let index = 0;
  for (const { count, channels: to, expansion, strides } of STAGES) {
    for (let i = 0; i < count; i++) {
      const name = `block${++index}`;
      x = inverted(x, { name, from, to, expansion, strides: i === 0 ? strides : 1, blocks });
      from = to;
    }
  }
  const outputs = applyAll(x, [
    blocks.conv({ name: "conv2", filters: LAST, kernelSize: 1 }),
    ...activated(blocks, "conv2"),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 0.2 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "mobilenet_v2", inputs: image, outputs });
}

interface Inverted {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly expansion: number;
  readonly strides: number;
  readonly blocks: Blocks;
}

/** Expand 1×1, depthwise 3×3, project 1×1; plus the input where shapes agree. */
function inverted(x: tfl.SymbolicTensor, { name, from, to, expansion, strides, blocks }: Inverted): tfl.SymbolicTensor {
  const channels = from * expansion;
  const expand = `${name}_expand`;
  const depthwise = `${name}_depthwise`;
  const project = `${name}_project`;
  const y = applyAll(x, [
    ...(expansion === 1
      ? []
      : [blocks.conv({ name: expand, filters: channels, kernelSize: 1 }), ...activated(blocks, expand)]),
    blocks.depthwise({ name: depthwise, channels, strides }),
    ...activated(blocks, depthwise),
    blocks.conv({ name: project, filters: to, kernelSize: 1 }),
    blocks.norm(`${project}_bn`),
  ]);
  return strides === 1 && from === to ? applyTo(layers.add({ name: `${name}_add` }), [x, y]) : y;
}

/** Batch normalization and ReLU6. */
function activated(blocks: Blocks, name: string): readonly InstanceType<typeof tfl.layers.Layer>[] {
  return [blocks.norm(`${name}_bn`), layers.reLU({ name: `${name}_relu`, maxValue: 6 })];
}
