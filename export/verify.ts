/**
 * Which operators really run on integers.
 *
 * ONNX Runtime says nothing about the fusions it did not make, but it writes the graph that it runs when asked to. That
 * graph is read back and every node put down as integer or float.
 */
import type { Graph, Node } from "../src/onnx/graph.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { traitsOf } from "../src/onnx/schema/mod.ts";
import { dropRedundant } from "../src/passes/deploy/drop_redundant.ts";
import { placeQdq } from "../src/passes/deploy/place_qdq.ts";
import type { Declined, Pass } from "../src/passes/pass.ts";
import { Session, type SessionOptions } from "../src/runtime/session.ts";
import type { Precision } from "./_form.ts";
import { makeExplainer, makeLeftExplainer, withoutFused } from "./_why_float.ts";

/** An operator that runs in float. */
export interface FloatOp {
  /** ONNX operator type. */
  readonly op: string;
  /** Node name in the optimized graph. */
  readonly node: string;
  /** TF.js layer that the node came from; "" if unknown. */
  readonly layer: string;
  /** Why it is not int8. */
  readonly because: string;
}

/** What ONNX Runtime makes of a QDQ model. */
export interface Fusion {
  /** Operators that compute on integers, by name, with how many there are. */
  readonly int8: Readonly<Record<string, number>>;
  /** Those that only move or pick codes: Reshape, Transpose, MaxPool and their like. */
  readonly moved: Readonly<Record<string, number>>;
  /**
   * Operators left in float. Quantizing and dequantizing at the borders is not counted. Of a file in a form of a float
   * model, these are the ones that the form was there for and left as they are.
   */
  readonly float: readonly FloatOp[];
  /** Operators that compute in float with weights that are integers, by name; absent where the form has none. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Operators that compute in half precision, by name; absent where the form has none. */
  readonly half?: Readonly<Record<string, number>>;
  /** The nodes that are run, in order, for drawing. */
  readonly nodes: readonly FusedNode[];
}

/** A node as ONNX Runtime runs it. */
export interface FusedNode {
  /** Unique among the nodes. */
  readonly name: string;
  readonly op: string;
  /** TF.js layer that the node came from; its own name if unknown. */
  readonly layer: string;
  readonly int8: boolean;
  /** Names of the nodes whose outputs it reads; a name of no node is an input of the graph. */
  readonly inputs: readonly string[];
}

/** A layer that is in float on purpose. */
export interface KnownFloat {
  readonly layer: string;
  readonly because: string;
}

/** What else is known of the model. */
export interface VerifyOptions {
  /** Layers that were left in float on purpose: their reasons go before those found here. */
  readonly islands?: readonly KnownFloat[];
  /** What the passes that wrote the model left undone, as `toOnnx` tells. Default: what they say of the graph as it is. */
  readonly declined?: readonly Declined[];
  /** As `SessionOptions` has it: how files for ARM are looked at on x86. Default false. */
  readonly int8Activations?: boolean;
  /** The form that the file was written in. Default "int8". */
  readonly precision?: Precision;
}

/** Passes that a written graph can be given to once more. */
const AS_IT_IS: readonly Pass[] = [dropRedundant, placeQdq];

/**
 * Loads the model as a user's program would and reads back the graph that ONNX Runtime runs.
 *
 * All fusions are made at the level "extended"; "all" only rearranges memory beyond that, for one machine.
 *
 * @param bytes A serialized QDQ model.
 * @param graph The same as it was exported, which knows the layers.
 * @throws {Error} ONNX Runtime's own error if it refuses the model.
 */
export function verifyFusion(bytes: Uint8Array, graph: Graph, options: VerifyOptions = {}): Fusion {
  const { islands = [], int8Activations = false, precision = "int8" } = options;
  const { declined = AS_IT_IS.flatMap((pass) => pass.run(graph).declined) } = options;
  const optimized = optimizedGraph(bytes, { int8Activations });
  const integers = integerNodes(optimized);
  const reasons = new Map(islands.map(({ layer, because }) => [layer, because]));
  const explain = precision === "int8" ? makeExplainer(graph, declined) : makeLeftExplainer(declined);
  const layers = layersByNode(graph);
  const names = uniqueNames(optimized);
  const int8: Record<string, number> = {};
  const moved: Record<string, number> = {};
  const float: FloatOp[] = [];
  const nodes = optimized.nodes.map((node): FusedNode => {
    const { op } = node;
    const layer = layerOf(node, layers);
    const isInteger = integers.has(node);
    if (isInteger && !BORDER.has(op)) count(node, traitsOf(node).movement === true ? moved : int8);
    const because = isInteger || isIndexing(node, graph) ? undefined : reasons.get(layer) ?? explain(node);
    if (because !== undefined) float.push({ op, node: node.name, layer, because });
    return { op, name: names.nodes.get(node)!, layer, int8: isInteger, inputs: names.inputsOf(node) };
  });
  const weights = precision === "weights8" || precision === "weights4" ? { weights: weightedOps(optimized) } : {};
  const half = precision === "float16" ? { half: halfOps(optimized) } : {};
  return { int8, moved, float, ...weights, ...half, nodes };
}

function count({ op }: Node, counts: Record<string, number>): void {
  counts[op] = (counts[op] ?? 0) + 1;
}

