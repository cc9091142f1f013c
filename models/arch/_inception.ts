/** What Inception networks are made of: convolutions with batch normalization and ReLU, and branches side by side. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** A convolution's name and size, and whether it halves the picture without padding it. */
export interface Convolved {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize?: number | readonly [height: number, width: number];
  readonly strides?: number;
  /** Default: "valid" where it strides, else "same". */
  readonly padding?: "same" | "valid";
}

/** A convolution, by default of 1×1, with batch normalization and ReLU. */
export function convolved(
  blocks: Blocks,
  { name, kernelSize = 1, strides = 1, padding = strides === 1 ? "same" : "valid", filters }: Convolved,
): readonly Layer[] {
  return [blocks.conv({ name, filters, kernelSize, strides, padding }), ...blocks.normReLU(name)];
}

/** Applies each chain to `x` and puts what they give side by side, in a layer `${name}_concat`. */
export function branches(
  x: tfl.SymbolicTensor,
  name: string,
  chains: readonly (readonly Layer[])[],
): tfl.SymbolicTensor {
  return beside(name, chains.map((chain) => applyAll(x, chain)));
}

/** Puts channels side by side, in a layer `${name}_concat`. */
export function beside(name: string, parts: readonly tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  return applyTo(layers.concatenate({ name: `${name}_concat` }), [...parts]);
}
