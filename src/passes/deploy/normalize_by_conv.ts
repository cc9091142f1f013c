/**
 * Computes batch normalization of quantized values as a convolution, which has an int8 kernel, where there is no layer
 * before that it could be folded into.
 *
 * BN(x) = k·x + β − k·μ with k = γ / √(σ² + ε) is a 1×1 convolution of each channel on its own. Its weight k is one code,
 * the last on its side of 0, on a grid of scale |k| / 127 where there are 127 to the last: nothing is rounded. k = 0 has
 * the code of 0 and the least scale, so that the grid of its bias is as fine as the bias wants.
 */
import { vanishes } from "../../numbers/bias_grid.ts";
import { codesAboveZero, LEAST_SCALE, symmetricZeroPoint } from "../../numbers/qparams.ts";
import { INT8_SYMMETRIC, type QuantScheme } from "../../numbers/scheme.ts";
import { allocateCodes, codeRangeOf } from "../../numbers/codes.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { emitQuantized, type QuantizedConstant } from "./_quantized_constant.ts";
import { staysOnGrid } from "./place_qdq.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** ONNX BatchNormalization-15. */
const DEFAULT_EPSILON = 1e-5;

/** How `normalizeByConv` works. */
export interface NormalizeOptions {
  /** The codes of the weights, symmetric, of 8 bits. Default: int8. */
  readonly scheme?: QuantScheme | undefined;
  /** Layers that are left as they are. */
  readonly except?: ReadonlySet<string> | undefined;
}

/** Replaces every BatchNormalization of dequantized values by a Conv. */
export function normalizeByConv(options: NormalizeOptions = {}): Pass {
  return definePass({
    name: "normalizeByConv",
    requires: [holds.foldedConstants],
    rewrite: (graph, decline) => rewrite(graph, options, decline),
  });
}

function rewrite(graph: Graph, { scheme = INT8_SYMMETRIC, except }: NormalizeOptions, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const taken = new Set<Node>();
  for (const node of graph.nodes) {
    const isExcept = except?.has(node.layer ?? "") ?? false;
    const affine = !isExcept && isQuantized(node, index) ? affineOf(node, index) : undefined;
    if (affine !== undefined) {
      emitConv(node, { affine, scheme, activation: takeActivation(node, { index, taken, out }), out });
    } else if (!taken.has(node)) out.push(node);
    if (node.op === "BatchNormalization" && affine === undefined) {
      decline(node, isExcept ? "it is to stay in float" : "what it reads is on no grid");
    }
  }
  return removeDeadNodes(out.finish());
}

/** Whether `norm` is a BatchNormalization that reads a grid, through movements at most. */
function isQuantized(norm: Node, index: Index): boolean {
  if (norm.op !== "BatchNormalization") return false;
  let source = index.producer(norm.inputs[0]);
  while (source !== undefined && staysOnGrid(source, index)) source = index.producer(source.inputs[0]);
  return source?.op === "DequantizeLinear";
}

interface Affine {
  readonly factors: Float64Array;
  readonly offsets: Float32Array;
}

function affineOf({ inputs, attrs }: Node, { constant }: Index): Affine | undefined {
  const parameters = inputs.slice(1).map((name) => constant(name)?.data as Float32Array | undefined);
  if (parameters.some((p) => p === undefined)) return undefined;
  const [gamma, beta, mean, variance] = parameters as Float32Array[];
  const epsilon = (attrs.epsilon as number | undefined) ?? DEFAULT_EPSILON;
  const factors = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
  return { factors, offsets: Float32Array.from(beta, (b, c) => b - factors[c] * mean[c]) };
}

/** A matrix becomes a sequence and back, and the ReLU behind it must come before it is a matrix again. */
function takeActivation(
  node: Node,
  { index, taken, out }: { readonly index: Index; readonly taken: Set<Node>; readonly out: GraphWriter },
): Node | undefined {
  const use = index.soleUse(node.outputs[0]);
  const isMatrix = out.typeOf(node.inputs[0]).shape.length === 2;
  if (!isMatrix || (use?.op !== "Relu" && use?.op !== "Clip")) return undefined;
  taken.add(use);
  return use;
}

interface Emission {
  readonly affine: Affine;
  readonly scheme: QuantScheme;
  readonly activation: Node | undefined;
  readonly out: GraphWriter;
}

function emitConv(norm: Node, { affine, scheme, activation, out }: Emission): void {
  const { shape } = out.typeOf(norm.inputs[0]);
  const base = norm.layer ?? norm.name;
  const ones = new Array<number>(Math.max(shape.length - 2, 1)).fill(1);
  const weights = emitQuantized(out, weightsOf(norm, { affine, scheme, ones }), { base: `${base}/kernel`, like: norm });
  const { offsets } = affine;
  const bias = out.constant(`${base}/bias`, "float32", [offsets.length], offsets);
  const attrs = {
    kernel_shape: ones,
    strides: ones,
    dilations: ones,
    pads: ones.flatMap(() => [0, 0]),
    group: offsets.length,
  };
  if (shape.length > 2) return out.push({ ...norm, op: "Conv", inputs: [norm.inputs[0], weights, bias], attrs });
  const reshaped = (x: string, target: readonly number[], options = {}) =>
    out.emit("Reshape", [x, out.ints(`${norm.outputs[0]}_shape`, target)], { like: norm, ...options });
  const sequence = reshaped(norm.inputs[0], [...shape, 1]);
  const conv = out.emit("Conv", [sequence, weights, bias], { attrs, like: norm });
  const active = activation === undefined
    ? conv
    : out.emit(activation.op, [conv, ...activation.inputs.slice(1)], { attrs: activation.attrs, like: activation });
  reshaped(active, shape, { output: (activation ?? norm).outputs[0] });
}

interface Weights {
  readonly affine: Affine;
  readonly scheme: QuantScheme;
  readonly ones: readonly number[];
}

function weightsOf(node: Node, { affine: { factors }, scheme, ones }: Weights): QuantizedConstant {
  const [zero, most] = [symmetricZeroPoint(scheme), codesAboveZero(scheme)];
  const dtype = scheme.dtype === "uint8" ? "uint8" : "int8";
  const codes = allocateCodes(factors.length, codeRangeOf(dtype)).map((_, c) =>
    zero + (vanishes(1 / most, factors[c]) ? 0 : most * Math.sign(factors[c]))
  );
  return {
    codes: { dtype, shape: [factors.length, 1, ...ones], data: codes },
    scale: Float32Array.from(factors, (k) => Math.max(Math.abs(k) / most, LEAST_SCALE)),
    zeroPoint: codes.map(() => zero),
    channels: { inner: 1, count: factors.length },
    node,
  };
}
