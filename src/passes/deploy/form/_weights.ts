/** The constants of a float graph as integers: which they are, and how they are rounded. */
import { quantizeLinear } from "../../../numbers/quantize.ts";
import { computeQParams } from "../../../numbers/qparams.ts";
import { perChannel, type QuantScheme } from "../../../numbers/scheme.ts";
import { type Node, sizeOf, type Tensor } from "../../../onnx/graph.ts";
import type { Index } from "../../../onnx/index.ts";
import type { GraphWriter } from "../../../onnx/writer.ts";

/** Names of codes, and of their scales and zero points, one for each slice along an axis. */
export interface IntegerNames {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** A product x · W with a constant W [k, n], as `plainProducts` leaves it. */
export interface Product {
  /** Name of x […, k]. */
  readonly x: string;
  /** Name of W. */
  readonly w: string;
  readonly matrix: Tensor;
  /** Name of what is added to the product; absent: nothing. */
  readonly bias?: string;
}

/** Reads `node` as a product with a constant matrix; undefined if it is anything else. */
export function productOf({ op, inputs: [x, w, bias], attrs }: Node, { constant }: Index): Product | undefined {
  if (op !== "MatMul" && op !== "Gemm") return undefined;
  const matrix = constant(w);
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = attrs;
  const isPlain = alpha === 1 && beta === 1 && transA === 0 && transB === 0;
  if (matrix?.dtype !== "float32" || matrix.shape.length !== 2 || !isPlain || constant(x) !== undefined) {
    return undefined;
  }
  return { x, w, matrix, ...(bias ? { bias } : {}) };
}

/** Appends what is added to a product, as the last node, which has the output of `node`. */
export function emitBias(out: GraphWriter, node: Node, product: string, bias: string): void {
  out.emit("Add", [product, bias], { output: node.outputs[0], like: node });
}

/** Rounds constants to integers and adds them to a graph, each once however many nodes read it. */
export class IntegerConstants {
  readonly #known = new Map<string, IntegerNames>();

  /**
   * @param out The graph that is written.
   * @param scheme Symmetric codes of int8; one scale for each slice, whatever granularity it names.
   */
  constructor(readonly out: GraphWriter, readonly scheme: QuantScheme) {}

  /**
   * Returns constant `name` as codes with one scale for each slice along `axis`.
   *
   * @param form `dtype`: see `storedAs`. Default int8.
   * @throws {RangeError} If an element is NaN or infinite.
   */
  along(
    axis: number,
    name: string,
    form: { readonly tensor: Tensor; readonly dtype?: Stored["dtype"] },
  ): IntegerNames {
    const { tensor, dtype = "int8" } = form;
    const key = `${axis} ${dtype} ${tensor.shape} ${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { codes, scale } = roundedAlong(axis, { name, tensor, scheme: this.scheme });
    const { data, zeros } = storedAs(dtype, { codes, scale });
    const names = {
      codes: this.out.constant(`${name}_codes`, dtype, tensor.shape, data),
      scale: this.out.constant(`${name}_scale`, "float32", [scale.length], scale),
      zeroPoint: this.out.constant(`${name}_zero_point`, dtype, [scale.length], zeros),
    };
    this.#known.set(key, names);
    return names;
  }
}

/** Codes of int8 and their scales. */
interface Rounded {
  readonly codes: Int8Array;
  readonly scale: Float32Array;
}

/**
 * Rounds a tensor to symmetric int8 codes with one scale for each slice along `axis`: its largest magnitude over the
 * greatest code.
 *
 * @throws {RangeError} If an element is NaN or infinite.
 */
export function roundedAlong(axis: number, { name, tensor, scheme }: {
  readonly name: string;
  readonly tensor: Tensor;
  readonly scheme: QuantScheme;
}): Rounded {
  const { shape } = tensor;
  const data = finiteElements(name, tensor);
  const inner = sizeOf(shape.slice(axis + 1));
  const largest = new Float32Array(shape[axis]);
  for (let i = 0, from = 0; from < data.length; i++, from += inner) {
    const channel = i % largest.length;
    for (let k = from; k < from + inner; k++) largest[channel] = Math.max(largest[channel], Math.abs(data[k]));
  }
  const scale = largest.map((most) => computeQParams({ min: -most, max: most }, scheme).scale);
  const grid = { ...scheme, scale, zeroPoint: 0, granularity: perChannel(axis) };
  // Codes within int8, which is the narrowest type that holds them.
  return { codes: quantizeLinear(data, grid, { shape }) as Int8Array, scale };
}

/** Codes as a file has them. */
interface Stored {
  readonly dtype: "int8" | "uint8";
  readonly data: Int8Array | Uint8Array;
  /** A zero point for each scale. */
  readonly zeros: Int8Array | Uint8Array;
}

/**
 * Returns symmetric codes as int8 around 0, or as uint8 around 128.
 *
 * The latter is for weights that several nodes multiply with on integers: where a session is asked for exact products
 * (x64quantprecision), ONNX Runtime 1.30 makes uint8 of int8 codes itself, once for each reader, and fails at the second.
 */
export function storedAs(dtype: Stored["dtype"], { codes, scale }: Rounded): Stored {
  if (dtype === "int8") return { dtype, data: codes, zeros: new Int8Array(scale.length) };
  const data = Uint8Array.from(codes, (code) => code + 128);
  return { dtype, data, zeros: new Uint8Array(scale.length).fill(128) };
}

/** @throws {RangeError} If an element is NaN or infinite. */
export function finiteElements(name: string, { data }: Tensor): Float32Array {
  const values = data as Float32Array;
  // A loop: weights have millions of them.
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(`Cannot round constant "${name}": element ${i} is ${values[i]}, finite numbers are needed`);
    }
  }
  return values;
}

/** Swaps the two axes of a matrix. */
export function transposedTensor({ dtype, shape: [rows, columns], data }: Tensor): Tensor {
  const result = data.slice();
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  }
  return { dtype, shape: [columns, rows], data: result };
}

/** Whether int8 codes of `tensor`, with a scale for each slice along `axis`, take fewer bytes than float32 does. */
export function savesBytes({ shape, data }: Tensor, axis: number): boolean {
  return data.length + 5 * shape[axis] < 4 * data.length;
}
