/**
 * The weights of one unit, as another of the same form takes them.
 *
 * With batch normalization  y = γ (Kx + b − μ) / √(σ² + ε) + β.  What one side has and the other has not is folded,
 * k = γ / √(σ² + ε):  K' = k K,  b' = β + k (b − μ);  or made up for by a normalization that does nothing but add the
 * bias: γ = 1, μ = 0, σ² = 1 − ε, β = b. Where both normalize, by other ε, γ makes up for that.
 */
import type { LayerSpec, LayerWeight } from "../../src/rewrite/mod.ts";
import { isScalable, type WeightedUnit } from "./_units.ts";

/** Weights by the names of layers, or why there are none. */
export type Converted =
  | {
    readonly ok: true;
    readonly weights: ReadonlyMap<string, readonly LayerWeight[]>;
    /** The batch normalization that does nothing but add a bias, if there is such a one. */
    readonly idle?: string;
  }
  | { readonly ok: false; readonly because: string };

/** Returns the weights of `from` for `to`, which has the same form. */
export function convert(to: WeightedUnit, from: WeightedUnit): Converted {
  if (to.layer.className === "BatchNormalization") return convertNorm(to.layer, from.layer);
  if (isScalable(to.layer)) return convertKernel(to, from);
  return copyAll(to.layer, from.layer);
}

function refuse(because: string): Converted {
  return { ok: false, because };
}

function copyAll(to: LayerSpec, from: LayerSpec): Converted {
  const [own, given] = [to, from].map(({ weights }) => weights.map(({ name, shape }) => `${name} [${shape}]`));
  if (own.join() !== given.join()) return refuse(`has the weights ${own.join(", ")}, in the file ${given.join(", ")}`);
  const weights = to.weights.map((weight, i) => ({ ...weight, data: from.weights[i].data.slice() }));
  return { ok: true, weights: new Map([[to.name, weights]]) };
}

