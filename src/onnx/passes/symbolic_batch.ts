/** Makes the dimensions that follow the batch symbolic, by comparing one model traced at two batch sizes. */
import type { Attr, Attrs, Dim, Graph, Node, Tensor } from "../graph.ts";

/** A graph and the batch size that it was traced at. */
export interface Traced {
  readonly graph: Graph;
  readonly batch: number;
}

/**
 * Merges two traces of one model into a graph with a symbolic batch.
 *
 * @param symbol Name of the dimension in the file.
 * @throws {RangeError} If the traces differ in anything that a symbolic dimension cannot express.
 */
export function symbolicBatch(a: Traced, b: Traced, symbol = "batch"): Graph {
  if (a.graph.nodes.length !== b.graph.nodes.length) {
    throw new RangeError(
      `Cannot make the batch symbolic: ${a.graph.nodes.length} nodes at batch ${a.batch}, ${b.graph.nodes.length} at ${b.batch}`,
    );
  }
  if (a.graph.outputs.join() !== b.graph.outputs.join()) {
    throw new RangeError(`Cannot make the batch symbolic: the outputs depend on it`);
  }
  const targets = reshapeTargets(a.graph);
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of a.graph.initializers) {
    const other = b.graph.initializers.get(name);
    if (other === undefined) {
      throw new RangeError(`Cannot make the batch symbolic: "${name}" is there at batch ${a.batch} only`);
    }
    initializers.set(name, isEqual(tensor, other) ? tensor : mergeConstant(name, [tensor, other], targets.has(name)));
  }
  a.graph.nodes.forEach((node, i) => checkNode(node, b.graph.nodes[i]));
  const types = new Map([...a.graph.types].map(([name, type]) => {
    const other = b.graph.types.get(name);
    const shape = type.shape.map((dim, i): Dim => dim === other?.shape[i] ? dim : symbolFor(dim, a.batch, symbol));
    return [name, { ...type, shape }];
  }));
  return { ...a.graph, initializers, types };
}

/** The values that Reshapes take for their target, and no operator for anything else. */
function reshapeTargets({ nodes }: Graph): ReadonlySet<string> {
  const targets = new Set(nodes.filter(({ op }) => op === "Reshape").map(({ inputs }) => inputs[1]));
  for (const { op, inputs } of nodes) {
    inputs.forEach((name, i) => {
      if (op !== "Reshape" || i !== 1) targets.delete(name);
    });
  }
  return targets;
}

/** A dimension that is a multiple of the batch is no dimension that the file can name by the same symbol. */
function symbolFor(dim: Dim, batch: number, symbol: string): string {
  return dim === batch ? symbol : `${symbol}_x${Number(dim) / batch}`;
}

/** A Reshape's target: the entry that follows the batch becomes -1. */
function mergeConstant(name: string, [a, b]: readonly [Tensor, Tensor], isShape: boolean): Tensor {
  const data = a.data.slice() as BigInt64Array;
  const differing = Array.from(data.keys()).filter((i) => data[i] !== b.data[i]);
  if (!isShape || a.data.length !== b.data.length || differing.length !== 1) {
    throw new RangeError(`Cannot make the batch symbolic: constant "${name}" depends on it in more than one way`);
  }
  data[differing[0]] = -1n;
  return { ...a, data };
}

function checkNode(a: Node, b: Node): void {
  if (a.op !== b.op || a.inputs.join() !== b.inputs.join() || attrsText(a.attrs) !== attrsText(b.attrs)) {
    throw new RangeError(`Cannot make the batch symbolic: node "${a.name}" (${a.op}) depends on it`);
  }
}

function attrsText(attrs: Attrs): string {
  return Object.entries(attrs).map(([key, value]) => `${key}=${attrText(value)}`).join(";");
}

function attrText(value: Attr): string {
  return typeof value === "object" && "data" in value ? `${value.dtype}[${value.shape}]${value.data}` : String(value);
}

function isEqual(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.data.length === b.data.length && a.shape.join() === b.shape.join() &&
    (a.data as Float32Array).every((x, i) => Object.is(x, b.data[i]));
}
