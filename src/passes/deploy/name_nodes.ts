/** Gives nodes and values the names that a person knows: the layers' own. */
import type { Graph, Node, Tensor, ValueType } from "../../onnx/graph.ts";

/** Operators that stand around a layer's work and do not do it. */
const HELPERS = new Set([
  "QuantizeLinear",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "Transpose",
  "Reshape",
  "Cast",
  "Identity",
]);

/** Which inputs are weights, and what they are called in their layer. */
type Parts = readonly (readonly [input: number, part: string])[];

const KERNEL_AND_BIAS: Parts = [[1, "kernel"], [2, "bias"]];
const RECURRENT: Parts = [[1, "kernel"], [2, "recurrent_kernel"], [3, "bias"]];

/** The weights of operators that have some. */
const WEIGHTS: ReadonlyMap<string, Parts> = new Map([
  ["Conv", KERNEL_AND_BIAS],
  ["Gemm", KERNEL_AND_BIAS],
  ["MatMul", KERNEL_AND_BIAS],
  ["LSTM", RECURRENT],
  ["GRU", RECURRENT],
  ["RNN", RECURRENT],
]);

/** Operators before which a mask puts steps in order. */
const STEPPING = new Set(["LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"]);

/**
 * Renames nodes after their layers, values after their nodes, and the graph's inputs and outputs as asked.
 *
 * The node that does a layer's work gets the layer's name, the others "layer/Operator".
 *
 * @param ports New names of graph inputs and outputs; the others keep theirs.
 */
export function nameNodes(graph: Graph, ports: ReadonlyMap<string, string> = new Map()): Graph {
  const nodeNames = namesByLayer(graph.nodes, uniqueNames());
  // A node may bear the name of a value: the last node has its layer's, as has the output.
  const values = new Map([...graph.inputs, ...graph.outputs].map((name) => [name, ports.get(name) ?? name]));
  const unique = uniqueNames(values.values());
  for (const node of graph.nodes) {
    node.outputs.forEach((output, i) => {
      if (output !== "" && !values.has(output)) values.set(output, unique(`${nodeNames.get(node)}:${i}`));
    });
  }
  for (const [name, wanted] of weightNames(graph)) values.set(name, unique(wanted));
  const rename = (name: string) => values.get(name) ?? name;
  return {
    ...graph,
    inputs: graph.inputs.map(rename),
    outputs: graph.outputs.map(rename),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: nodeNames.get(node)!,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    types: typesOf(graph, rename),
    initializers: new Map<string, Tensor>([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
  };
}

/** Returns a function that adds a number to a name that was taken already. */
function uniqueNames(taken: Iterable<string> = []): (base: string) => string {
  const used = new Set(taken);
  return (base) => {
    let name = base;
    for (let i = 1; used.has(name); i++) name = `${base}_${i}`;
    used.add(name);
    return name;
  };
}

function namesByLayer(nodes: readonly Node[], unique: (base: string) => string): Map<Node, string> {
  const principal = new Map<string, Node>();
  for (const node of nodes) {
    if (node.layer === undefined || HELPERS.has(node.op)) continue;
    const isFirst = STEPPING.has(node.op) && !STEPPING.has(principal.get(node.layer)?.op ?? "");
    if (isFirst || !principal.has(node.layer)) principal.set(node.layer, node);
  }
  const names = new Map<Node, string>();
  // Layers' own names go first, so that no helper takes one.
  for (const [layer, node] of principal) names.set(node, unique(layer));
  for (const node of nodes) {
    if (!names.has(node)) names.set(node, unique(node.layer === undefined ? node.op : `${node.layer}/${node.op}`));
  }
  return names;
}

/** Names a layer's weights and biases by their part in it; all other constants keep theirs. */
function weightNames(graph: Graph): Map<string, string> {
  const names = new Map<string, string>();
  const dequantizers = new Map(
    graph.nodes.filter(({ op }) => op === "DequantizeLinear").map((node) => [node.outputs[0], node]),
  );
  for (const { op, layer, inputs } of graph.nodes) {
    if (layer !== undefined && op === "QuantizeLinear" && !names.has(inputs[2])) {
      names.set(inputs[2], `${layer}/zero_point`);
    }
    if (layer === undefined) continue;
    for (const [i, part] of WEIGHTS.get(op) ?? []) {
      const [codes, scale, zeroPoint] = dequantizers.get(inputs[i])?.inputs ?? [inputs[i]];
      const wanted = [[codes, part], [scale, `${part}_scale`], [zeroPoint, `${part}_zero_point`]] as const;
      for (const [name, suffix] of wanted) {
        if (name !== undefined && graph.initializers.has(name)) names.set(name, `${layer}/${suffix}`);
      }
    }
  }
  for (const name of graph.initializers.keys()) if (!names.has(name)) names.set(name, name);
  return names;
}

/** Types of the values that are still there. */
function typesOf(graph: Graph, rename: (name: string) => string): Map<string, ValueType> {
  const alive = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)].filter((name) => name !== "");
  return new Map(alive.map((name) => [rename(name), graph.types.get(name)!]));
}
