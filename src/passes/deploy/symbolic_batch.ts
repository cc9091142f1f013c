/** Makes the dimensions that follow the batch symbolic, by comparing one model traced at two batch sizes. */
import type { TypedArray } from "../../numbers/dtype.ts";
import type { Attr, Attrs, Dim, Graph, Node, Tensor, ValueType } from "../../onnx/graph.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";
import { type RepeatedRows, repeatRows } from "./_repeat_rows.ts";

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
  a.graph.nodes.forEach((node, i) => checkNode(node, b.graph.nodes[i]));
  const types = new Map<string, ValueType>([...a.graph.types].map(([name, type]) => {
    const other = b.graph.types.get(name);
    const shape = type.shape.map((dim, i): Dim => dim === other?.shape[i] ? dim : symbolFor(dim, a.batch, symbol));
    return [name, { ...type, shape }];
  }));
  const constants = mergeConstants(a, b, symbol);
  for (const [name, type] of constants.types) types.set(name, type);
  return { ...a.graph, nodes: [...constants.nodes, ...a.graph.nodes], initializers: constants.initializers, types };
}

/** Merges the constants of both traces, with the nodes that compute those which follow the batch. */
function mergeConstants(a: Traced, b: Traced, symbol: string) {
  const targets = reshapeTargets(a.graph);
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  const types = new Map<string, ValueType>();
  const add = (rows: RepeatedRows) => {
    nodes.push(...rows.nodes);
    rows.initializers.forEach(([part, constant]) => initializers.set(part, constant));
    rows.types.forEach(([value, type]) => types.set(value, type));
  };
  for (const [name, tensor] of a.graph.initializers) {
    const other = b.graph.initializers.get(name);
    if (other === undefined) {
      throw new RangeError(`Cannot make the batch symbolic: "${name}" is there at batch ${a.batch} only`);
    }
    const pair = [tensor, other] as const;
    const row = isEqual(tensor, other) ? undefined : commonRows(pair, [a.batch, b.batch]);
    const single = row?.shape[0] === 1 ? broadcastValues(name, a) : undefined;
    const second = row === undefined ? commonSecondRow(pair, [a.batch, b.batch]) : undefined;
    if (second !== undefined) {
      add(repeatRows(a.graph, { name, row: second, symbol, axis: 1 }));
    } else if (row === undefined) {
      initializers.set(name, isEqual(tensor, other) ? tensor : mergeConstant(name, pair, targets.has(name)));
    } else if (single === undefined) {
      add(repeatRows(a.graph, { name, row, symbol }));
    } else {
      initializers.set(name, row);
      for (const value of single) types.set(value, { ...a.graph.types.get(value)!, shape: row.shape });
    }
  }
  return { nodes, initializers, types };
}

/** The values that Reshapes take for their target, and no operator for anything else. */
export function reshapeTargets({ nodes }: Graph): ReadonlySet<string> {
  const targets = new Set(nodes.filter(({ op }) => op === "Reshape").map(({ inputs }) => inputs[1]));
  for (const { op, inputs } of nodes) {
    inputs.forEach((name, i) => {
      if (op !== "Reshape" || i !== 1) targets.delete(name);
    });
  }
  return targets;
}

/**
 * Returns the rows of which both constants consist, one copy a sample; undefined if they are anything else. One row it is but
 * where a sample's were flattened into the batch, as a dense layer of sequences does.
 */
function commonRows([a, b]: readonly [Tensor, Tensor], batches: readonly [number, number]): Tensor | undefined {
  const rows = a.shape[0] / batches[0];
  if (!Number.isInteger(rows)) return undefined;
  const shape = [rows, ...a.shape.slice(1)];
  const size = a.data.length / batches[0];
  const row = { ...a, shape, data: a.data.slice(0, size) };
  const repeats = [a, b].every((tensor, i) =>
    tensor.dtype === a.dtype && tensor.shape.length > 0 &&
    tensor.shape.join() === [batches[i] * rows, ...shape.slice(1)].join() &&
    (tensor.data as Float32Array).every((x, k) => Object.is(x, row.data[k % size]))
  );
  return repeats ? row : undefined;
}

/** Returns the row of constants [1, n, …] whose second axis is the batch, as initial states of recurrent operators have it. */
function commonSecondRow(
  pair: readonly [Tensor, Tensor],
  batches: readonly [number, number],
): Tensor | undefined {
  if (pair.some(({ shape }) => shape.length < 2 || shape[0] !== 1)) return undefined;
  const [a, b] = pair.map((tensor) => ({ ...tensor, shape: tensor.shape.slice(1) }));
  const row = isEqual(pair[0], pair[1]) ? undefined : commonRows([a, b], batches);
  return row?.shape[0] === 1 ? { ...row, shape: [1, ...row.shape] } : undefined;
}

/**
 * Lists the values that have one row if constant `name` has: what it is dequantized to.
 *
 * Undefined if not all that read them read another value of as many rows beside it, and broadcast.
 */
function broadcastValues(name: string, traced: Traced): readonly string[] | undefined {
  const { graph, batch } = traced;
  const shapeOf = (value: string) => (graph.initializers.get(value) ?? graph.types.get(value))?.shape;
  const rank = shapeOf(name)?.length;
  const hasRows = (other: string) => {
    const shape = graph.types.get(other)?.shape;
    return other !== name && shape?.length === rank && shape?.[0] === batch;
  };
  if (graph.outputs.includes(name)) return undefined;
  const values: string[] = [];
  for (const node of graph.nodes.filter(({ inputs }) => inputs.includes(name))) {
    const [output] = node.outputs;
    const behind = node.op === "DequantizeLinear" ? broadcastValues(output, traced) : undefined;
    if (behind !== undefined) values.push(output, ...behind);
    else if (traitsOf(node).broadcasting !== true || !node.inputs.some(hasRows)) return undefined;
  }
  return values;
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

/** Returns attributes as a text that is equal for equal ones. */
export function attrsText(attrs: Attrs): string {
  return Object.entries(attrs).map(([key, value]) => `${key}=${attrText(value)}`).join(";");
}

function attrText(value: Attr): string {
  return typeof value === "object" && "data" in value ? `${value.dtype}[${value.shape}]${value.data}` : String(value);
}

/** Whether two tensors are the same, bit by bit. */
export function isEqual(a: Tensor, b: Tensor): boolean {
  return a === b || (a.dtype === b.dtype && a.shape.join() === b.shape.join() && hasSameBytes(a.data, b.data));
}

function hasSameBytes(a: TypedArray, b: TypedArray): boolean {
  const isInWords = [a, b].every(({ byteLength, byteOffset }) => byteLength % 4 === 0 && byteOffset % 4 === 0);
  const view = ({ buffer, byteLength, byteOffset }: TypedArray) =>
    isInWords ? new Uint32Array(buffer, byteOffset, byteLength / 4) : new Uint8Array(buffer, byteOffset, byteLength);
  const [x, y] = [view(a), view(b)];
  // A loop: weights have millions of them.
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return x.length === y.length;
}
