/**
 * Reasons why ONNX Runtime's CPU provider leaves an operator in float.
 *
 * Source: docs/quantization.md, section 7, measured on 1.30. What stands around an operator is looked up in the
 * exported graph: that is what can be changed, and fusions keep the node's name. What a pass was there for and did not do,
 * it says itself.
 */
import type { Graph, Node } from "../src/onnx/graph.ts";
import { type Index, indexOf } from "../src/onnx/index.ts";
import { integerFormOf } from "../src/passes/deploy/integer_ops.ts";
import type { Declined } from "../src/passes/pass.ts";

/** Matrix products can give float: the last layer's often do. */
const GIVES_FLOAT = new Set(["Gemm", "MatMul"]);

/**
 * Makes a function that says in one sentence why a node of the optimized graph runs in float.
 *
 * @param declined What the passes that made the exported graph left undone.
 */
export function makeExplainer(exported: Graph, declined: readonly Declined[]): (node: Node) => string {
  const context: Context = { index: indexOf(exported), reasons: reasonsByNode(declined) };
  const named = new Map(exported.nodes.map((node) => [node.name, node]));
  return (node) => {
    // FusedConv and their like: the operator with an activation behind it, in float.
    const form = integerFormOf({ ...node, op: node.op.replace(/^Fused/, "") });
    const source = named.get(withoutFused(node.name));
    const because = source && (context.reasons.get(source.name) ?? whyOnPixels(source, exported, context));
    if (form.kind === "none") return because === undefined ? form.because : `${form.because}: ${because}`;
    if (form.kind === "absorbed") {
      return `ONNX Runtime runs ${node.op} on codes only as a part of the operator before it`;
    }
    if (source === undefined) return "ONNX Runtime put it there while it optimized the graph";
    const operands = form.kind === "kernel" ? form.operands : [0];
    return whyInputs(source, operands, context) ?? whyOutput(source, context) ?? because ??
      "ONNX Runtime did not fuse its Q/DQ pairs";
  };
}

/**
 * Makes a function that says of a node of the optimized graph why the form of its file left it in float; undefined where the
 * form has nothing to do.
 */
export function makeLeftExplainer(declined: readonly Declined[]): (node: Node) => string | undefined {
  const reasons = reasonsByNode(declined);
  return ({ name }) => reasons.get(withoutFused(name));
}

/** Says of an operator between raw pixels and the first quantizer what it is for. */
function whyOnPixels({ inputs: [input] }: Node, { inputs, types }: Graph, { index }: Context): string | undefined {
  let value = input;
  for (let node = index.producer(value); node !== undefined; node = index.producer(value)) {
    if (!ON_PIXELS.has(node.op)) return undefined;
    [value] = node.inputs;
  }
  const isRaw = inputs.includes(value) && types.get(value)?.dtype === "uint8";
  return isRaw ? "it makes of pixels what the model expects" : undefined;
}

/** What `rawPixels` writes. */
const ON_PIXELS = new Set(["Cast", "Sub", "Div"]);

interface Context {
  readonly index: Index;
  /** By the names of nodes. */
  readonly reasons: ReadonlyMap<string, string>;
}

function reasonsByNode(declined: readonly Declined[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(declined, ({ node }) => node);
  return new Map([...groups].map(([node, records]) => [node, records.map(({ because }) => because).join(", and ")]));
}

/** A Gemm with an activation behind it gets a name that begins so (gemm_activation_fusion.cc). */
export function withoutFused(name: string): string {
  return name.replace(/^fused /, "");
}

function whyInputs(node: Node, operands: readonly number[] | "all", { index }: Context): string | undefined {
  const inputs = operands === "all" ? node.inputs : operands.map((i) => node.inputs[i]);
  for (const input of inputs) {
    const producer = index.producer(input);
    if (producer?.op === "DequantizeLinear") continue;
    if (index.constant(input) !== undefined) return `its constant "${input}" is not quantized`;
    if (producer === undefined) return `the model's input "${input}" is not quantized before it`;
    return `its input comes in float from "${producer.name}" (${producer.op})`;
  }
  return undefined;
}

function whyOutput(node: Node, { index, reasons }: Context): string | undefined {
  const [output] = node.outputs;
  const readers = index.uses(output);
  if (GIVES_FLOAT.has(node.op) && readers.every(({ op }) => op !== "QuantizeLinear")) return whyBias(node, index);
  if (readers.length === 0) return "its output is the model's answer, and is not quantized";
  if (index.isOutput(output)) return "its output is also the model's answer, before it is quantized";
  if (readers.length > 1) return `its output goes to ${readers.length} operators, needed is one QuantizeLinear`;
  const [reader] = readers;
  if (reader.op === "QuantizeLinear") return undefined;
  // A pass keeps it in float by a Max, and says why.
  if (reader.op === "Max" && reader.inputs.length === 1 && reasons.has(node.name)) return reasons.get(node.name);
  const behind = index.uses(reader.outputs[0]);
  const quantize = behind.length === 1 && behind[0].op === "QuantizeLinear" ? behind[0] : undefined;
  if (integerFormOf(reader).kind !== "absorbed" || quantize === undefined) {
    return `"${reader.name}" (${reader.op}) stands between it and a QuantizeLinear`;
  }
  const because = reasons.get(reader.name);
  return because === undefined ? undefined : `"${reader.name}" (${reader.op}) cannot be absorbed: ${because}`;
}

function whyBias(node: Node, index: Index): string | undefined {
  const bias = node.inputs[2];
  const isFloat = bias !== undefined && index.producer(bias)?.op !== "DequantizeLinear";
  return isFloat ? "its output is not quantized, and its bias is not int32" : undefined;
}
