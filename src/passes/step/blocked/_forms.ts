/**
 * The forms of values while channels go into blocks.
 *
 * With blocks of b channels, a value [n, c, h, w] is held as [n, ⌈c/b⌉, h, w, b]; channels beyond c mean nothing, and hold
 * what operators make of the zeros that they are filled up with. Such a value is declared [n, b·⌈c/b⌉, h, w], as ONNX
 * Runtime's own operators on it declare it.
 */
import type { DType } from "../../../numbers/dtype.ts";
import { sizeOf } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import type { Index } from "../../../onnx/index.ts";
import type { GraphWriter } from "../../../onnx/writer.ts";
import { isWorthGathering, moveOf, placesAfter } from "./_chunks.ts";

/**
 * What stands in channels that do not count: zeros, numbers, or anything, NaN and infinities among it.
 *
 * Operators that keep channels apart may make anything of them. A sum over channels multiplies them by 0, which makes 0 of
 * numbers only.
 */
export type Padding = "zero" | "finite" | "any";

/** Which forms of each value exist so far: plain under its own name, blocked under another. */
export class BlockedForms {
  readonly #blocked = new Map<string, string>();
  readonly #blockedOnly = new Set<string>();
  readonly #padding = new Map<string, Padding>();
  /** Names of the constants that hold places, by the places. */
  readonly #places = new Map<string, string>();

  /**
   * @param out The graph being written.
   * @param index The wiring of the graph that is read.
   * @param block Channels a block.
   */
  constructor(readonly out: GraphWriter, readonly index: Index, readonly block: number) {}

  /** Whether `name` is held in blocks already. */
  isBlocked(name: string): boolean {
    return this.#blocked.has(name);
  }

  /** Whether `name` is held in blocks, of which the last is not full. */
  isPadded(name: string): boolean {
    return this.#blocked.has(name) && this.shapeOf(name)[1] % this.block !== 0;
  }

  /** What the channels of `name` that do not count hold, or would hold in blocks. */
  paddingOf(name: string): Padding {
    return this.isPadded(name) ? this.#padding.get(name) ?? "zero" : "zero";
  }

