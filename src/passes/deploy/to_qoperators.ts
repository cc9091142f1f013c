/**
 * Writes operators on codes in place of operators between Q/DQ pairs: DQ → Conv → Q becomes QLinearConv.
 *
 * It is what ONNX Runtime does when it loads a file of pairs, done beforehand, so the codes are the same. Wherever ONNX
 * Runtime would leave the pairs, because what stands between has no kernel or is not as its kernel wants it, they are left
 * here too: the float operator between computes what it computed in the file of pairs.
 */
import { codeRangeOf, isCodeType } from "../../numbers/codes.ts";
import { roundHalfEven } from "../../numbers/round.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";
import { integerFormOf } from "./integer_ops.ts";
import { hasForm, type OnGrid, writeForm } from "./qoperator_forms.ts";

/** Replaces Q/DQ pairs, and the operators between, by operators on codes. What it leaves it names. */
export const toQOperators: Pass = definePass({ name: "toQOperators", rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const taken = new Set<Node>();
  for (const node of graph.nodes) {
    if (taken.has(node)) continue;
    const found = onCodes(node, index);
    if (found.ok) {
      out.push(found.node);
      found.takes.forEach((other) => taken.add(other));
    } else {
      out.push(node);
      if (found.because !== undefined) decline(node, found.because);
    }
  }
  const written = removeDeadNodes(out.finish());
  const alive = new Set([...written.inputs, ...written.nodes.flatMap(({ outputs }) => outputs)]);
  return { ...written, types: new Map([...written.types].filter(([name]) => alive.has(name))) };
}

type OnCodes =
  | {
    readonly ok: true;
    readonly node: Node;
    /** What is part of it, among the nodes behind. */
    readonly takes: readonly Node[];
  }
  /** Without a reason where nobody would expect it. */
  | { readonly ok: false; readonly because?: string };

/** The form of `node` on codes. */
function onCodes(node: Node, index: Index): OnCodes {
  const form = integerFormOf(node);
  if (form.kind === "movement") return movementOnCodes(node, index);
  if (form.kind !== "kernel") return { ok: false, ...(readsGrid(node, index) ? reasonOf(node) : {}) };
  const places = form.operands === "all" ? node.inputs.map((_, i) => i) : form.operands;
  const operands = places.map((i) => onGridOf(node.inputs[i], index));
  if (!operands.every((operand) => operand !== undefined)) {
    return operands.some((operand) => operand !== undefined)
      ? { ok: false, because: "not all that it reads is on a grid" }
      : { ok: false };
  }
  return kernelOnCodes(node, { operands: operands.map(({ inputs }) => inputs), readers: operands, index });
}

function reasonOf(node: Node): { readonly because?: string } {
  const form = integerFormOf(node);
  return form.kind === "none" ? { because: form.because } : {};
}

function readsGrid({ inputs }: Node, index: Index): boolean {
  return onGridOf(inputs[0], index) !== undefined && index.constant(index.producer(inputs[0])?.inputs[0]) === undefined;
}

interface Operand {
  readonly inputs: OnGrid;
  /** The DequantizeLinear. */
  readonly node: Node;
}

function onGridOf(name: string, { producer, constant }: Index): Operand | undefined {
  const node = producer(name);
  if (node?.op !== "DequantizeLinear") return undefined;
  const [codes, scale, zeroPoint] = node.inputs;
  if (constant(scale) === undefined || constant(zeroPoint) === undefined) return undefined;
  return { inputs: [codes, scale, zeroPoint], node };
}

interface Between {
  readonly operands: readonly OnGrid[];
  readonly readers: readonly Operand[];
  readonly index: Index;
}

function kernelOnCodes(node: Node, { operands, readers, index }: Between): OnCodes {
  const because = whyNotScales(node, readers, index) ?? whyNotTerms(node, operands, index);
  if (because !== undefined) return { ok: false, because };
  const behind = quantizerBehind(node, index);
  if (behind.kind === "refused") return { ok: false, because: behind.because };
  const quantize = behind.kind === "codes" ? behind.quantize : undefined;
  if (!hasForm(node.op, behind.kind)) return { ok: false, because: "what it gives is not quantized" };
  const grid = quantize?.inputs.slice(1);
  if (grid !== undefined && !hasOneType([...operands.map(([, , zero]) => zero), grid[1]], node, index)) {
    return { ok: false, because: "what it reads and what it gives are codes of different types" };
  }
  const [, , bias] = node.op === "Conv" || node.op === "Gemm" ? node.inputs : [];
  const written = writeForm({
    node,
    operands,
    ...(bias ? { bias: index.producer(bias)!.inputs[0] } : {}),
    ...(grid === undefined ? {} : { output: [grid[0], grid[1]] as const }),
  });
  return {
    ok: true,
    node: { ...node, ...written, outputs: quantize?.outputs ?? node.outputs },
    takes: behind.kind === "codes" ? [...behind.clips, behind.quantize] : [],
  };
}

/** Along which axis weights have their scales, where they have several. */
function channelAxis({ op, attrs }: Node): number | undefined {
  if (op === "Conv") return 0;
  if (op === "Gemm") return attrs.transB === 1 ? 0 : 1;
  return op === "MatMul" ? 1 : undefined;
}

/** Says why the scales of what `node` reads are none of its kernel's; undefined if they are. */
function whyNotScales(node: Node, readers: readonly Operand[], { constant }: Index): string | undefined {
  const several = readers.filter(({ inputs: [, scale] }) => constant(scale)!.data.length > 1);
  if (several.length === 0) return undefined;
  const [{ node: { attrs: { axis = 1 }, inputs: [codes] } }] = several;
  const rank = constant(codes)?.shape.length;
  const isOfWeights = several.length === 1 && several[0] === readers[1] && rank !== undefined;
  const wanted = channelAxis(node);
  const fits = isOfWeights && wanted === (Number(axis) + rank) % rank && (node.op === "Conv" || rank === 2);
  return fits ? undefined : "its scales do not lie along its output channels";
}

/** Says what of a bias or a factor has no place in the form on codes; undefined if there is nothing. */
function whyNotTerms(node: Node, operands: readonly OnGrid[], index: Index): string | undefined {
  if (node.op !== "Conv" && node.op !== "Gemm") return undefined;
  const { alpha = 1, beta = 1, transA = 0 } = node.attrs;
  if (node.op === "Gemm" && (alpha !== 1 || beta !== 1 || transA !== 0)) return "it has a factor of its own";
  const [, , bias] = node.inputs;
  if (!bias) return undefined;
  const source = index.producer(bias);
  if (source?.op !== "DequantizeLinear" || index.constant(source.inputs[0])?.dtype !== "int32") {
    return "its bias is not int32";
  }
  const [x, w, b] = [operands[0][1], operands[1][1], source.inputs[1]].map((name) => index.constant(name)?.data);
  if (x === undefined || w === undefined || b === undefined) return "its bias is on no known grid";
  const at = (scales: ArrayLike<number | bigint>, c: number) => Number(scales[scales.length === 1 ? 0 : c]);
  const fits = Array.from({ length: Math.max(w.length, b.length) }, (_, c) => at(x, c) * at(w, c) / at(b, c))
    .every((ratio) => Math.abs(ratio - 1) < SCALE_TOLERANCE);
  return fits ? undefined : "its bias is not on the grid of its products";
}

/** Products of scales are rounded to float32, once or twice. */
const SCALE_TOLERANCE = 1e-6;

/** Products may have weights of another type than what they are multiplied with. */
function hasOneType(zeroPoints: readonly string[], node: Node, { constant }: Index): boolean {
  const [first, second, ...rest] = zeroPoints.map((name) => constant(name)?.dtype);
  const others = channelAxis(node) === undefined ? [second, ...rest] : rest;
  return others.every((type) => type === first);
}

type Behind =
  | { readonly kind: "codes"; readonly quantize: Node; readonly clips: readonly Node[] }
  | { readonly kind: "reals" }
  | { readonly kind: "refused"; readonly because: string };

/** Finds the QuantizeLinear that reads `node` alone, through one ReLU or clip that it makes redundant. */
function quantizerBehind({ outputs: [output], op }: Node, index: Index): Behind {
  const next = index.soleUse(output);
  const clip = next?.op === "Relu" || next?.op === "Clip" ? next : undefined;
  const last = clip === undefined ? next : index.soleUse(clip.outputs[0]);
  if (last?.op === "QuantizeLinear") {
    const grid = [1, 2].every((i) => index.constant(last.inputs[i])?.data.length === 1);
    if (!grid) return { kind: "refused", because: "what it gives has several scales" };
    if (clip === undefined) return { kind: "codes", quantize: last, clips: [] };
    return isRedundant(clip, last, index)
      ? { kind: "codes", quantize: last, clips: [clip] }
      : { kind: "refused", because: `the grid behind it does not clip as "${clip.name}" (${clip.op}) does` };
  }
  if (clip !== undefined) return { kind: "refused", because: `"${clip.name}" (${clip.op}) stands behind it` };
  const readers = index.uses(output);
  if (readers.some((reader) => reader.op === "QuantizeLinear")) {
    return { kind: "refused", because: "what it gives is read by others beside a QuantizeLinear" };
  }
  // ONNX Runtime adds a constant behind a product as its bias, and quantizes that.
  if (op === "MatMul" && readers.some((reader) => reader.op === "Add")) {
    return { kind: "refused", because: "its bias is added behind it" };
  }
  return { kind: "reals" };
}

/**
 * Whether a QuantizeLinear saturates where `clip` clips.
 *
 * Source: ONNX Runtime 1.30, qdq_util.cc, IsClipMadeRedundantByQ.
 */
export function isRedundant({ op, inputs }: Node, quantize: Node, { constant }: Index): boolean {
  const [scale, zero] = [1, 2].map((i) => constant(quantize.inputs[i]));
  if (scale === undefined || zero === undefined || !isCodeType(zero.dtype)) return false;
  const { qmin, qmax } = codeRangeOf(zero.dtype);
  const zeroPoint = Number(zero.data[0]);
  if (op === "Relu") return zeroPoint === qmin;
  const codeOf = (value: number) => roundHalfEven(Math.fround(value / Number(scale.data[0]))) + zeroPoint;
  const [least, most] = [inputs[1], inputs[2]].map((name) => name ? constant(name)?.data : undefined);
  return (!inputs[1] || (least !== undefined && codeOf(Number(least[0])) <= qmin)) &&
    (!inputs[2] || (most !== undefined && codeOf(Number(most[0])) >= qmax));
}

/** DQ → move → Q on one grid: what moves values moves codes. */
function movementOnCodes(node: Node, index: Index): OnCodes {
  const operand = onGridOf(node.inputs[0], index);
  if (operand === undefined || index.constant(operand.inputs[0]) !== undefined) return { ok: false };
  const quantizers = node.outputs.map((output) => output === "" ? undefined : index.soleUse(output));
  const isMoved = (quantize: Node | undefined): quantize is Node =>
    quantize?.op === "QuantizeLinear" && isSameGrid(quantize, operand.node, index);
  // A MaxPool may leave its second output out.
  const written = quantizers.filter((_, i) => node.outputs[i] !== "");
  if (!written.every(isMoved)) return { ok: false, because: "the grids before and behind it differ, needed is one" };
  return {
    ok: true,
    node: {
      ...node,
      inputs: [operand.inputs[0], ...node.inputs.slice(1)],
      outputs: quantizers.map((quantize) => quantize?.outputs[0] ?? ""),
    },
    takes: written,
  };
}

function isSameGrid(a: Node, b: Node, { constant }: Index): boolean {
  return [1, 2].every((i) => {
    const [x, y] = [constant(a.inputs[i]), constant(b.inputs[i])];
    return x !== undefined && y !== undefined && x.dtype === y.dtype && x.data.length === 1 && y.data.length === 1 &&
      x.data[0] === y.data[0];
  });
}
