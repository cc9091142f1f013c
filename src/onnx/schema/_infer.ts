/** What the rows of the schema tables are written with: dtype classes, attribute readers, shape rules. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs, Tensor } from "../graph.ts";
import type { InferInput, OpSchema, StaticType } from "./schema.ts";

/** Inputs as `infer` receives them. */
export type Inputs = readonly (InferInput | null)[];
/** Rows by operator. */
export type Rows = Readonly<Record<string, OpSchema>>;
type Shape = readonly number[];

export const FLOAT: readonly DType[] = ["float32", "float16", "float64"];
export const SIGNED: readonly DType[] = ["int8", "int16", "int32", "int64"];
export const UNSIGNED: readonly DType[] = ["uint8", "uint16", "uint32", "uint64"];
export const INTEGER: readonly DType[] = [...SIGNED, ...UNSIGNED];
export const NUMERIC: readonly DType[] = [...FLOAT, ...INTEGER];
export const ANY: readonly DType[] = [...NUMERIC, "bool"];
export const INDEX: readonly DType[] = ["int64", "int32"];
export const BYTES: readonly DType[] = ["uint8", "int8"];

/** Returns input `index`, which the operator requires, after a look at its dtype. */
export function need(inputs: Inputs, index: number, dtypes: readonly DType[] = ANY): InferInput {
  const input = inputs[index] ?? null;
  if (input === null) throw new TypeError(`input ${index} is missing`);
  if (!dtypes.includes(input.dtype)) {
    throw new TypeError(`input ${index} is ${input.dtype}, which is not one of ${dtypes.join(", ")}`);
  }
  return input;
}

/** Returns optional input `index`, or null where it is left out. */
export function maybe(inputs: Inputs, index: number, dtypes: readonly DType[] = ANY): InferInput | null {
  return (inputs[index] ?? null) === null ? null : need(inputs, index, dtypes);
}

/** Returns the dtype that all of `inputs` share. */
export function sameDtype(inputs: readonly (StaticType | null)[]): DType {
  const present = inputs.filter((input) => input !== null);
  const dtype = present[0].dtype;
  if (present.some((input) => input.dtype !== dtype)) {
    throw new TypeError(`dtypes ${present.map((input) => input.dtype).join(", ")} differ`);
  }
  return dtype;
}

/** Returns the shape that `shapes` broadcast to (ONNX multidirectional broadcasting). */
export function broadcast(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (let i = 0; i < shape.length; i++) {
      const have = result[offset + i];
      if (shape[i] === have || shape[i] === 1) continue;
      if (have !== 1) throw new TypeError(`${shapes.map((s) => `[${s}]`).join(" and ")} do not broadcast`);
      result[offset + i] = shape[i];
    }
  }
  return result;
}

/** Checks that `shape` broadcasts to `target` and does not enlarge it. */
export function broadcastsTo(shape: Shape, target: Shape): void {
  if (!equalShapes(broadcast(shape, target), target)) {
    throw new TypeError(`[${shape}] does not broadcast to [${target}]`);
  }
}

/** Whether two shapes are the same. */
export function equalShapes(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Checks that an input's rank is within `[min, max]`. */
export function rankOf(input: StaticType, min: number, max = Infinity): number {
  const rank = input.shape.length;
  if (rank < min || rank > max) throw new TypeError(`[${input.shape}] has rank ${rank}, needed is ${span(min, max)}`);
  return rank;
}

function span(min: number, max: number): string {
  if (max === Infinity) return `at least ${min}`;
  return min === max ? `${min}` : `${min} to ${max}`;
}

/** Checks that an input is a vector of `length` elements. */
export function vectorOf(input: StaticType, length: number, what: string): void {
  if (!equalShapes(input.shape, [length])) {
    throw new TypeError(`${what} has shape [${input.shape}], needed is [${length}]`);
  }
}

/** Checks that an input is a scalar or has one element. */
export function scalarOf(input: StaticType | null, what: string): void {
  if (input !== null && product(input.shape) !== 1) {
    throw new TypeError(`${what} has shape [${input.shape}], not one element`);
  }
}

/** Returns `axis` counted from the front, after a check that it is within `rank`. */
export function axisOf(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new TypeError(`axis ${axis} is outside [${-rank}, ${rank})`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Returns `axes` counted from the front, after a check that none is named twice. */
export function axesOf(axes: readonly number[], rank: number): number[] {
  const positive = axes.map((axis) => axisOf(axis, rank));
  if (new Set(positive).size !== positive.length) throw new TypeError(`axes [${axes}] name one axis twice`);
  return positive;
}

/** Returns the product of `dims`, 1 for none. */
export function product(dims: Shape): number {
  return dims.reduce((a, b) => a * b, 1);
}

/** Returns number attribute `name`, or `fallback` where it is absent. */
export function numberAttr(attrs: Attrs, name: string, fallback?: number): number {
  const value = attrs[name] ?? fallback;
  if (typeof value !== "number") throw new TypeError(`attribute "${name}" is ${shown(value)}, needed is a number`);
  return value;
}

/** Returns list attribute `name`, or undefined where it is absent. */
export function listAttr(attrs: Attrs, name: string): readonly number[] | undefined {
  const value = attrs[name];
  if (value === undefined) return undefined;
  if (!isNumbers(value)) throw new TypeError(`attribute "${name}" is ${shown(value)}, needed is a list of numbers`);
  return value;
}

/** Returns string attribute `name`, which must be one of `allowed`; the first of them where it is absent. */
export function stringAttr(attrs: Attrs, name: string, allowed: readonly string[]): string {
  const value = attrs[name] ?? allowed[0];
  if (typeof value !== "string" || !allowed.includes(value)) {
    throw new TypeError(`attribute "${name}" is ${shown(value)}, needed is one of ${allowed.join(", ")}`);
  }
  return value;
}

function isNumbers(value: Attrs[string]): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

/** Returns the elements of an input that shape inference must know. */
export function constantOf(input: InferInput, what: string): number[] {
  if (input.constant === undefined) throw new TypeError(`${what} must be a constant for the shape to be known`);
  return numbersOf(input.constant);
}

/** Returns a tensor's elements as numbers. */
export function numbersOf(tensor: Tensor): number[] {
  return Array.from<number | bigint, number>(tensor.data as Float32Array, Number);
}

/** The trait of a row whose operator gives elements of its first input. */
export const MOVES: Pick<OpSchema, "traits"> = { traits: { movement: true } };

/** The type of the first input, unchanged. */
export function sameAsFirst(inputs: Inputs): StaticType {
  const { dtype, shape } = need(inputs, 0);
  return { dtype, shape };
}
