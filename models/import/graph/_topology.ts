/** A TensorFlow graph as plain data, checked at the door, and what of it is needed for which outputs. */
import { showValue } from "../../../src/text/plain.ts";
import { cannotLoad, type GraphJson, isObject, type JsonObject } from "../_model_json.ts";

/** A node. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** The values that it reads: `node`, or `node:1` of several. What has to come first and is not read is left out. */
  readonly inputs: readonly string[];
  readonly attr: JsonObject;
}

/** Nodes by their names, in the file's order. */
export type GraphNodes = ReadonlyMap<string, GraphNode>;

/** Returns the name of the node that gives `value`. */
export function giverOf(value: string): string {
  return value.split(":", 1)[0];
}

/** Returns which output of its node `value` is. */
export function placeOf(value: string): number {
  return Number(value.split(":").at(-1)) || 0;
}

/** TensorFlow's names of first outputs end in ":0". */
export function plainName(value: string): string {
  return value.replace(/:0$/, "");
}

/**
 * Reads the nodes of a graph.
 *
 * @throws {ModelFileError} If there are none, or one is no node, has the name of another or reads what is not there.
 */
export function readNodes({ path, topology }: Pick<GraphJson, "path" | "topology">): GraphNodes {
  const nodes = new Map<string, GraphNode>();
  for (const given of topology.node) {
    const { name, op, input, attr } = Object(given);
    if (typeof name !== "string" || typeof op !== "string") {
      throw cannotLoad(path, `its graph has a node ${showValue(given)}, one with a "name" and an "op" is needed`);
    }
    if (nodes.has(name)) {
      throw cannotLoad(path, `its graph has two nodes called "${name}", names of their own are needed`);
    }
    const inputs = (Array.isArray(input) ? input : []).map(String).filter((read) => !read.startsWith("^"));
    nodes.set(name, { name, op, inputs, attr: isObject(attr) ? attr : {} });
  }
  if (nodes.size === 0) throw cannotLoad(path, "its graph has no nodes, at least one is needed");
  for (const { name, op, inputs } of nodes.values()) {
    const missing = inputs.find((read) => !nodes.has(giverOf(read)));
    if (missing === undefined) continue;
    throw cannotLoad(path, `its node "${name}" (${op}) reads "${missing}", which no node gives`);
  }
  return nodes;
}

/** Writes nodes as TensorFlow.js reads them, in the place of those of `topology`. */
export function writeNodes(topology: GraphJson["topology"], nodes: GraphNodes): GraphJson["topology"] {
  const node = [...nodes.values()].map(({ name, op, inputs, attr }) => ({ name, op, input: [...inputs], attr }));
  return { ...topology, node };
}

/** Keeps the nodes that `values` depend on; those called `ends` are kept without what they read. */
export function neededFor(
  nodes: GraphNodes,
  { values, ends }: { readonly values: readonly string[]; readonly ends: ReadonlySet<string> },
): GraphNodes {
  const needed = new Set<string>();
  const left = values.map(giverOf);
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    if (!ends.has(name)) left.push(...(nodes.get(name)?.inputs ?? []).map(giverOf));
  }
  return new Map([...nodes].filter(([name]) => needed.has(name)));
}

/** Orders nodes so that each comes behind those that it reads; those in a circle, and what is behind them, are left out. */
export function inOrder(nodes: GraphNodes, ends: ReadonlySet<string>): readonly GraphNode[] {
  const ordered: GraphNode[] = [];
  const waits = new Map<string, number>();
  const readers = new Map<string, string[]>();
  const ready: string[] = [];
  for (const [name, { inputs }] of nodes) {
    const sources = ends.has(name) ? [] : [...new Set(inputs.map(giverOf))];
    waits.set(name, sources.length);
    for (const source of sources) readers.set(source, [...readers.get(source) ?? [], name]);
    if (sources.length === 0) ready.push(name);
  }
  for (const name of ready) {
    const node = nodes.get(name);
    if (node !== undefined) ordered.push(node);
    for (const reader of readers.get(name) ?? []) {
      const left = (waits.get(reader) ?? 0) - 1;
      waits.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  return ordered;
}

/** Returns a name that no node has. */
export function freeName(wanted: string, nodes: GraphNodes): string {
  return nodes.has(wanted) ? freeName(`${wanted}_`, nodes) : wanted;
}

/** A border of the graph: the node's value, and what the signature calls it. */
export interface Border {
  readonly value: string;
  readonly key?: string;
  /** Where the signature tells it; -1 is open. */
  readonly shape?: readonly number[];
}

/** What goes in and comes out. */
export interface Borders {
  readonly inputs: readonly Border[];
  readonly outputs: readonly Border[];
}

/** Finds the borders that the signature tells of, or else those that nobody reads and that read nothing. */
export function bordersOf(nodes: GraphNodes, signature: JsonObject = {}): Borders {
  const told = (side: unknown): readonly Border[] =>
    Object.entries(Object(side)).flatMap(([key, entry]) => {
      const { name, tensorShape } = Object(entry);
      if (typeof name !== "string" || !nodes.has(giverOf(name))) return [];
      const shape = shapeOf(tensorShape);
      return [{ value: plainName(name), key, ...(shape === undefined ? {} : { shape }) }];
    });
  const [inputs, outputs] = [told(signature.inputs), told(signature.outputs)];
  const read = new Set([...nodes.values()].flatMap((node) => node.inputs.map(giverOf)));
  const all = [...nodes.values()];
  return {
    inputs: inputs.length > 0
      ? inputs
      : all.filter(({ op }) => op === "Placeholder").map(({ name }) => ({ value: name })),
    outputs:
      (outputs.length > 0
        ? outputs
        : all.filter(({ name, op }) => !read.has(name) && op !== "NoOp").map(({ name }) => ({ value: name })))
        .filter(({ value }) => nodes.get(giverOf(value))?.op !== "Const"),
  };
}

function shapeOf(tensorShape: unknown): readonly number[] | undefined {
  const { dim, unknownRank } = Object(tensorShape);
  return unknownRank === true || !Array.isArray(dim) ? undefined : dim.map((each) => Number(Object(each).size ?? -1));
}
