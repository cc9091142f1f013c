/** Names of the nodes and values of a recorded graph: those of the TensorFlow graph that it was recorded of. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { plainProducts } from "./_products.ts";
import { type GraphNodes, plainName } from "./_topology.ts";

/** A value of TensorFlow's graph, and what was recorded of it. */
export interface Given {
  readonly value: string;
  readonly tensor: tf.Tensor;
}

interface Naming {
  /** In the order of the graph's outputs. */
  readonly given: readonly Given[];
  readonly nodes: GraphNodes;
  /** Values of TensorFlow's graph that are to be outputs. */
  readonly outputs: readonly string[];
  readonly inputs: ReadonlySet<string>;
}

/** A recorded graph by TensorFlow's names. */
export interface NamedGraph {
  /** What runs. */
  readonly recorded: Graph;
  /** The same with single operators in the place of what is recorded as several, to be read. */
  readonly plain: Graph;
}

/**
 * Calls the values of `graph`, whose outputs are `given` one by one, as TensorFlow does, and its nodes after what they give.
 *
 * A value of several names has the first; outputs have their own all the same, behind an Identity.
 */
export function named(graph: Graph, { given, nodes: source, outputs, inputs }: Naming): NamedGraph {
  const wanted = new Set(outputs);
  const values = new Map(given.map(({ value }, i) => [value, graph.outputs[i]]));
  const names = new Map<string, string>();
  // Outputs choose first.
  const byWorth = given.toSorted((a, b) => Number(wanted.has(b.value)) - Number(wanted.has(a.value)));
  const computed = new Set(graph.nodes.flatMap((node) => node.outputs));
  for (const { value } of byWorth) {
    const name = values.get(value) ?? "";
    if (computed.has(name) && !names.has(name) && !graph.initializers.has(value)) names.set(name, value);
  }
  const taken = new Set([...names.values(), ...inputs, ...graph.inputs, ...graph.initializers.keys()]);
  const rename = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined || !graph.types.has(name) || graph.inputs.includes(name)) return known ?? name;
    const free = freshName(name, taken);
    names.set(name, free);
    return free;
  };
  const nodes = nodesNamed(graph.nodes, names).map((node): Node => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  const types = new Map([...graph.types].map(([name, type]) => [rename(name), type]));
  const copies = outputs.flatMap((output): readonly Node[] => {
    const source = rename(values.get(output) ?? output);
    if (source === output) return [];
    const type = types.get(source) ?? graph.initializers.get(source);
    if (type !== undefined) types.set(output, { dtype: type.dtype, shape: type.shape });
    return [{ op: "Identity", name: `${output}/Identity`, inputs: [source], outputs: [output], attrs: {} }];
  });
  const recorded = plainProducts({ ...graph, nodes: needed([...nodes, ...copies], outputs), types, outputs });
  const renamed = new Map([...values].map(([value, name]) => [value, rename(name)]));
  const plain = needed(withPlainOnes(recorded.nodes, { source, values: renamed }), outputs);
  return { recorded, plain: { ...recorded, nodes: plain } };
}

/** Operators of TensorFlow that are recorded as several, more accurate ones, and which of ONNX's each is. */
const PLAIN: Readonly<Record<string, string>> = { Sigmoid: "Sigmoid", Elu: "Elu", Selu: "Selu" };

/** Puts the operators themselves in the place of what some were recorded as. */
function withPlainOnes(
  nodes: readonly Node[],
  { source, values }: { readonly source: GraphNodes; readonly values: ReadonlyMap<string, string> },
): readonly Node[] {
  const plain = new Map<string, Pick<Node, "op" | "inputs">>();
  for (const { name, op, inputs } of source.values()) {
    const [output, input] = [values.get(name), values.get(plainName(inputs[0] ?? ""))];
    if (!Object.hasOwn(PLAIN, op) || output === undefined || input === undefined) continue;
    plain.set(output, { op: PLAIN[op], inputs: [input] });
  }
  return nodes.map((node) => {
    const found = plain.get(node.outputs[0]);
    return found === undefined ? node : { ...node, ...found, attrs: {} };
  });
}

/** Leaves out nodes that no output depends on. */
function needed(nodes: readonly Node[], outputs: readonly string[]): readonly Node[] {
  const read = new Set(outputs);
  return nodes.toReversed().filter((node) => {
    const isNeeded = node.outputs.some((output) => read.has(output));
    if (isNeeded) node.inputs.forEach((input) => read.add(input));
    return isNeeded;
  }).toReversed();
}

/** Names nodes after the values that they give; those within what was one node, after that and their operators. */
function nodesNamed(nodes: readonly Node[], names: ReadonlyMap<string, string>): readonly Node[] {
  const taken = new Set(names.values());
  let behind = "";
  const backwards = nodes.toReversed().map((node) => {
    const own = node.outputs.map((output) => names.get(output)).find((name) => name !== undefined);
    behind = own ?? behind;
    return { ...node, name: own ?? freshName(`${behind}/${node.op}`, taken) };
  });
  return backwards.toReversed();
}

/** Returns a name that is not taken, and takes it. */
function freshName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}
