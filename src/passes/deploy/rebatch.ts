/**
 * Gives a graph that was traced and optimized at one batch size another one, instead of optimizing a second trace.
 *
 * Where a model does nothing with its batch but pass it on, which two traces show, a dimension follows the batch if and
 * only if the batch, a prime, divides it: passes permute and multiply dimensions, and a product has no prime factor that
 * none of its factors has.
 */
import type { Graph, Node, Tensor, ValueType } from "../../onnx/graph.ts";
import { attrsText, isEqual, reshapeTargets, type Traced } from "./symbolic_batch.ts";

/**
 * Whether two traces of one model differ in nothing but dimensions, and targets of Reshapes, that are multiples of their
 * batch sizes, and nothing else is a multiple of `a`'s.
 */
export function followsPlainly(a: Traced, b: Traced): boolean {
  if (a.graph.nodes.length !== b.graph.nodes.length || a.graph.outputs.join() !== b.graph.outputs.join()) return false;
  const follows: Follows = (x, y) => x === y ? x === 0 || x % a.batch !== 0 : x * b.batch === y * a.batch;
  return a.graph.nodes.every((node, i) => isSame(node, b.graph.nodes[i])) &&
    constantsFollow(a.graph, b.graph, follows) && typesFollow(a.graph, b.graph, follows);
}

/** Whether a number of the one trace and one of the other are what following the batch, or not doing so, makes them. */
type Follows = (x: number, y: number) => boolean;

function isSame(a: Node, b: Node): boolean {
  return a.op === b.op && a.inputs.join() === b.inputs.join() && attrsText(a.attrs) === attrsText(b.attrs);
}

function constantsFollow(a: Graph, b: Graph, follows: Follows): boolean {
  if (a.initializers.size !== b.initializers.size) return false;
  const targets = reshapeTargets(a);
  return [...a.initializers].every(([name, tensor]) => {
    const other = b.initializers.get(name);
    if (other?.dtype !== tensor.dtype || !isUntouched(tensor.shape, other.shape, follows)) return false;
    if (tensor.dtype !== "int64") return isEqual(tensor, other);
    const [x, y] = [tensor, other].map(({ data }) => Array.from(data as BigInt64Array, Number));
    return x.every((dim, i) => follows(dim, y[i]) && (dim === y[i] || targets.has(name)));
  });
}

/** Whether two shapes are the same, and the batch is in no dimension of them. */
function isUntouched(a: readonly number[], b: readonly number[], follows: Follows): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i] && follows(dim, b[i]));
}

/** Whether the types follow, and none of what is computed from constants alone has the batch in it. */
function typesFollow(a: Graph, b: Graph, follows: Follows): boolean {
  const dimsOf = ({ types }: Graph, name: string) => types.get(name)!.shape as readonly number[];
  const fixed = new Set(["", ...a.initializers.keys()]);
  for (const { inputs, outputs } of a.nodes) {
    const isFixed = inputs.every((name) => fixed.has(name));
    for (const name of outputs) {
      if (name === "") continue;
      const [x, y] = [dimsOf(a, name), dimsOf(b, name)];
      if (isFixed) fixed.add(name);
      if (isFixed && !isUntouched(x, y, follows)) return false;
      if (x.length !== y.length || !x.every((dim, i) => follows(dim, y[i]))) return false;
    }
  }
  return a.inputs.every((name) => dimsOf(a, name).every((dim, i) => follows(dim, dimsOf(b, name)[i])));
}

/** Returns what `traced` is at batch size `batch`, for the optimized graph of a model that follows its batch plainly. */
export function atBatch({ graph, batch: from }: Traced, batch: number): Traced {
  const moved = (dim: number) => dim % from === 0 ? dim / from * batch : dim;
  const types = new Map([...graph.types].map(([name, type]): [string, ValueType] => [name, {
    ...type,
    // Of a trace, whose dimensions are numbers.
    shape: (type.shape as readonly number[]).map(moved),
  }]));
  const initializers = new Map([...graph.initializers].map(([name, tensor]): [string, Tensor] => {
    if (tensor.dtype !== "int64") return [name, tensor];
    return [name, { ...tensor, data: (tensor.data as BigInt64Array).map((dim) => BigInt(moved(Number(dim)))) }];
  }));
  return { batch, graph: { ...graph, types, initializers } };
}
