/** A node that is imported: what it reads, and how it says that it cannot be. */
import { type Attr, type Node, sizeOf, type Tensor } from "../../../src/onnx/graph.ts";
import { fromHalf } from "../../../src/numbers/half.ts";
import type { LayerBuilder } from "./_builder.ts";
import type { Value } from "./_value.ts";

/** Says why a node cannot be imported, as the end of a sentence. */
export class Refusal extends Error {}

/** Ends the import of a node. */
export function refuse(because: string): never {
  throw new Refusal(because);
}

/** What imports a node: gives a value for each of its outputs. */
export type Row = (call: Call) => Value | readonly Value[];

/** What a node reads. */
export interface Sources {
  readonly values: ReadonlyMap<string, Value>;
  readonly statics: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** How many nodes read a value, outputs counted as one. */
  readonly readers: ReadonlyMap<string, number>;
  /** Values that are whole numbers in the file; here all are real ones. */
  readonly integers: ReadonlySet<string>;
}

/** A node with what it reads. */
export class Call {
  readonly node: Node;
  readonly builder: LayerBuilder;
  readonly #sources: Sources;

  constructor(node: Node, builder: LayerBuilder, sources: Sources) {
    this.node = node;
    this.builder = builder;
    this.#sources = sources;
  }

  /** Whether input `i` is there. */
  has(i: number): boolean {
    return (this.node.inputs[i] ?? "") !== "";
  }

  /** Returns what input `i` holds if it is constant. */
  constant(i: number): Tensor | undefined {
    return this.#sources.statics.get(this.node.inputs[i] ?? "");
  }

  /** Returns the elements of input `i`, which has to be constant if it is there. */
  reals(i: number, what: string): Float32Array {
    return realsOf(this.constant(i) ?? refuse(`its ${what} is computed, a constant is needed`));
  }

  /** Returns input `i` as whole numbers; undefined if it is not there. */
  integers(i: number, what: string): readonly number[] | undefined {
    return this.has(i) ? Array.from(this.reals(i, what)) : undefined;
  }

  /** Returns input `i`, which has to be computed. */
  value(i: number): Value {
    const name = this.node.inputs[i] ?? "";
    return this.#sources.values.get(name) ?? refuse(`its input ${i} is a constant, it has nothing to compute`);
  }

  /** Whether input `i` is computed. */
  isValue(i: number): boolean {
    return this.#sources.values.has(this.node.inputs[i] ?? "");
  }

  /** Whether a value of this name is read by a node, or is an output. */
  isRead(name: string): boolean {
    return (this.#sources.readers.get(name) ?? 0) > 0;
  }

  /** How many nodes read input `i`. */
  readersOf(i: number): number {
    return this.#sources.readers.get(this.node.inputs[i]) ?? 0;
  }

  /** Whether input `i` is of whole numbers. */
  isInteger(i: number): boolean {
    return this.#sources.integers.has(this.node.inputs[i] ?? "");
  }

  /** An axis of an attribute, of a value of `rank` axes, counted from the first. */
  axis(otherwise: number, rank: number): number {
    const asked = this.number("axis", otherwise);
    return asked < 0 ? asked + rank : asked;
  }

  /** The shape of input `i`. */
  inputShape(i: number): readonly number[] {
    return this.#sources.shapes.get(this.node.inputs[i]) ?? refuse(`the shape of its input ${i} is unknown`);
  }

  /** The shape of output `i`. */
  outputShape(i = 0): readonly number[] {
    return this.#sources.shapes.get(this.node.outputs[i]) ?? refuse(`the shape of its output ${i} is unknown`);
  }

  /** An attribute that is a number. */
  number(key: string, otherwise: number): number {
    const value = this.node.attrs[key];
    return typeof value === "number" ? value : otherwise;
  }

  /** An attribute that is a list of numbers. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.node.attrs[key];
    return isNumbers(value) ? value : undefined;
  }

  /** An attribute that is a text. */
  text(key: string, otherwise: string): string {
    const value = this.node.attrs[key];
    return typeof value === "string" ? value : otherwise;
  }

  /** A value that a layer gives, stored in `order`. */
  gives(name: string, order: readonly number[], more: Partial<Value> = {}): Value {
    return { shape: this.outputShape(), order, read: () => name, ...more };
  }
}

function isNumbers(value: Attr | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === "number");
}

/** Returns the elements of a constant as real numbers. */
export function realsOf({ dtype, data, shape }: Tensor): Float32Array {
  if (dtype === "float16" && data instanceof Uint16Array) return fromHalf(data);
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => Number(data[i]));
}
