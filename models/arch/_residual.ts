/** The residual block of two convolutions. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** A block and its place in the model. */
export interface Residual {
  readonly name: string;
  readonly filters: number;
  /** Whether the block has more filters than its input, and halves the picture. */
  readonly isWider: boolean;
  /** How the strided convolution is padded: as in TensorFlow ("same": at the bottom and right first), or by 1 all around. */
  readonly padding: "same" | "around";
  readonly blocks: Blocks;
}

/**
 * relu(bn(conv(relu(bn(conv(x))))) + skip(x)), of 3×3 convolutions; where the shape changes, the skip is a 1×1 convolution
 * with batch normalization.
 */
export function residual(
  x: tfl.SymbolicTensor,
  { name, filters, isWider, padding, blocks }: Residual,
): tfl.SymbolicTensor {
  const strides = isWider ? 2 : 1;
  const first = { name: `${name}_conv1`, filters, kernelSize: 3, strides };
  const body = applyAll(x, [
    ...(padding === "same" ? [blocks.conv(first)] : blocks.convAround(first)),
    blocks.norm(`${name}_bn1`),
    layers.reLU({ name: `${name}_relu1` }),
    blocks.conv({ name: `${name}_conv2`, filters, kernelSize: 3 }),
    blocks.norm(`${name}_bn2`),
  ]);
  const skip = isWider
    ? applyAll(x, [
      blocks.conv({ name: `${name}_skip_conv`, filters, kernelSize: 1, strides }),
      blocks.norm(`${name}_skip_bn`),
    ])
    : x;
  const sum = applyTo(layers.add({ name: `${name}_add` }), [body, skip]);
  return applyTo(layers.reLU({ name: `${name}_relu2` }), sum);
}
