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
import { makeExplainer, withoutFused } from "./_why_float.ts";

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
  /** Operators left in float. Quantizing and dequantizing at the borders is not counted. */
  readonly float: readonly FloatOp[];
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
  const { islands = [], int8Activations = false, declined = AS_IT_IS.flatMap((pass) => pass.run(graph).declined) } =
    options;
  const optimized = optimizedGraph(bytes, { int8Activations });
  const integers = integerNodes(optimized);
  const reasons = new Map(islands.map(({ layer, because }) => [layer, because]));
  const explain = makeExplainer(graph, declined);
  const layers = layersByNode(graph);
  const names = uniqueNames(optimized);
  const int8: Record<string, number> = {};
  const moved: Record<string, number> = {};
  const float: FloatOp[] = [];
  const nodes = optimized.nodes.map((node): FusedNode => {
    const { op } = node;
    const layer = layerOf(node, layers);
    const isBorder = BORDER.has(op);
    const isInteger = integers.has(node);
    const counts = traitsOf(node).movement === true ? moved : int8;
    if (isInteger && !isBorder) counts[op] = (counts[op] ?? 0) + 1;
    if (!isInteger && !isIndexing(node, graph)) {
      float.push({ op, node: node.name, layer, because: reasons.get(layer) ?? explain(node) });
    }
    return { op, name: names.nodes.get(node)!, layer, int8: isInteger, inputs: names.inputsOf(node) };
  });
  return { int8, moved, float, nodes };
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
const BORDER = new Set(["QuantizeLinear", "DequantizeLinear"]);

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
    if (!GIVES_NO_CODES.has(node.op) && !givesFloat(node)) node.outputs.forEach((output) => codes.add(output));
  }
  return nodes;
}

/** Integer products whose result is real numbers. Source: ONNX Runtime's ContribOperators.md. */
function givesFloat({ op, inputs }: Node): boolean {
  // Inputs of QGemm: A, its scale and zero point, B, its two, C, and the output's two, which may be missing.
  return op.endsWith("ToFloat") || op === "DynamicQuantizeMatMul" || (op === "QGemm" && !inputs[7]);
}

/** Whether a node computes shapes, indices or truth values, or copies a value: no int8 form of it is missed. */
function isIndexing({ op, outputs }: Node, exported: Graph): boolean {
  if (op === "Identity") return true;
  const type = exported.types.get(outputs[0]);
  return type !== undefined && type.dtype !== "float32";
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