  /**
   * What the elements of an operand are that stand beside channels that do not count.
   *
   * One number for all of them is a number for these; of a computed one it is not known which.
   */
  operandPadding(name: string): Padding {
    if (name === "" || this.#blocked.has(name)) return this.paddingOf(name);
    const { shape, constant } = this.out.typeOf(name);
    if (sizeOf(shape) !== 1) return "zero";
    const value = Number(constant?.data[0] ?? NaN);
    return value === 0 ? "zero" : Number.isFinite(value) ? "finite" : "any";
  }

  /** Returns the shape of a value in plain form. */
  shapeOf(name: string): readonly number[] {
    return this.out.typeOf(name).shape;
  }

  /** Rounds a number of channels up to whole blocks. */
  roundUp(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  /** Whether rounding up leaves most of the work useful: at least two of three channels. */
  isWorthwhile(channels: number): boolean {
    return 3 * channels >= 2 * this.roundUp(channels);
  }

  /** Returns the shape under which a value's blocked form is declared. */
  blockedShape(name: string): number[] {
    const [n, channels, ...spatial] = this.shapeOf(name);
    return [n, this.roundUp(channels), ...spatial];
  }

  /** Notes that the next node computes `name` in blocks, and returns the name of that form. */
  defineBlocked(name: string, padding: Padding): string {
    const blocked = this.out.fresh(`${name}_b`);
    this.out.types.set(blocked, { dtype: this.out.typeOf(name).dtype, shape: this.blockedShape(name) });
    this.#blocked.set(name, blocked);
    this.#blockedOnly.add(name);
    this.#padding.set(name, padding);
    return blocked;
  }

  /** Returns the name of a value in plain form, computing it if it has only the other. */
  plain(name: string): string {
    if (!this.#blockedOnly.has(name)) return name;
    this.#blockedOnly.delete(name);
    const { dtype, shape } = this.out.typeOf(name);
    const blocked = this.#blocked.get(name)!;
    const [, channels, ...spatial] = shape;
    // Of one pixel, blocks are the channels in order.
    if (sizeOf(spatial) === 1) return this.first(blocked, { axis: 1, count: channels }, name);
    const float = this.#as(blocked, "float32");
    const target = dtype === "float32" ? name : this.out.fresh(`${name}_float`);
    this.out.place("ReorderOutput", [float], {
      domain: BLOCKED_DOMAIN,
      attrs: { channels },
      type: { dtype: "float32", shape },
      output: target,
    });
    return target === name ? name : this.out.emit("Cast", [target], { attrs: { to: CODES[dtype]! }, output: name });
  }

  /** Returns the name of a value's blocked form, computing it if it has only the plain one. */
  blocked(name: string): string {
    const known = this.#blocked.get(name);
    if (known !== undefined) return known;
    const { dtype } = this.out.typeOf(name);
    const shape = this.blockedShape(name);
    const channels = Math.ceil(this.shapeOf(name)[1] / REORDERED) * REORDERED;
    const filled = this.padEnd(this.#as(name, "float32"), 1, channels);
    const reordered = this.out.place("ReorderInput", [filled], {
      domain: BLOCKED_DOMAIN,
      type: { dtype: "float32", shape },
    });
    const blocked = this.#as(reordered, dtype);
    this.#blocked.set(name, blocked);
    return blocked;
  }

  /** The same for an operator that sums over channels: those that do not count hold numbers. */
  blockedToSum(name: string): string {
    if (this.paddingOf(name) === "any") {
      this.plain(name);
      this.#blocked.delete(name);
    }
    return this.blocked(name);
  }

  /** Views `name` in another shape of the same elements. */
  view(name: string, shape: readonly number[], output?: string): string {
    const options = output === undefined ? {} : { output };
    return this.out.emit("Reshape", [name, this.out.ints(`${name}_view`, shape)], options);
  }

  /** Views the blocked form of `name` with its blocks as a dimension of their own: [n, c/b, h, w, b]. */
  viewBlocks(name: string): string {
    const [n, channels, ...spatial] = this.blockedShape(name);
    return this.view(this.blocked(name), [n, channels / this.block, ...spatial, this.block]);
  }

  /** Fills up dimension `axis` of plain value `name` with zeros at its end. */
  padEnd(name: string, axis: number, size: number): string {
    const { shape } = this.out.typeOf(name);
    if (shape[axis] === size) return name;
    const pads = new Array<number>(2 * shape.length).fill(0);
    pads[shape.length + axis] = size - shape[axis];
    return this.out.emit("Pad", [name, this.out.ints(`${name}_pads`, pads)]);
  }

  /**
   * Permutes the dimensions of `name`.
   *
   * Where whole chunks move in something large, Gather does it: it has threads, Transpose has one.
   */
  transpose(name: string, perm: readonly number[], output?: string): string {
    const { shape } = this.out.typeOf(name);
    const move = moveOf(shape, perm);
    if (move.chunk < this.block || !isWorthGathering(move)) {
      return this.out.emit("Transpose", [name], { attrs: { perm }, ...(output === undefined ? {} : { output }) });
    }
    const chunks = this.view(name, [move.batch, sizeOf(move.moved), move.chunk]);
    return this.view(this.gather(chunks, placesAfter(move)), perm.map((axis) => shape[axis]), output);
  }

  /** Picks `places` along dimension 1 of `name`. */
  gather(name: string, places: Int32Array): string {
    const key = places.join();
    const known = this.#places.get(key) ?? this.out.constant("places", "int32", [places.length], places);
    this.#places.set(key, known);
    return this.out.emit("Gather", [name, known], { attrs: { axis: 1 } });
  }

  /** Leaves out what dimension `axis` of `name`, from the end if negative, holds beyond `count`. */
  first(name: string, { axis, count }: { readonly axis: number; readonly count: number }, output?: string): string {
    const bounds = [[0], [count], [axis]].map((values, i) => this.out.ints(`${name}_${i}`, values));
    if (this.shapeOf(name).at(axis) !== count) {
      return this.out.emit("Slice", [name, ...bounds], output === undefined ? {} : { output });
    }
    return output === undefined ? name : this.view(name, this.shapeOf(output), output);
  }

  /** ONNX Runtime reorders float32 alone. */
  #as(name: string, dtype: DType): string {
    if (this.out.typeOf(name).dtype === dtype) return name;
    return this.out.emit("Cast", [name], { attrs: { to: CODES[dtype]! } });
  }
}

/** ReorderInput takes channels by fours (nchwc_ops.cc). */
const REORDERED = 4;

/** TensorProto.DataType of the types that pictures come in. */
const CODES: Readonly<Partial<Record<DType, number>>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };
