/** The smallest EfficientNet for phones. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { inverted, relu6 } from "./_inverted.ts";

const { layers } = tfl;

/** Stages of inverted residual blocks: expansion factor, kernel, output channels, blocks, stride of the first block. */
const STAGES = [
  { expansion: 1, kernelSize: 3, channels: 16, count: 1, strides: 1 },
  { expansion: 6, kernelSize: 3, channels: 24, count: 2, strides: 2 },
  { expansion: 6, kernelSize: 5, channels: 40, count: 2, strides: 2 },
  { expansion: 6, kernelSize: 3, channels: 80, count: 3, strides: 2 },
  { expansion: 6, kernelSize: 5, channels: 112, count: 3, strides: 1 },
  { expansion: 6, kernelSize: 5, channels: 192, count: 4, strides: 2 },
  { expansion: 6, kernelSize: 3, channels: 320, count: 1, strides: 1 },
];
const STEM = 32;
const LAST = 1280;

/**
 * Makes `efficientnet_lite0`: a strided convolution, 16 inverted residual blocks with kernels of 3 and 5 and ReLU6, a 1×1
 * convolution to 1280 channels, global average pooling, dropout of 0.2, a dense layer.
 *
 * Source: Tan and Le, "EfficientNet" (2019), table 1, in the form that TensorFlow's authors published for integers: ReLU6 in
 * place of swish, no squeeze-and-excitation. Padded as TensorFlow does it, batch normalization with epsilon 1e-3 and
 * momentum 0.99, He's initial weights by fan-out. Blocks are not dropped at random.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times. 385 million multiply-adds at 224×224×3.
 */
export function efficientnetLite0({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3, momentum: 0.99, start: "he-out" });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: STEM, kernelSize: 3, strides: 2 }),
    ...blocks.normReLU("conv1", { maxValue: 6 }),
  ]);
  let from = STEM;
  let index = 0;
  for (const { expansion, kernelSize, channels: to, count, strides } of STAGES) {
    for (let i = 0; i < count; i++) {
      x = inverted(x, {
        name: `block${++index}`,
        channels: { from, within: from * expansion, to },
        kernelSize,
        strides: i === 0 ? strides : 1,
        padding: "same",
        blocks,
        activate: relu6,
      });
      from = to;
    }
  }
  const outputs = applyAll(x, [
    blocks.conv({ name: "conv2", filters: LAST, kernelSize: 1 }),
    ...blocks.normReLU("conv2", { maxValue: 6 }),
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 0.2 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "efficientnet_lite0", inputs: image, outputs });
}
