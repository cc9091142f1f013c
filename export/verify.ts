/**
 * Which operators really run on integers.
 *
 * ONNX Runtime says nothing about the fusions it did not make, but it writes the graph that it runs when asked to. That
 * graph is read back and every node put down as integer or float.
 */
import type { Graph, Node } from "../src/onnx/graph.ts";
import { decodeModel } from "../src/onnx/protobuf.ts";
import { Session } from "../src/runtime/session.ts";
import { whyFloat } from "./_why_float.ts";

/** An operator that runs in float. */
export interface FloatOp {
  readonly op: string;
  readonly node: string;
  readonly layer: string;
  readonly because: string;
}

/** What ONNX Runtime makes of a QDQ model. */
export interface Fusion {
  /** Operators on integers, by name, with how many there are. */
  readonly int8: Readonly<Record<string, number>>;
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

/** Operators whose kernels compute on integers. */
const INTEGER_OP = /^(QLinear|QGemm|QAttention|DynamicQuantize|MatMulInteger|ConvInteger)/;

const BORDER = new Set(["QuantizeLinear", "DequantizeLinear"]);

/**
 * Loads the model as a user's program would and reads back the graph that ONNX Runtime runs.
 *
 * @param graph The exported graph, which knows the layers.
 */
export function verifyFusion(bytes: Uint8Array, graph: Graph): Fusion {
  const optimized = optimizedGraph(bytes);
  const layers = layersByNode(graph);
  const integers = integerValues(optimized);
  const int8: Record<string, number> = {};
  const float: FloatOp[] = [];
  const producers = new Map<string, string>();
  const nodes = optimized.nodes.map((node, i): FusedNode => {
    const isBorder = BORDER.has(node.op);
    const isInt8 = isBorder || INTEGER_OP.test(node.op) || integers.has(node.inputs[0]);
    const layer = layerOf(node, layers);
    const name = producersHave(producers, node.name) ? `${node.name}#${i}` : node.name;
    const inputs = node.inputs.filter((input) => input !== "" && !optimized.initializers.has(input))
      .map((input) => producers.get(input) ?? input);
    for (const output of node.outputs) producers.set(output, name);
    if (!isBorder && isInt8) int8[node.op] = (int8[node.op] ?? 0) + 1;
    if (!isInt8) float.push({ op: node.op, node: node.name, layer, because: whyFloat(node, graph) });
    return { op: node.op, name, layer, int8: isInt8, inputs };
  });
  return { int8, float, nodes };
}

function producersHave(producers: ReadonlyMap<string, string>, name: string): boolean {
  return name === "" || [...producers.values()].includes(name);
}

function optimizedGraph(bytes: Uint8Array): Graph {
  const path = Deno.makeTempFileSync({ suffix: ".onnx" });
  try {
    new Session(bytes, { optimizedModelPath: path, optimization: "extended" }).dispose();
    return decodeModel(Deno.readFileSync(path)).graph;
  } finally {
    Deno.removeSync(path);
  }
}

/** Values that hold codes: quantized, computed on integers, or moved unchanged from such. */
function integerValues(graph: Graph): ReadonlySet<string> {
  const integers = new Set<string>();
  for (const { op, inputs, outputs } of graph.nodes) {
    const isInteger = op === "QuantizeLinear" || (INTEGER_OP.test(op) && !op.endsWith("ToFloat")) ||
      (op !== "DequantizeLinear" && integers.has(inputs[0]));
    if (isInteger) integers.add(outputs[0]);
  }
  return integers;
}

/** Fusions keep the name of the node in the middle, with a suffix at times. */
function layersByNode(graph: Graph): ReadonlyMap<string, string> {
  return new Map(graph.nodes.map(({ name, layer }) => [name, layer ?? name]));
}

function layerOf(node: Node, layers: ReadonlyMap<string, string>): string {
  let name = node.name;
  while (name !== "") {
    const layer = layers.get(name);
    if (layer !== undefined) return layer;
    name = name.slice(0, Math.max(name.lastIndexOf("_"), name.lastIndexOf("/"), 0));
  }
  return node.name;
}
