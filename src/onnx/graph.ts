/**
 * ONNX graphs as plain data. A graph is never changed in place: passes take one and return another.
 *
 * Values (edges) are names. A name is defined exactly once: by a graph input, an initializer or a node's output.
 */
import { bytesPerElement, type DType, type TypedArray } from "../numbers/dtype.ts";

/** A dimension: a number, or the name of a symbolic one. */
export type Dim = number | string;

/** The static type of a value. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A tensor with its elements, in row-major order. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** An attribute's value. Whether a number is written as int or float is the operator schema's to say. */
export type Attr = number | string | readonly number[] | readonly string[] | Tensor;

/** How an attribute is written in a file. */
export type AttrKind = "int" | "float" | "string" | "ints" | "floats" | "strings" | "tensor";

/** An operator's attributes by name. */
export type Attrs = Readonly<Record<string, Attr>>;

/** One operator application. */
export interface Node {
  readonly op: string;
  /** Operator domain; absent for the default "ai.onnx". */
  readonly domain?: string;
  /** Unique within the graph. */
  readonly name: string;
  /** Names of input values; "" for an optional input left out. */
  readonly inputs: readonly string[];
  /** Names of output values; "" for an optional output left out. */
  readonly outputs: readonly string[];
  readonly attrs: Attrs;
  /** How attributes are written in the file that the node was read from, where values and schemas do not tell. */
  readonly kinds?: Readonly<Record<string, AttrKind>>;
  /** The TF.js layer that the node came from. Not written to the file. */
  readonly layer?: string;
}

/** A graph. `types` knows every value, initializers and absent optional ones excepted. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly types: ReadonlyMap<string, ValueType>;
}

/** Returns the number of elements of a tensor of `shape`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Returns the type of value `name`, be it an initializer, an input or a node's output. */
export function typeOf(graph: Graph, name: string): ValueType {
  const type = graph.initializers.get(name) ?? graph.types.get(name);
  if (type === undefined) throw new RangeError(`Cannot find value "${name}" in graph "${graph.name}"`);
  return type;
}

/** Returns the bytes of a value of `graph` whose dimensions are numbers; 0 of an optional one that is absent. */
export function bytesOf(graph: Graph, name: string): number {
  if (name === "") return 0;
  const { dtype, shape } = typeOf(graph, name);
  return bytesPerElement(dtype) * sizeOf(shape as readonly number[]);
}
