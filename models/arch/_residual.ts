/** The residual blocks of two and of three convolutions. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

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
  const body = [
    ...(padding === "same" ? [blocks.conv(first)] : blocks.convAround(first)),
    blocks.norm(`${name}_bn1`),
    layers.reLU({ name: `${name}_relu1` }),
    blocks.conv({ name: `${name}_conv2`, filters, kernelSize: 3 }),
    blocks.norm(`${name}_bn2`),
  ];
  const skip = isWider ? skipConv({ name, filters, strides, blocks }) : [];
  return added(x, { name, body, skip, relu: `${name}_relu2` });
}

/** A block of three convolutions, the first and the last of 1×1. */
export interface Bottleneck {
  readonly name: string;
  /** Filters of the last convolution. */
  readonly filters: number;
  /** Filters of the others. */
  readonly within: number;
  /** Groups of the 3×3 convolution. */
  readonly groups: number;
  readonly strides: number;
  /** Whether it gives another shape than it reads. */
  readonly isOther: boolean;
  readonly blocks: Blocks;
}

/**
 * relu(bn(1×1(relu(bn(3×3(relu(bn(1×1(x)))))))) + skip(x)), which strides in the 3×3 convolution, padded by 1 all around;
 * where the shape changes, the skip is a 1×1 convolution with batch normalization.
 */
export function bottleneck(
  x: tfl.SymbolicTensor,
  { name, filters, within, groups, strides, isOther, blocks }: Bottleneck,
): tfl.SymbolicTensor {
  const body = [
    blocks.conv({ name: `${name}_conv1`, filters: within, kernelSize: 1 }),
    blocks.norm(`${name}_bn1`),
    layers.reLU({ name: `${name}_relu1` }),
    ...blocks.convAround({ name: `${name}_conv2`, filters: within, kernelSize: 3, strides, groups }),
    blocks.norm(`${name}_bn2`),
    layers.reLU({ name: `${name}_relu2` }),
    blocks.conv({ name: `${name}_conv3`, filters, kernelSize: 1 }),
    blocks.norm(`${name}_bn3`),
  ];
  const skip = isOther ? skipConv({ name, filters, strides, blocks }) : [];
  return added(x, { name, body, skip, relu: `${name}_relu3` });
}

function skipConv(
  { name, filters, strides, blocks }: Pick<Bottleneck, "name" | "filters" | "strides" | "blocks">,
): readonly Layer[] {
  return [
    blocks.conv({ name: `${name}_skip_conv`, filters, kernelSize: 1, strides }),
    blocks.norm(`${name}_skip_bn`),
  ];
}

/** relu(body(x) + skip(x)) */
function added(
  x: tfl.SymbolicTensor,
  { name, body, skip, relu }: {
    readonly name: string;
    readonly body: readonly Layer[];
    readonly skip: readonly Layer[];
    readonly relu: string;
  },
): tfl.SymbolicTensor {
  const sum = applyTo(layers.add({ name: `${name}_add` }), [applyAll(x, body), applyAll(x, skip)]);
  return applyTo(layers.reLU({ name: relu }), sum);
}