/** A batch normalization in numbers. */
interface Norm {
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

function dataOf({ weights }: LayerSpec, name: string): Float64Array | undefined {
  const weight = weights.find((weight) => weight.name === name);
  return weight && Float64Array.from(weight.data);
}

function epsilonOf({ config }: LayerSpec): number {
  return typeof config.epsilon === "number" ? config.epsilon : 1e-3; // TF.js's default
}

function readNorm(layer: LayerSpec): Norm {
  const { length } = layer.weights[0].data;
  const or = (name: string, value: number) => dataOf(layer, name) ?? new Float64Array(length).fill(value);
  return {
    gamma: or("gamma", 1),
    beta: or("beta", 0),
    mean: or("moving_mean", 0),
    variance: or("moving_variance", 1),
  };
}

/** Writes a normalization into the weights of `layer`, which may have no factors or no offset. */
function writeNorm(layer: LayerSpec, norm: Norm): readonly LayerWeight[] | string {
  const has = (name: string) => dataOf(layer, name) !== undefined;
  if (!has("gamma") && norm.gamma.some((factor) => Math.fround(factor) !== 1)) {
    return "has a normalization without factors, in the file with some";
  }
  if (!has("beta") && norm.beta.some((offset) => offset !== 0)) {
    return "has a normalization without offsets, in the file with some";
  }
  const values: Readonly<Record<string, Float64Array>> = {
    gamma: norm.gamma,
    beta: norm.beta,
    moving_mean: norm.mean,
    moving_variance: norm.variance,
  };
  return layer.weights.map((weight) => ({ ...weight, data: Float32Array.from(values[weight.name]) }));
}

/** The same normalization by another epsilon. */
function withEpsilon({ gamma, variance, ...rest }: Norm, from: number, to: number): Norm {
  if (from === to) return { gamma, variance, ...rest };
  return { ...rest, variance, gamma: gamma.map((g, c) => g * Math.sqrt((variance[c] + to) / (variance[c] + from))) };
}

function convertNorm(to: LayerSpec, from: LayerSpec): Converted {
  const written = writeNorm(to, withEpsilon(readNorm(from), epsilonOf(from), epsilonOf(to)));
  return typeof written === "string" ? refuse(written) : { ok: true, weights: new Map([[to.name, written]]) };
}

/** A kernel with its bias. */
interface Affine {
  readonly kernel: LayerWeight["data"];
  readonly bias: Float64Array;
}

function convertKernel(to: WeightedUnit, from: WeightedUnit): Converted {
  const own = readAffine(from.layer);
  if (to.norm === undefined) {
    const weights = writeAffine(to.layer, from.norm === undefined ? own : folded(own, from.norm));
    return typeof weights === "string" ? refuse(weights) : { ok: true, weights: new Map([[to.layer.name, weights]]) };
  }
  const { affine, norm } = normalized(own, { to: to.layer, norm: to.norm, from: from.norm });
  const [kernel, written] = [writeAffine(to.layer, affine), writeNorm(to.norm, norm)];
  if (typeof kernel === "string") return refuse(kernel);
  if (typeof written === "string") return refuse(written);
  return {
    ok: true,
    weights: new Map([[to.layer.name, kernel], [to.norm.name, written]]),
    ...(from.norm === undefined ? { idle: to.norm.name } : {}),
  };
}

function readAffine(layer: LayerSpec): Affine {
  const [{ data }] = layer.weights;
  return { kernel: data, bias: dataOf(layer, "bias") ?? new Float64Array(outputsOf(layer)) };
}

/** How many outputs a kernel has: those of a depthwise one are its channels times what it makes of each. */
function outputsOf({ className, weights: [{ shape }] }: LayerSpec): number {
  const last = shape[shape.length - 1];
  return className === "DepthwiseConv2D" ? shape[shape.length - 2] * last : last;
}

function writeAffine(to: LayerSpec, { kernel, bias }: Affine): readonly LayerWeight[] | string {
  const hasBias = to.weights.some(({ name }) => name === "bias");
  if (!hasBias && bias.some((value) => value !== 0)) return "has no bias, in the file it has one";
  return to.weights.map((weight, i) => ({
    ...weight,
    data: i === 0 ? kernel.slice() : Float32Array.from(bias),
  }));
}

function folded({ kernel, bias }: Affine, layer: LayerSpec): Affine {
  const { gamma, beta, mean, variance } = readNorm(layer);
  const factors = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilonOf(layer)));
  return {
    // Outputs are counted last, so that they come in turn.
    kernel: Float32Array.from(kernel, (value, i) => value * factors[i % factors.length]),
    bias: factors.map((k, c) => beta[c] + k * (bias[c] - mean[c])),
  };
}

interface Normalizing {
  readonly to: LayerSpec;
  readonly norm: LayerSpec;
  readonly from: LayerSpec | undefined;
}

/** A kernel with a normalization behind it, where the bias is left to that unless the layer has one. */
function normalized({ kernel, bias }: Affine, { to, norm, from }: Normalizing): { affine: Affine; norm: Norm } {
  const hasBias = dataOf(to, "bias") !== undefined;
  const none = bias.map(() => 0);
  if (from !== undefined) {
    const given = withEpsilon(readNorm(from), epsilonOf(from), epsilonOf(norm));
    return hasBias
      ? { affine: { kernel, bias }, norm: given }
      : { affine: { kernel, bias: none }, norm: { ...given, mean: given.mean.map((mean, c) => mean - bias[c]) } };
  }
  const ones = bias.map(() => 1);
  const idle = { gamma: ones, variance: ones.map(() => 1 - epsilonOf(norm)) };
  return {
    affine: { kernel, bias: none },
    norm: dataOf(norm, "beta") === undefined
      ? { ...idle, beta: none, mean: bias.map((value) => -value) }
      : { ...idle, beta: bias, mean: none },
  };
}
