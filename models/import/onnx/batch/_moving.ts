/** A node of which a value has its batch elsewhere than first, on its way to one whose values all have it first. */
import type { Attrs, Node, Tensor } from "../../../../src/onnx/graph.ts";
import { realsOf, refuse } from "../_call.ts";
import type { Batch } from "../_value.ts";
import { constantFirst, isSameBatch, type Placed, samplesOf, shapeFirst } from "./_place.ts";

/** What is known of a graph's values. */
export interface Known {
  /** Where values that are computed have their batch. */
  readonly places: ReadonlyMap<string, Placed>;
  readonly statics: ReadonlyMap<string, Tensor>;
  /** As they are in the file. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** What a node becomes. */
export interface Moved {
  /** Where each output has its batch in the file. */
  readonly batches: readonly Batch[];
  /** Default: as they are. */
  readonly op?: string;
  readonly inputs?: readonly string[];
  readonly attrs?: Attrs;
}

/** A node, what it reads, and what has to be added for it. */
export class Moving {
  readonly node: Node;
  /** Nodes that bring what it reads into another form. */
  readonly added: Node[] = [];
  /** Constants that it reads then. */
  readonly constants = new Map<string, Tensor>();
  /** Shapes of values that the added nodes give, the batch first. */
  readonly shapes = new Map<string, readonly number[]>();
  readonly #known: Known;

  constructor(node: Node, known: Known) {
    this.node = node;
    this.#known = known;
  }

  /** Returns where input `i` has its batch; undefined if it is constant, or not there. */
  placed(i: number): Placed | undefined {
    return this.#known.places.get(this.node.inputs[i] ?? "");
  }

  /** Returns input `i`, which has to be computed. */
  value(i: number): Placed {
    return this.placed(i) ?? refuse(`its input ${i} is a constant`);
  }

  /** Returns what input `i` holds if it is constant. */
  constant(i: number): Tensor | undefined {
    return this.#known.statics.get(this.node.inputs[i] ?? "");
  }

  /** Returns input `i` as whole numbers; undefined if it is not there. */
  integers(i: number, what: string): readonly number[] | undefined {
    if ((this.node.inputs[i] ?? "") === "") return undefined;
    return Array.from(realsOf(this.constant(i) ?? refuse(`its ${what} are computed, constants are needed`)));
  }

  /** An attribute that is a number. */
  number(key: string, otherwise: number): number {
    const value = this.node.attrs[key];
    return typeof value === "number" ? value : otherwise;
  }

  /** The shape of output `i` in the file. */
  output(i = 0): readonly number[] {
    return this.#known.shapes.get(this.node.outputs[i] ?? "") ?? refuse(`the shape of its output ${i} is unknown`);
  }

  /** Adds a constant, and returns its name. */
  define(tensor: Tensor): string {
    const name = `${this.node.name}_first_${this.constants.size}`;
    this.constants.set(name, tensor);
    return name;
  }

  /** Adds a list of whole numbers, and returns its name. */
  list(values: readonly number[]): string {
    return this.define({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** Returns the name of input `i` in the form of a value of `form`'s rank, with its batch where that one's is. */
  read(i: number, form: Placed): string {
    const name = this.node.inputs[i];
    const value = this.placed(i);
    if (value === undefined) return this.#constant(i, form);
    const own = asForm(value, form) ??
      refuse(`its input ${i} [${value.shape}] has its samples in axis ${value.batch.axis}, where others have none`);
    const [from, to] = [shapeFirst(value), shapeFirst(own)];
    if (from.join() === to.join()) return name;
    const output = `${name}_as_${this.node.name}`;
    this.added.push({ op: "Reshape", name: output, inputs: [name], outputs: [output], attrs: {} });
    this.shapes.set(output, to);
    return output;
  }

  #constant(i: number, form: Placed): string {
    const name = this.node.inputs[i] ?? "";
    const tensor = this.constant(i);
    if (tensor === undefined) return name;
    if (tensor.shape.length > form.shape.length) refuse(`it joins [${form.shape}] and a constant [${tensor.shape}]`);
    const laid = constantFirst(tensor, form) ?? refuse(`its constant [${tensor.shape}] differs by sample`);
    return laid === tensor ? name : this.define(laid);
  }
}

/**
 * Returns a value with as many axes as `form`, those that it lacks in front, and the batch of that.
 *
 * @returns undefined if its samples are elsewhere. A single one may be taken for any axis of one element.
 */
export function asForm(value: Placed, { shape, batch }: Placed): Placed | undefined {
  const missing = shape.length - value.shape.length;
  const padded = [...new Array<number>(missing).fill(1), ...value.shape];
  const isThere = isSameBatch(shiftedBatch(value.batch, missing), batch);
  const isAnywhere = samplesOf(value) === 1 && padded[batch.axis] === batch.before * batch.after;
  return isThere || isAnywhere ? { shape: padded, batch } : undefined;
}

/** The batch of a value with `by` more axes in front. */
export function shiftedBatch(batch: Batch, by: number): Batch {
  return { ...batch, axis: batch.axis + by };
}