/** Operators whose weights are integers by their definition. */
const WEIGHTS_OP = new Set(["MatMulNBits", "GatherBlockQuantized"]);

/** Counts the operators that compute in float and read integers, dequantized or not, that stand in the file. */
function weightedOps({ nodes, initializers }: Graph): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const isCode = (name: string) => initializers.get(name)?.dtype === "int8";
  const codes = new Set<string>();
  const real = new Set<string>();
  for (const node of nodes) {
    const { op, inputs, outputs } = node;
    if (op === "DequantizeLinear" && isCode(inputs[0])) real.add(outputs[0]);
    else if (op === "Gather" && isCode(inputs[0])) codes.add(outputs[0]);
    if (WEIGHTS_OP.has(op) || codes.has(outputs[0]) || inputs.some((name) => real.has(name))) count(node, counts);
  }
  return counts;
}

/** Counts the operators whose result is in half precision: the CPU provider computes most of them in float32. */
function halfOps({ nodes, types }: Graph): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const node of nodes) {
    if (node.op !== "Cast" && types.get(node.outputs[0])?.dtype === "float16") count(node, counts);
  }
  return counts;
}

function optimizedGraph(bytes: Uint8Array, options: SessionOptions): Graph {
  const path = Deno.makeTempFileSync({ suffix: ".onnx" });
  try {
    new Session(bytes, { ...options, optimizedModelPath: path, optimization: "extended" }).dispose();
    return decodeModel(Deno.readFileSync(path)).graph;
  } finally {
    Deno.removeSync(path);
  }
}

/** Operators whose kernels compute on integers. */
const INTEGER_OP = /^(QLinear|QGemm|QAttention|DynamicQuantize|MatMulInteger|ConvInteger)/;

/** Where float becomes codes and back. */
const BORDER = new Set(["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"]);

/** Operators that read codes and give something else. */
const GIVES_NO_CODES = new Set(["DequantizeLinear", "ArgMax", "ArgMin", "Cast", "Shape", "Size"]);

/** Nodes that compute on codes or move them, and the borders. */
function integerNodes(graph: Graph): ReadonlySet<Node> {
  const codes = new Set<string>();
  const nodes = new Set<Node>();
  for (const node of graph.nodes) {
    const isInteger = BORDER.has(node.op) || INTEGER_OP.test(node.op) || codes.has(node.inputs[0]);
    if (!isInteger) continue;
    nodes.add(node);
    // Behind the codes of DynamicQuantizeLinear are their scale and zero point.
    const given = node.op === "DynamicQuantizeLinear" ? node.outputs.slice(0, 1) : node.outputs;
    if (!GIVES_NO_CODES.has(node.op) && !givesFloat(node)) given.forEach((output) => codes.add(output));
  }
  return nodes;
}

/** Operators that quantize what they read, compute on integers and give real numbers. */
const REAL_RESULT = new Set(["DynamicQuantizeMatMul", "DynamicQuantizeLSTM"]);

/** Integer products whose result is real numbers. Source: ONNX Runtime's ContribOperators.md. */
function givesFloat({ op, inputs }: Node): boolean {
  // Inputs of QGemm: A, its scale and zero point, B, its two, C, and the output's two, which may be missing.
  return op.endsWith("ToFloat") || REAL_RESULT.has(op) || (op === "QGemm" && !inputs[7]);
}

/** Whether a node computes shapes, indices or truth values, or copies a value: no int8 form of it is missed. */
function isIndexing({ op, inputs, outputs }: Node, exported: Graph): boolean {
  if (op === "Identity") return true;
  // Bytes of pictures become numbers.
  if (op === "Cast" && exported.types.get(inputs[0])?.dtype === "uint8") return true;
  const type = exported.types.get(outputs[0]);
  return type !== undefined && type.dtype !== "float32" && type.dtype !== "float16";
}

/** Fusions keep the name of the node in the middle, with a suffix at times, or "fused " before it. */
function layersByNode(graph: Graph): ReadonlyMap<string, string> {
  return new Map(graph.nodes.map(({ name, layer }) => [name, layer ?? name]));
}

function layerOf(node: Node, layers: ReadonlyMap<string, string>): string {
  let name = withoutFused(node.name);
  while (name !== "") {
    const layer = layers.get(name);
    if (layer !== undefined) return layer;
    name = name.slice(0, Math.max(name.lastIndexOf("_"), name.lastIndexOf("/"), 0));
  }
  return node.name;
}

interface NodeNames {
  readonly nodes: ReadonlyMap<Node, string>;
  /** Names of the nodes, and of the graph's inputs, that a node reads; constants are left out. */
  inputsOf(node: Node): readonly string[];
}

/** ONNX wants names to be unique, but ONNX Runtime leaves some empty. */
function uniqueNames(graph: Graph): NodeNames {
  const used = new Set<string>();
  const nodes = new Map<Node, string>();
  const producers = new Map<string, string>();
  graph.nodes.forEach((node, i) => {
    const name = node.name === "" || used.has(node.name) ? `${node.name}#${i}` : node.name;
    used.add(name);
    nodes.set(node, name);
    for (const output of node.outputs) producers.set(output, name);
  });
  return {
    nodes,
    inputsOf: ({ inputs }) =>
      inputs.filter((input) => input !== "" && !graph.initializers.has(input))
        .map((input) => producers.get(input) ?? input),
  };
}
