/**
 * QLinearConv, QGemm and QLinearMatMul, with what the exported file folds into them: biases and batch normalization.
 *
 * Source: ONNX Runtime 1.30, qlinearconv.cc, quant_gemm.cc; f32 rounds to float32:
 *
 *   c = clamp(rne(f32(acc) · f32(f32(s_x·s_w) / s_y)) + z_y)     acc = Σ (x − z_x)(w − z_w) + b, integers
 *
 * Sums of products of codes are whole numbers, which float32 adds exactly, in whatever order, up to 2^24. The scales of
 * weights and the codes of biases are those of the file, computed as `src/passes/deploy` computes them.
 */
import { MAX_BIAS_CODE, MIN_BIAS_SCALE } from "../../../numbers/bias_grid.ts";
import { LEAST_SCALE } from "../../../numbers/qparams.ts";
import type { Node } from "../../../onnx/graph.ts";
import { sizeOf } from "../../../onnx/graph.ts";
import type { Codes } from "./_codes.ts";
import { cast, type KernelRule, operandOf, scalar, type Site, type Write, writing } from "./_site.ts";

/** ONNX BatchNormalization-15. */
const DEFAULT_EPSILON = 1e-5;

/** What the file computes in one operator. */
interface Product {
  /** Conv or MatMul. */
  readonly node: Node;
  /** One number a channel. */
  readonly bias?: string;
  /** BatchNormalization right behind. */
  readonly norm?: Node;
}

/** Convolutions and products with weights, and sums and batch normalization behind them. */
export const product: KernelRule = (node, site) => {
  const found = productAt(node, site);
  if (found === undefined) return undefined;
  const write = writing(site, found.node);
  const x = operandOf(found.node.inputs[0], site, write);
  const weights = site.reader.codesOf(found.node.inputs[1]);
  const channels = channelsOf(found, site);
  if (x === undefined || weights === undefined || ![1, channels].includes(scales(weights, site))) return undefined;
  const folded = fold(found, { weights, site, write });
  const { fitted, ...bias } = fitBias(folded, { inputScale: x.scale, site, write });
  const accumulated = accumulate(found.node, { x: x.steps, weights: bias.steps, bias: bias.codes, site, write });
  const factor = write("Div", [write("Mul", [x.scale, fitted]), site.output.scale]);
  const spread = site.out.typeOf(factor).shape.length === 0 ? factor : perChannel(factor, found.node, { site, write });
  return { value: write("Mul", [accumulated, spread]), areCodes: false };
};

/** Returns what ends in `node`; undefined if that is no product. */
function productAt(node: Node, site: Site): Product | undefined {
  const { index } = site;
  if (node.op === "Conv" || node.op === "MatMul") {
    const [, , bias] = node.inputs;
    return bias === undefined || bias === "" ? { node } : { node, bias };
  }
  const before = node.inputs.findIndex((name) => ["Conv", "MatMul", "Add"].includes(index.producer(name)?.op ?? ""));
  if (before < 0 || index.soleUse(node.inputs[before]) === undefined) return undefined;
  const inner = productAt(index.producer(node.inputs[before])!, site);
  if (inner === undefined || inner.norm !== undefined) return undefined;
  if (node.op === "BatchNormalization" && before === 0) return { ...inner, norm: node };
  const other = node.inputs[1 - before];
  const isBias = node.op === "Add" && inner.bias === undefined && isPerChannel(other, inner, site);
  return isBias ? { ...inner, bias: other } : undefined;
}

/** Axis of the channels in what the operator gives. */
function channelAxis({ op }: Node, rank: number): number {
  return op === "Conv" ? 1 : rank - 1;
}

function channelsOf({ node }: Product, { out }: Site): number {
  const { shape } = out.typeOf(node.outputs[0]);
  return shape[channelAxis(node, shape.length)];
}

function isPerChannel(name: string, { node }: Product, { out }: Site): boolean {
  const { shape } = out.typeOf(node.outputs[0]);
  const own = out.typeOf(name).shape;
  const axis = channelAxis(node, shape.length);
  return own.length <= shape.length && sizeOf(own) === shape[axis] &&
    own[own.length - shape.length + axis] === shape[axis];
}

function scales({ scale }: Codes, { out }: Site): number {
  return sizeOf(out.typeOf(scale).shape);
}

interface Writing {
  readonly site: Site;
  readonly write: Write;
}

