/** Makes the dimensions that follow the batch symbolic, by comparing one model traced at two batch sizes. */
import type { Attrs, Dim, Graph, Node, Tensor } from "../graph.ts";

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
  const targets = new Set(a.graph.nodes.filter(({ op }) => op === "Reshape").map(({ inputs }) => inputs[1]));
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
  return Object.entries(attrs).map(([key, value]) => `${key}=${value}`).join(";");
}

function isEqual(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.shape.join() === b.shape.join() &&
    (a.data as Float32Array).every((x, i) => Object.is(x, b.data[i]));
}
