/** The inverted residual block of mobile nets, and their channels at other widths. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** A block and its place in the model. */
export interface Inverted {
  readonly name: string;
  /** Channels that it reads, has within, and gives. */
  readonly channels: { readonly from: number; readonly within: number; readonly to: number };
  readonly kernelSize?: number;
  readonly strides: number;
  /** How the depthwise convolution is padded where it strides: as in TensorFlow ("same"), or as much on all sides. */
  readonly padding: "same" | "around";
  readonly blocks: Blocks;
  /** Applies the activation `${name}_…` of the batch normalization `${name}_bn`. */
  readonly activate: (x: tfl.SymbolicTensor, name: string) => tfl.SymbolicTensor;
  /** What stands between the depthwise convolution and the last. Default: nothing. */
  readonly attend?: (x: tfl.SymbolicTensor) => tfl.SymbolicTensor;
}

/**
 * Expands by 1×1 where there are more channels within, convolves depthwise, and projects by 1×1, each with batch
 * normalization and all but the last with the activation; plus the input where shapes agree.
 */
export function inverted(x: tfl.SymbolicTensor, block: Inverted): tfl.SymbolicTensor {
  const { name, channels: { from, within, to }, kernelSize = 3, strides, padding, blocks, activate, attend } = block;
  const [expand, depthwise, project] = ["expand", "depthwise", "project"].map((part) => `${name}_${part}`);
  const expanded = within === from ? x : activate(
    applyAll(x, [blocks.conv({ name: expand, filters: within, kernelSize: 1 }), blocks.norm(`${expand}_bn`)]),
    expand,
  );
  const convolution = { name: depthwise, channels: within, kernelSize, strides };
  const convolved = activate(
    applyAll(expanded, [
      ...(padding === "same" ? [blocks.depthwise(convolution)] : blocks.depthwiseAround(convolution)),
      blocks.norm(`${depthwise}_bn`),
    ]),
    depthwise,
  );
  const y = applyAll(attend === undefined ? convolved : attend(convolved), [
    blocks.conv({ name: project, filters: to, kernelSize: 1 }),
    blocks.norm(`${project}_bn`),
  ]);
  return strides === 1 && from === to ? applyTo(layers.add({ name: `${name}_add` }), [x, y]) : y;
}

/** Cuts `x` at 0 and 6, in a layer `${name}_relu`. */
export function relu6(x: tfl.SymbolicTensor, name: string): tfl.SymbolicTensor {
  return applyTo(layers.reLU({ name: `${name}_relu`, maxValue: 6 }), x);
}

/** Numbers of channels are multiples of it. */
const STEP = 8;

/**
 * Returns how many channels there are of `channels` at a width: the nearest multiple of 8 that is not less than nine tenths.
 *
 * Source: the code published with Sandler et al., "MobileNetV2" (2018), as torchvision has it.
 */
export function atWidth(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(STEP, Math.floor((wanted + STEP / 2) / STEP) * STEP);
  return rounded < 0.9 * wanted ? rounded + STEP : rounded;
}