/** Reshapes a vector of channels so that it is spread over what `node` gives. */
function perChannel(vector: string, node: Node, { site: { out }, write }: Writing): string {
  const rank = out.typeOf(node.outputs[0]).shape.length;
  const ones = new Array<number>(rank - 1 - channelAxis(node, rank)).fill(1);
  return ones.length === 0 ? vector : write("Reshape", [vector, out.ints("channels", [-1, ...ones])]);
}

/** Weights with what stands behind them folded in. */
interface Folded {
  readonly node: Node;
  /** Codes, and what the file multiplies them with: 1, or the sign of a factor. */
  readonly weights: Codes;
  readonly sign?: string;
  /** Scales, [] or [channels]. */
  readonly scale: string;
  /** [channels]. */
  readonly bias?: string;
}

function fold({ node, bias, norm }: Product, { weights, site, write }: Writing & { readonly weights: Codes }): Folded {
  const flat = bias === undefined ? undefined : write("Reshape", [bias, site.out.ints("flat", [-1])]);
  if (norm === undefined) return { node, weights, scale: weights.scale, ...(flat === undefined ? {} : { bias: flat }) };
  const double = (name: string) => cast(write, name, "float64");
  const [gamma, beta, mean, variance] = norm.inputs.slice(1);
  const epsilon = scalar(site, Number(norm.attrs.epsilon ?? DEFAULT_EPSILON), "float64");
  const factors = write("Div", [double(gamma), write("Sqrt", [write("Add", [double(variance), epsilon])])]);
  const product = cast(write, write("Mul", [double(weights.scale), write("Abs", [factors])]), "float32");
  const least = scalar(site, LEAST_SCALE);
  const sign = write("Sign", [cast(write, factors, "float32")]);
  const shift = flat === undefined ? write("Neg", [double(mean)]) : write("Sub", [double(flat), double(mean)]);
  return {
    node,
    weights,
    sign: write("Where", [write("Less", [product, least]), scalar(site, 0), sign]),
    scale: write("Max", [product, least]),
    bias: cast(write, write("Add", [double(beta), write("Mul", [factors, shift])]), "float32"),
  };
}

interface Fitted {
  /** The codes of the weights, whole numbers. */
  readonly steps: string;
  /** Their scales, raised where a bias would have a code beyond int32. */
  readonly fitted: string;
  /** The codes of the bias, [channels]. */
  readonly codes?: string;
}

function fitBias(folded: Folded, { inputScale, site, write }: Writing & { readonly inputScale: string }): Fitted {
  const { node, weights, sign, scale, bias } = folded;
  if (bias === undefined) return { steps: weights.steps, fitted: scale };
  const share = write("Div", [write("Abs", [bias]), scalar(site, MAX_BIAS_CODE)]);
  const least = write("Div", [write("Max", [share, scalar(site, MIN_BIAS_SCALE)]), inputScale]);
  const hasOne = site.out.typeOf(scale).shape.length === 0;
  const fitted = write("Max", [scale, hasOne ? write("ReduceMax", [least], { keepdims: 0 }) : least]);
  const raised = write("Div", [scale, fitted]);
  const turn = sign === undefined ? raised : write("Mul", [raised, sign]);
  const steps = write("Round", [write("Mul", [weights.steps, alongOutputs(turn, { node, weights, site, write })])]);
  return { steps, fitted, codes: write("Round", [write("Div", [bias, write("Mul", [inputScale, fitted])])]) };
}

/** Reshapes a vector of channels so that it is spread over the weights of `node`. */
function alongOutputs(
  vector: string,
  { node, weights, site: { out }, write }: Writing & { readonly node: Node; readonly weights: Codes },
): string {
  const isVector = out.typeOf(vector).shape.length > 0;
  const rank = out.typeOf(weights.steps).shape.length;
  if (node.op !== "Conv" || !isVector) return vector;
  return write("Reshape", [vector, out.ints("outputs", [-1, ...new Array<number>(rank - 1).fill(1)])]);
}

interface Terms extends Writing {
  readonly x: string;
  readonly weights: string;
  readonly bias?: string | undefined;
}

function accumulate({ op, attrs }: Node, { x, weights, bias, write }: Terms): string {
  if (op === "Conv") return write("Conv", bias === undefined ? [x, weights] : [x, weights, bias], attrs);
  const sum = write("MatMul", [x, weights]);
  return bias === undefined ? sum : write("Add", [sum, bias]);
}
