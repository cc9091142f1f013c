/**
 * Computes again, where the backward pass reads them, activations that are cheap to have from what is kept anyway.
 *
 * A dequantized activation is read by the next layer and then, much later, by that layer's gradient: in between its codes
 * are a quarter of its size. What batch normalization gives takes one multiplication and addition of what it was given,
 * which its own gradient needs as well. The numbers are the same, the memory of a step is half.
 */
import { bytesOf, type Graph, type Node, sizeOf, typeOf } from "../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../onnx/schema/mod.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { definePass, type Pass } from "../pass.ts";

/** Smaller values are not worth a node. */
const LEAST_BYTES = 1 << 16;

/** Readers further apart than this share of the graph are taken for the forward and the backward pass's. */
const FAR = 1 / 50;

/** Gives readers of such values that come much later than the first ones a node of their own. */
export const recompute: Pass = definePass({ name: "recompute", rewrite });

function rewrite(graph: Graph): Graph {
  const context: Context = { graph, index: indexOf(graph), place: new Map(graph.nodes.map((node, i) => [node, i])) };
  const copies = new Map<Node, Node[]>();
  const renamed = new Map<Node, Map<string, string>>();
  const types = new Map(graph.types);
  for (const node of graph.nodes) {
    const late = isCheap(node, graph) ? lateReaders(node, context) : [];
    if (late.length === 0) continue;
    const [value] = node.outputs;
    const copy = `${value}_again`;
    types.set(copy, typeOf(graph, value));
    copies.set(late[0], [...copies.get(late[0]) ?? [], { ...node, name: `${node.name}_again`, outputs: [copy] }]);
    for (const reader of late) renamed.set(reader, new Map([...renamed.get(reader) ?? [], [value, copy]]));
  }
  const nodes = graph.nodes.flatMap((node) => {
    const names = renamed.get(node);
    const wired = names === undefined ? node : { ...node, inputs: node.inputs.map((name) => names.get(name) ?? name) };
    return [...copies.get(node) ?? [], wired];
  });
  return { ...graph, nodes, types };
}

interface Context {
  readonly graph: Graph;
  readonly index: Index;
  /** Places of nodes in the graph's order. */
  readonly place: ReadonlyMap<Node, number>;
}

/** Whether `node` is one pass over memory. */
function isCheap({ op, domain, inputs, attrs }: Node, graph: Graph): boolean {
  if (op === "DequantizeLinear" || op === "BatchNormalization") return true;
  if (op !== "Conv" || domain !== BLOCKED_DOMAIN || inputs.length > 3) return false;
  const isDepthwise = Number(attrs.group) > 1 && typeOf(graph, inputs[1]).shape[1] === 1;
  return isDepthwise && sizeOf(attrs.kernel_shape as readonly number[]) === 1;
}

/** Returns the readers behind the widest gap between one and the next, in order, if copying pays for them. */
function lateReaders(node: Node, context: Context): readonly Node[] {
  const { graph, index, place } = context;
  const [value] = node.outputs;
  const bytes = bytesOf(graph, value);
  if (bytes < LEAST_BYTES || graph.outputs.includes(value)) return [];
  const sorted = [...index.uses(value)].sort((a, b) => place.get(a)! - place.get(b)!);
  const gaps = sorted.slice(1).map((reader, i) => place.get(reader)! - place.get(sorted[i])!);
  const widest = Math.max(0, ...gaps);
  if (widest < FAR * graph.nodes.length) return [];
  const late = sorted.slice(gaps.indexOf(widest) + 1);
  const isKept = (name: string) => index.uses(name).some((reader) => place.get(reader)! >= place.get(late[0])!);
  const added = node.inputs.filter((name) => name !== "" && !isKept(name)).map((name) => bytesOf(graph, name));
  return added.reduce((sum, size) => sum + size, 0) <= bytes / 2 ? late : [];
}
