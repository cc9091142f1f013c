/**
 * How graphs are written: nodes appended in order, every value typed by the operators' schemas.
 *
 * One mechanism with two faces. Passes write names (`GraphWriter`), over the graph that they rewrite; whoever lowers an
 * operator writes typed values (`GraphBuilder`), from nothing.
 */
import { allocate, type DType, type TypedArray } from "../numbers/dtype.ts";
import { type Attrs, type Graph, type Node, sizeOf, type Tensor, type ValueType } from "./graph.ts";
import { neededBy } from "./index.ts";
import { schemaOf } from "./schema/mod.ts";
import type { InferInput, StaticType } from "./schema/schema.ts";

/** A value of a graph under construction, with its static type. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements, where they are known while the graph is written: to check, never to write another graph by. */
  readonly elements?: TypedArray;
}

/** What a `lower` function writes nodes with. */
export interface Emit {
  /** Appends a node with one output; its type is inferred by the operator's schema. `null` leaves an input out. */
  node(op: string, inputs: readonly (Value | null)[], attrs?: Attrs): Value;
  /** Appends a node with `outputs` outputs. */
  nodes(op: string, inputs: readonly (Value | null)[], attrs: Attrs, outputs: number): readonly Value[];
  /** Adds a constant. Equal small constants are shared. */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): Value;
}

/** A node to append, and the types of its outputs. */
export interface Appended extends Omit<Node, "domain" | "layer"> {
  readonly domain: string | undefined;
  readonly layer: string | undefined;
  readonly types: readonly StaticType[];
}

const EMPTY: Graph = { name: "", inputs: [], outputs: [], initializers: new Map(), nodes: [], types: new Map() };

/** A graph being written over `source`: that one's nodes and values keep their names. */
export class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, Tensor>;
  readonly types: Map<string, ValueType>;
  readonly #names: Set<string>;

  constructor(readonly source: Graph = EMPTY) {
    this.initializers = new Map(source.initializers);
    this.types = new Map(source.types);
    this.#names = new Set([...source.initializers.keys(), ...source.types.keys(), ...source.nodes.map((n) => n.name)]);
  }

  /** Returns a name not used yet, `base` itself if possible. */
  fresh(base: string): string {
    let name = base;
    for (let i = 1; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** Whether there is a value or node called `name`, or that name was given away. */
  isTaken(name: string): boolean {
    return this.#names.has(name);
  }

  /** Appends `node` as it is. */
  push(node: Node): void {
    this.nodes.push(node);
  }

  /**
   * Appends a node with one output and returns the output's name.
   *
   * @param like A node whose layer the new one belongs to.
   * @param output The output's name; a fresh one if absent.
   */
  emit(op: string, inputs: readonly string[], options: {
    readonly attrs?: Attrs;
    readonly output?: string;
    readonly like?: Node;
  } = {}): string {
    const { attrs = {}, like, output = this.fresh(`${inputs[0]}_${op.toLowerCase()}`) } = options;
    const inferred = this.infer(op, inputs.map((name) => name === "" ? null : this.typeOf(name)), { attrs });
    this.append({
      op,
      name: this.fresh(`${output}_node`),
      inputs,
      outputs: [output],
      attrs,
      layer: like?.layer,
      ...inferred,
    });
    return output;
  }

  /**
   * Appends a node of a domain that no schema describes and returns its output's name.
   *
   * @param options Its domain, its output's type, and the output's name (a fresh one if absent).
   */
  place(op: string, inputs: readonly string[], options: {
    readonly domain: string;
    readonly type: StaticType;
    readonly attrs?: Attrs;
    readonly output?: string;
  }): string {
    const { domain, type, attrs = {}, output = this.fresh(`${inputs[0]}_${op.toLowerCase()}`) } = options;
    const name = this.fresh(`${output}_node`);
    this.append({ op, domain, name, inputs, outputs: [output], attrs, layer: undefined, types: [type] });
    return output;
  }

  /**
   * Infers the types of what `op` gives, and whose operator it is.
   *
   * @throws {RangeError} If no schema describes it.
   * @throws {TypeError} If the inputs do not fit it.
   */
  infer(op: string, inputs: readonly (InferInput | null)[], { attrs, outputs = 1 }: {
    readonly attrs: Attrs;
    readonly outputs?: number;
  }): Pick<Appended, "domain" | "types"> {
    const schema = schemaOf(op);
    if (schema === undefined) throw new RangeError(`Cannot emit "${op}": no schema describes it`);
    return { domain: schema.domain, types: schema.infer(inputs, attrs, outputs).slice(0, outputs) };
  }

  /** Appends a node whose outputs' types are known. */
  append({ op, domain, name, inputs, outputs, attrs, layer, types }: Appended): void {
    outputs.forEach((output, i) => this.types.set(output, types[i]));
    this.nodes.push({
      op,
      ...(domain === undefined ? {} : { domain }),
      name,
      inputs,
      outputs,
      attrs,
      ...(layer === undefined ? {} : { layer }),
    });
  }

  /** Adds an initializer and returns its name. */
  constant(base: string, dtype: DType, shape: readonly number[], data: TypedArray): string {
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`Cannot make constant "${base}" of shape [${shape}]: it has ${data.length} elements`);
    }
    const name = this.fresh(base);
    this.initializers.set(name, { dtype, shape, data });
    return name;
  }

  /** Adds an int64 vector, the form in which operators take shapes and axes. */
  ints(base: string, values: readonly number[]): string {
    return this.constant(base, "int64", [values.length], BigInt64Array.from(values.map(BigInt)));
  }

  /** Returns the static type of a value, with its elements if it is an initializer. */
  typeOf(name: string): InferInput {
    const constant = this.initializers.get(name);
    if (constant !== undefined) return { dtype: constant.dtype, shape: constant.shape, constant };
    const type = this.types.get(name);
    if (type === undefined) throw new RangeError(`Cannot find value "${name}"`);
    // Passes run on traced graphs, whose dimensions are numbers; they become symbolic at the very end.
    return type as StaticType;
  }

  /** Returns the elements of an int64 initializer as numbers, or undefined if `name` is no initializer. */
  intsOf(name: string | undefined): readonly number[] | undefined {
    const tensor = name === undefined ? undefined : this.initializers.get(name);
    return tensor === undefined ? undefined : Array.from(tensor.data as BigInt64Array, Number);
  }

  /** Returns the new graph, with initializers that no node reads left out. */
  finish(outputs: readonly string[] = this.source.outputs): Graph {
    const read = new Set([...outputs, ...this.nodes.flatMap((node) => node.inputs)]);
    const initializers = new Map([...this.initializers].filter(([name]) => read.has(name)));
    return { ...this.source, outputs, initializers, nodes: this.nodes, types: this.types };
  }
}

