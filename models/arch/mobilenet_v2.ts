/** MobileNetV2. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { atWidth, inverted, relu6 } from "./_inverted.ts";

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
 * global average pooling, dropout of 0.2, a dense layer. Of other widths the last convolution has no fewer channels.
 *
 * Source: Sandler et al., "MobileNetV2" (2018), table 2, as in torchvision (batch normalization with epsilon 1e-5). Strided
 * convolutions are padded as in TensorFlow ("same"), not by 1 all around as in PyTorch.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times.
 */
export function mobilenetV2({ inputShape, seed, width = 1, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let from = atWidth(STEM, width);
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: from, kernelSize: 3, strides: 2 }),
    ...blocks.normReLU("conv1", { maxValue: 6 }),
  ]);
  let index = 0;
  for (const stage of STAGES) {
    for (let i = 0; i < stage.count; i++) {
      const to = atWidth(stage.channels, width);
      x = inverted(x, {
        name: `block${++index}`,
        channels: { from, within: from * stage.expansion, to },
        strides: i === 0 ? stage.strides : 1,
        padding: "same",
        blocks,
        activate: relu6,
      });
      from = to;
    }
  }
  const outputs = applyAll(x, [
    blocks.conv({ name: "conv2", filters: atWidth(LAST, Math.max(1, width)), kernelSize: 1 }),
    ...blocks.normReLU("conv2", { maxValue: 6 }),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 0.2 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "mobilenet_v2", inputs: image, outputs });
}
