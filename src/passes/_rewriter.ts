/** What passes write a new graph with: nodes appended in order, values typed by the schemas. */
import type { DType, TypedArray } from "../numbers/dtype.ts";
import { type Attrs, type Graph, type Node, sizeOf, type Tensor, type ValueType } from "../onnx/graph.ts";
import { schemaOf } from "../onnx/schema/mod.ts";
import type { StaticType } from "../onnx/schema/schema.ts";

/** A graph being rewritten. Node names and values of the source graph keep their names. */
export class Rewriter {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, Tensor>;
  readonly types: Map<string, ValueType>;
  readonly #names: Set<string>;

  constructor(readonly source: Graph) {
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
    const { attrs = {}, like } = options;
    const schema = schemaOf(op);
    if (schema === undefined) throw new RangeError(`Cannot emit "${op}": no schema describes it`);
    const output = options.output ?? this.fresh(`${inputs[0]}_${op.toLowerCase()}`);
    const [type] = schema.infer(inputs.map((name) => name === "" ? null : this.typeOf(name)), attrs, 1);
    this.types.set(output, type);
    this.nodes.push({
      op,
      ...(schema.domain === undefined ? {} : { domain: schema.domain }),
      name: this.fresh(`${output}_node`),
      inputs,
      outputs: [output],
      attrs,
      ...(like?.layer === undefined ? {} : { layer: like.layer }),
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
    const { domain, type, attrs = {} } = options;
    const output = options.output ?? this.fresh(`${inputs[0]}_${op.toLowerCase()}`);
    this.types.set(output, type);
    this.nodes.push({ op, domain, name: this.fresh(`${output}_node`), inputs, outputs: [output], attrs });
    return output;
  }

  /** Adds an initializer and returns its name. */
  constant(base: string, dtype: DType, shape: readonly number[], data: TypedArray): string {
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`Cannot add "${base}": ${data.length} elements for [${shape}]`);
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
  typeOf(name: string): StaticType & { readonly constant?: Tensor } {
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
