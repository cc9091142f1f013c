/** Joins Reshapes of Reshapes, and leaves out those that restore the shape that was there. */
import { type Graph, typeOf } from "../onnx/graph.ts";
import { indexOf, removeDeadNodes } from "../onnx/index.ts";
import { holds } from "./conditions.ts";
import { definePass, type Pass } from "./pass.ts";

/** Makes every Reshape start from the value before the Reshapes. */
export const mergeReshapes: Pass = definePass({ name: "mergeReshapes", ensures: [holds.mergedReshapes], rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const renamed = new Map<string, string>();
  const rootOf = (name: string): string => {
    const node = index.producer(name);
    return node?.op === "Reshape" ? rootOf(node.inputs[0]) : name;
  };
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (node.op !== "Reshape" || graph.outputs.includes(output)) continue;
    const root = rootOf(output);
    if (typeOf(graph, root).shape.join() === typeOf(graph, output).shape.join()) renamed.set(output, root);
  }
  const nodes = graph.nodes.filter(({ outputs }) => !renamed.has(outputs[0])).map((node) => {
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    return node.op === "Reshape" ? { ...node, inputs: [rootOf(inputs[0]), inputs[1]] } : { ...node, inputs };
  });
  return removeDeadNodes({ ...graph, nodes });
}