/** Constants up to this many elements are shared when equal: scalars, axes, shapes, permutations. */
const SHARED_CONSTANT_SIZE = 16;

/**
 * Appends nodes to a graph that grows from nothing.
 *
 * Values are numbered in the order of their making, so the same sequence of calls gives the same names.
 */
export class GraphBuilder implements Emit {
  /** The TF.js layer that nodes made from now on belong to. */
  layer: string | undefined;
  readonly #out = new GraphWriter();
  readonly #inputs: string[] = [];
  readonly #shared = new Map<string, Value>();
  #count = 0;

  /** Number of nodes appended so far. */
  get size(): number {
    return this.#out.nodes.length;
  }

  /**
   * Adds a graph input.
   *
   * @throws {RangeError} If there is a value called `name` already.
   */
  input(dtype: DType, shape: readonly number[], name: string = this.#next("v")): Value {
    if (this.#out.isTaken(name)) throw new RangeError(`Cannot add input "${name}": there is a value of that name`);
    this.#inputs.push(this.#out.fresh(name));
    this.#out.types.set(name, { dtype, shape });
    return { name, dtype, shape };
  }

  /**
   * Adds a constant, or returns an equal small one.
   *
   * @param name The initializer's name, with a number if it is taken; a named constant is not shared.
   */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[], name?: string): Value {
    const key = name === undefined && data.length <= SHARED_CONSTANT_SIZE ? constantKey(dtype, shape, data) : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) return known;
    const base = name ?? this.#next("c");
    const value: Value = { name: this.#out.constant(base, dtype, shape, elements(dtype, data)), dtype, shape };
    if (key !== undefined) this.#shared.set(key, value);
    return value;
  }

  node(op: string, inputs: readonly (Value | null)[], attrs: Attrs = {}): Value {
    return this.nodes(op, inputs, attrs, 1)[0];
  }

  nodes(op: string, inputs: readonly (Value | null)[], attrs: Attrs, outputs: number): readonly Value[] {
    const known = inputs.map((input) => input === null ? null : this.#out.typeOf(input.name));
    const inferred = this.#out.infer(op, known, { attrs, outputs });
    const values = inferred.types.map(({ dtype, shape }) => ({ name: this.#out.fresh(this.#next("v")), dtype, shape }));
    this.#out.append({
      op,
      name: `n${this.size}`,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: values.map((value) => value.name),
      attrs,
      layer: this.layer,
      ...inferred,
    });
    return values;
  }

  /** Returns the elements of `value` if it is a constant. */
  constantOf(value: Value): Tensor | undefined {
    return this.#out.initializers.get(value.name);
  }

  /** Returns the graph that computes `outputs`, without the nodes, constants and inputs that they do not need. */
  build(name: string, outputs: readonly string[]): Graph {
    const { initializers, types } = this.#out;
    const { nodes, values } = neededBy({ nodes: this.#out.nodes, outputs });
    return {
      name,
      inputs: this.#inputs.filter((input) => values.has(input)),
      outputs,
      initializers: new Map([...initializers].filter(([key]) => values.has(key))),
      nodes,
      types,
    };
  }

  #next(prefix: string): string {
    for (;;) {
      const name = `${prefix}${this.#count++}`;
      if (!this.#out.isTaken(name)) return name;
    }
  }
}

/** -0 and 0 are different constants. */
function constantKey(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): string {
  const texts = Array.from<number | bigint>(data as readonly number[]).map((x) => Object.is(x, -0) ? "-0" : String(x));
  return `${dtype}[${shape}]${texts}`;
}

function elements(dtype: DType, data: TypedArray | readonly number[]): TypedArray {
  if (!Array.isArray(data)) return data as TypedArray;
  const array = allocate(dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(data[i]) : data[i];
  }
  return array;
}
