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
  readonly nodes: readonly {
    readonly op: string;
    readonly name: string;
    readonly layer: string;
    readonly int8: boolean;
  }[];
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
  const nodes = optimized.nodes.map((node) => {
    const isInt8 = INTEGER_OP.test(node.op) || (!BORDER.has(node.op) && integers.has(node.inputs[0]));
    const layer = layerOf(node, layers);
    if (BORDER.has(node.op)) return { op: node.op, name: node.name, layer, int8: true };
    if (isInt8) int8[node.op] = (int8[node.op] ?? 0) + 1;
    else float.push({ op: node.op, node: node.name, layer, because: whyFloat(node, graph) });
    return { op: node.op, name: node.name, layer, int8: isInt8 };
  });
  return { int8, float, nodes };
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
