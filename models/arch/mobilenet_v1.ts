/** The first MobileNet. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** Channels and stride of each block. */
const BLOCKS: readonly (readonly [channels: number, strides: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];
const STEM = 32;

/**
 * Makes `mobilenet_v1`: a strided convolution, 13 blocks of a depthwise and a 1×1 convolution, each with ReLU6, global average
 * pooling, dropout of 0.001, a dense layer.
 *
 * Source: Howard et al., "MobileNets" (2017), table 1, as in Keras: ReLU6, padded as TensorFlow does it, batch
 * normalization with epsilon 1e-3 and momentum 0.99, Glorot's initial weights. Depthwise weights start as large as what
 * each output reads asks for.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times. 569 million multiply-adds at 224×224×3.
 */
export function mobilenetV1({ inputShape, seed, width = 1, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3, momentum: 0.99, start: "glorot" });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const activated = (name: string) => blocks.normReLU(name, { maxValue: 6 });
  let from = channelsOf(STEM, width);
  let x = applyAll(image, [
    blocks.conv({ name: "conv1", filters: from, kernelSize: 3, strides: 2 }),
    ...activated("conv1"),
  ]);
  BLOCKS.forEach(([channels, strides], i) => {
    const [depthwise, pointwise] = ["depthwise", "pointwise"].map((part) => `block${i + 1}_${part}`);
    const filters = channelsOf(channels, width);
    x = applyAll(x, [
      blocks.depthwise({ name: depthwise, channels: from, strides }),
      ...activated(depthwise),
      blocks.conv({ name: pointwise, filters, kernelSize: 1 }),
      ...activated(pointwise),
    ]);
    from = filters;
  });
  const outputs = applyAll(x, [
    layers.globalAveragePooling2d({ name: "global_pool" }),
    layers.dropout({ name: "dropout", rate: 1e-3 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "mobilenet_v1", inputs: image, outputs });
}

/** Keras cuts off what is no whole channel. */
function channelsOf(channels: number, width: number): number {
  return Math.max(1, Math.floor(channels * width));
}
