/** The small MobileNetV3. */
import * as tfl from "@tensorflow/tfjs-layers";
import { Operation } from "../../src/operations/mod.ts";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { atWidth, inverted } from "./_inverted.ts";

const { layers } = tfl;

/** Blocks of table 2: kernel, channels within and of the output, squeeze-and-excitation, hard-swish or ReLU, stride. */
const BLOCKS = [
  { kernelSize: 3, within: 16, to: 16, attends: true, isHard: false, strides: 2 },
  { kernelSize: 3, within: 72, to: 24, attends: false, isHard: false, strides: 2 },
  { kernelSize: 3, within: 88, to: 24, attends: false, isHard: false, strides: 1 },
  { kernelSize: 5, within: 96, to: 40, attends: true, isHard: true, strides: 2 },
  { kernelSize: 5, within: 240, to: 40, attends: true, isHard: true, strides: 1 },
  { kernelSize: 5, within: 240, to: 40, attends: true, isHard: true, strides: 1 },
  { kernelSize: 5, within: 120, to: 48, attends: true, isHard: true, strides: 1 },
  { kernelSize: 5, within: 144, to: 48, attends: true, isHard: true, strides: 1 },
  { kernelSize: 5, within: 288, to: 96, attends: true, isHard: true, strides: 2 },
  { kernelSize: 5, within: 576, to: 96, attends: true, isHard: true, strides: 1 },
  { kernelSize: 5, within: 576, to: 96, attends: true, isHard: true, strides: 1 },
];
const STEM = 16;
const UNITS = 1024;

/** Channels of the last convolution for each of the last block. */
const LAST = 6;

/** Squeeze-and-excitation has a quarter of the channels within. */
const SQUEEZE = 4;

/**
 * Makes `mobilenet_v3_small`: a strided convolution, 11 inverted residual blocks with ReLU or hard-swish, most of them with
 * squeeze-and-excitation, a 1×1 convolution to 576 channels, global average pooling, a dense layer of 1024 with hard-swish,
 * dropout of 0.2, a dense layer.
 *
 * Source: Howard et al., "Searching for MobileNetV3" (2019), table 2, as in torchvision: padded by as much on all sides,
 * batch normalization with epsilon 1e-3 and momentum 0.99, He's initial weights by fan-out, dense layers from a deviation of
 * 0.01. Depthwise weights start as large as what each output reads asks for.
 * Shapes: [n, h, w, c] → [n, outputs]. The image is halved five times. 56 million multiply-adds at 224×224×3.
 */
export function mobilenetV3Small({ inputShape, seed, width = 1, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3, momentum: 0.99, start: "he-out", denseStart: 0.01 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  let from = atWidth(STEM, width);
  let x = hardSwish(
    applyAll(image, [
      ...blocks.convAround({ name: "conv1", filters: from, kernelSize: 3, strides: 2 }),
      blocks.norm("conv1_bn"),
    ]),
    "conv1",
  );
  BLOCKS.forEach(({ kernelSize, strides, attends, isHard, ...block }, i) => {
    const name = `block${i + 1}`;
    const [within, to] = [atWidth(block.within, width), atWidth(block.to, width)];
    x = inverted(x, {
      name,
      channels: { from, within, to },
      kernelSize,
      strides,
      padding: "around",
      blocks,
      activate: isHard ? hardSwish : relu,
      ...(attends ? { attend: (y: tfl.SymbolicTensor) => squeezed(y, { name, channels: within, blocks }) } : {}),
    });
    from = to;
  });
  const features = hardSwish(
    applyAll(x, [blocks.conv({ name: "conv2", filters: LAST * from, kernelSize: 1 }), blocks.norm("conv2_bn")]),
    "conv2",
  );
  const hidden = applyAll(features, [
    layers.globalAveragePooling2d({ name: "global_pool" }),
    blocks.projection({ name: "hidden", units: atWidth(UNITS, width) }),
  ]);
  const outputs = applyAll(hardSwish(hidden, "hidden"), [
    layers.dropout({ name: "dropout", rate: 0.2 }),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "mobilenet_v3_small", inputs: image, outputs });
}

function relu(x: tfl.SymbolicTensor, name: string): tfl.SymbolicTensor {
  return applyTo(layers.reLU({ name: `${name}_relu` }), x);
}

/** x · min(1, max(0, x / 6 + 1/2)) */
function hardSwish(x: tfl.SymbolicTensor, name: string): tfl.SymbolicTensor {
  const gate = applyTo(hardSigmoid(`${name}_gate`), x);
  return applyTo(layers.multiply({ name: `${name}_hard_swish` }), [x, gate]);
}

function hardSigmoid(name: string) {
  return new Operation({ name, operation: "hardSigmoid", options: { alpha: 1 / 6, beta: 0.5 } });
}

/**
 * Squeeze-and-excitation: multiplies each channel by what two 1×1 convolutions make of the means of all channels.
 *
 * Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), with ReLU and a hard sigmoid.
 */
function squeezed(
  x: tfl.SymbolicTensor,
  { name, channels, blocks }: { readonly name: string; readonly channels: number; readonly blocks: Blocks },
): tfl.SymbolicTensor {
  const conv = (part: string, filters: number) =>
    blocks.conv({ name: `${name}_${part}`, filters, kernelSize: 1, useBias: true });
  const factors = applyAll(x, [
    layers.globalAveragePooling2d({ name: `${name}_squeeze_pool` }),
    layers.reshape({ name: `${name}_squeeze_pixel`, targetShape: [1, 1, channels] }),
    conv("squeeze", atWidth(channels / SQUEEZE, 1)),
    layers.reLU({ name: `${name}_squeeze_relu` }),
    conv("excite", channels),
    hardSigmoid(`${name}_excite_gate`),
  ]);
  return applyTo(layers.multiply({ name: `${name}_excited` }), [x, factors]);
}
