/** How a layer type is quantized: one word, and what belongs to it. */
import type { serialization } from "@tensorflow/tfjs-core";
import type { QuantizedWeight } from "../quant/layers/weight_channels.ts";
import type { Interval } from "../numbers/scheme.ts";

/** A layer's class and configuration, as TF.js serializes them. */
export interface LayerDescription {
  /** The class's name as TF.js serializes it. */
  readonly className: string;
  /** camelCase keys. */
  readonly config: Readonly<serialization.ConfigDict>;
}

/**
 * How a layer is quantized.
 *
 * - `weighted`: weights per channel, output on a grid of its own.
 * - `rescale`: output on a grid of its own.
 * - `same-scale`: output on the input's grid.
 * - `fixed`: output on a grid known beforehand, whose scale and zero point follow from the codes in use.
 * - `relu`: a clipping that ONNX Runtime absorbs into the op before it; output on a grid of its own that starts at 0.
 * - `batch-norm`: folded into the weighted layer before it; a convolution of its own behind any other that is on a grid.
 * - `split`: rewritten as layers that have int8 kernels; in float where the rewriting declines.
 * - `passthrough`: does nothing at inference.
 * - `float`: has no int8 kernel.
 */
export type LayerRule =
  | { readonly kind: "weighted"; readonly weights: readonly QuantizedWeight[] }
  | { readonly kind: "rescale" }
  | { readonly kind: "same-scale" }
  | { readonly kind: "fixed"; readonly interval: Interval }
  | { readonly kind: "relu" }
  | { readonly kind: "batch-norm"; readonly because: string }
  | { readonly kind: "split"; readonly into: string; readonly because: string }
  | { readonly kind: "passthrough" }
  | {
    readonly kind: "float";
    readonly because: string;
    /** What its output lies within by its nature, where an int8 layer reads it. */
    readonly interval?: Interval;
    /** Weights that are held as codes all the same: the layer picks some of them, and those are made real. */
    readonly weights?: readonly QuantizedWeight[];
  };

/** The words for it. */
export type LayerKind = LayerRule["kind"];

const KINDS: { readonly [Kind in LayerKind]: Kind } = {
  "weighted": "weighted",
  "rescale": "rescale",
  "same-scale": "same-scale",
  "fixed": "fixed",
  "relu": "relu",
  "batch-norm": "batch-norm",
  "split": "split",
  "passthrough": "passthrough",
  "float": "float",
};

/** All of them. */
export const LAYER_KINDS: readonly LayerKind[] = Object.values(KINDS);

/** A layer type's rule, or a function of the layer's configuration where that decides. */
export type LayerRow = LayerRule | ((config: LayerDescription["config"]) => LayerRule);

/** One weight on a grid per output channel, the output on a grid of its own. */
export function weighted(weight: QuantizedWeight): LayerRule {
  return { kind: "weighted", weights: [weight] };
}

/** Stays in float, for this reason. */
export function float(because: string): Extract<LayerRule, { kind: "float" }> {
  return { kind: "float", because };
}

/** Stays in float, for want of a kernel. */
export function noKernel(what: string): LayerRule {
  return float(`ONNX Runtime has no int8 kernel for ${what}`);
}

/** Has no lowering: a model that holds it can be trained and not exported. */
export function noExport(what: string): LayerRule {
  return float(`${what} is not written as ONNX yet: a model that holds it cannot be exported`);
}

/** The output on a grid of its own. */
export const rescale: LayerRule = { kind: "rescale" };

/** The output on the input's grid. */
export const sameScale: LayerRule = { kind: "same-scale" };

/** Does nothing at inference. */
export const passthrough: LayerRule = { kind: "passthrough" };

/** Absorbed into the op before it. */
export const relu: LayerRule = { kind: "relu" };

/** Rewritten as the layers `into`; in float, for this reason, where it cannot be. */
export function split(into: string, because: string): LayerRule {
  return { kind: "split", into, because };
}

/** Hard sigmoids, min(1, max(0, α·x + β)), of channels whose number convolutions tell. */
export const hardSigmoid: LayerRule = split(
  "DepthwiseConv2D and ReLU",
  "ONNX Runtime has no int8 kernel for HardSigmoid, and no convolution before it tells how many channels there are",
);

/** Values in [-1, 1]. */
export const signedUnitInterval: LayerRule = { kind: "fixed", interval: "signed-unit" };

/** Values in [0, 1]. */
export const unitInterval: LayerRule = { kind: "fixed", interval: "unit" };

/** Returns the weights of a layer of this rule that files hold as codes. */
export function codedWeights(rule: LayerRule): readonly QuantizedWeight[] {
  return rule.kind === "weighted" || rule.kind === "float" ? rule.weights ?? [] : [];
}
