/** Products whose factors are turned, in ONNX's own operators: ONNX Runtime's, which are recorded, are none of them. */
import type { Graph, Node } from "../../../src/onnx/graph.ts";

/** Puts a Transpose before each factor of a FusedMatMul that is turned, and MatMul in its place. */
export function plainProducts(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.flatMap((node) => node.op === "FusedMatMul" ? parted(node, graph) : [node]) };
}

function parted(node: Node, graph: Graph): readonly Node[] {
  const { attrs: { transA, transB }, name, outputs: [output] } = node;
  const turns: Node[] = [];
  const inputs = node.inputs.map((input, i) => {
    if ((i === 0 ? transA : transB) !== 1) return input;
    const { length: rank } = (graph.initializers.get(input) ?? graph.types.get(input))?.shape ?? [];
    const perm = Array.from({ length: rank }, (_, axis) => axis < rank - 2 ? axis : 2 * rank - 3 - axis);
    const turned = `${output}/turned_${i}`;
    turns.push({
      op: "Transpose",
      name: `${name}/Transpose_${i}`,
      inputs: [input],
      outputs: [turned],
      attrs: { perm },
    });
    return turned;
  });
  return [...turns, { op: "MatMul", name, inputs, outputs: [output], attrs: {} }];
}
