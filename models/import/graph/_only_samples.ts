/**
 * Graphs for one sample that take it out of its batch: picking the only element along an axis is a reshape.
 *
 * With what puts it back, another reshape, nothing is left of both.
 */
import { type Graph, type Node, sizeOf, type Tensor, typeOf } from "../../../src/onnx/graph.ts";

/** Writes what picks an axis's only element as a Reshape. */
export function reshapePicked(graph: Graph): Graph {
  const initializers = new Map<string, Tensor>(graph.initializers);
  const nodes = graph.nodes.map((node): Node => {
    const [x, places] = node.inputs;
    if (node.op !== "Gather" || !isOnlyPlace(graph.initializers.get(places))) return node;
    const { shape } = typeOf(graph, x);
    const axis = Number(node.attrs.axis ?? 0);
    if (shape[axis < 0 ? axis + shape.length : axis] !== 1) return node;
    const to = typeOf(graph, node.outputs[0]).shape;
    const name = `${node.outputs[0]}/shape`;
    initializers.set(name, { dtype: "int64", shape: [to.length], data: BigInt64Array.from(to, BigInt) });
    return { ...node, op: "Reshape", inputs: [x, name], attrs: {} };
  });
  return { ...graph, nodes, initializers };
}

function isOnlyPlace(places: Tensor | undefined): boolean {
  return places !== undefined && sizeOf(places.shape) === 1 && [0, -1].includes(Number(places.data[0]));
}
