/** Builds a graph node by node, inferring the type of every value as it goes. */
import { allocate, type DType, type TypedArray } from "../numbers/dtype.ts";
import type { Emit, Value } from "./emit.ts";
import { type Attrs, type Graph, type Node, sizeOf, type Tensor, type ValueType } from "./graph.ts";
import { schemaOf } from "./schema/mod.ts";
import type { InferInput } from "./schema/schema.ts";

/** Constants up to this many elements are shared when equal: scalars, axes, shapes, permutations. */
const SHARED_CONSTANT_SIZE = 16;

/**
 * Appends nodes to a growing graph.
 *
 * Values are numbered in the order of their making, so the same sequence of calls gives the same names.
 */
export class GraphBuilder implements Emit {
  /** The TF.js layer that nodes made from now on belong to. */
  layer: string | undefined;
  readonly #inputs: Value[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  readonly #types = new Map<string, ValueType>();
  readonly #shared = new Map<string, Value>();
  #count = 0;

  /** Number of nodes appended so far. */
  get size(): number {
    return this.#nodes.length;
  }

  /**
   * Adds a graph input.
   *
   * @throws {RangeError} If there is a value called `name` already.
   */
  input(dtype: DType, shape: readonly number[], name?: string): Value {
    if (name !== undefined && this.#isTaken(name)) {
      throw new RangeError(`Cannot add input "${name}": there is a value of that name`);
    }
    const value = this.#value({ dtype, shape }, name);
    this.#inputs.push(value);
    return value;
  }

  /** @param name The initializer's name, with a number if it is taken; a named constant is not shared. */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[], name?: string): Value {
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`Cannot make a constant of shape [${shape}]: it has ${data.length} elements`);
    }
    const shareable = name === undefined && data.length <= SHARED_CONSTANT_SIZE;
    const key = shareable ? `${dtype}[${shape}]${constantKey(data)}` : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) return known;
    const value: Value = { name: name === undefined ? this.#nextName("c") : this.#unique(name), dtype, shape };
    this.#initializers.set(value.name, { dtype, shape, data: elements(dtype, data) });
    if (key !== undefined) this.#shared.set(key, value);
    return value;
  }

  node(op: string, inputs: readonly (Value | null)[], attrs: Attrs = {}): Value {
    return this.nodes(op, inputs, attrs, 1)[0];
  }

  nodes(op: string, inputs: readonly (Value | null)[], attrs: Attrs, outputs: number): readonly Value[] {
    const schema = schemaOf(op);
    if (schema === undefined) throw new RangeError(`Cannot emit "${op}": no schema describes it`);
    const types = schema.infer(inputs.map((input) => this.#inferInput(input)), attrs, outputs);
    const values = types.slice(0, outputs).map((type) => this.#value(type));
    this.#nodes.push({
      op,
      ...(schema.domain === undefined ? {} : { domain: schema.domain }),
      name: `n${this.#nodes.length}`,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: values.map((value) => value.name),
      attrs,
      ...(this.layer === undefined ? {} : { layer: this.layer }),
    });
    return values;
  }

  /** Returns the elements of `value` if it is a constant. */
  constantOf(value: Value): Tensor | undefined {
    return this.#initializers.get(value.name);
  }

  /** Returns the graph that computes `outputs`, without the nodes, constants and inputs that they do not need. */
  build(name: string, outputs: readonly string[]): Graph {
    const needed = new Set(outputs);
    const nodes: Node[] = [];
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const node = this.#nodes[i];
      if (!node.outputs.some((output) => needed.has(output))) continue;
      nodes.push(node);
      for (const input of node.inputs) needed.add(input);
    }
    return {
      name,
      inputs: this.#inputs.filter((input) => needed.has(input.name)).map((input) => input.name),
      outputs,
      initializers: new Map([...this.#initializers].filter(([key]) => needed.has(key))),
      nodes: nodes.reverse(),
      types: this.#types,
    };
  }

  #inferInput(value: Value | null): InferInput | null {
    if (value === null) return null;
    const constant = this.#initializers.get(value.name);
    return constant === undefined ? value : { dtype: value.dtype, shape: value.shape, constant };
  }

  #isTaken(name: string): boolean {
    return this.#types.has(name) || this.#initializers.has(name);
  }

  #nextName(prefix: string): string {
    for (;;) {
      const name = `${prefix}${this.#count++}`;
      if (!this.#isTaken(name)) return name;
    }
  }

  #unique(base: string): string {
    let name = base;
    for (let i = 1; this.#isTaken(name); i++) name = `${base}_${i}`;
    return name;
  }

  #value(type: { readonly dtype: DType; readonly shape: readonly number[] }, name?: string): Value {
    const value: Value = { name: name ?? this.#nextName("v"), dtype: type.dtype, shape: type.shape };
    this.#types.set(value.name, { dtype: type.dtype, shape: type.shape });
    return value;
  }
}

/** -0 and 0 are different constants. */
function constantKey(data: TypedArray | readonly number[]): string {
  return Array.from<number | bigint>(data as readonly number[]).map((x) => Object.is(x, -0) ? "-0" : String(x)).join();
}

function elements(dtype: DType, data: TypedArray | readonly number[]): TypedArray {
  if (!Array.isArray(data)) return data as TypedArray;
  const array = allocate(dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(data[i]) : data[i];
  }
  return array;
}
