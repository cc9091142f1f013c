/**
 * Weights in blocks: runs of a column share a scale, and codes of 4 bits share a byte.
 *
 * A matrix [k, n] is kept column by column, each in ⌈k / size⌉ blocks, the last one filled up with codes for 0:
 *
 *   real[i, c] = (code[c, i] − zero[c, ⌊i / size⌋]) · scale[c, ⌊i / size⌋]
 *
 * Source: operator MatMulNBits, microsoft/onnxruntime/docs/ContribOperators.md.
 */
import { clampCode } from "./codes.ts";
import { LEAST_SCALE } from "./qparams.ts";
import { roundHalfEven } from "./round.ts";

/** How a matrix is cut and rounded. */
export interface BlockScheme {
  /** Bits of a code. */
  readonly bits: 4 | 8;
  /** Rows of a block, a power of 2 from 16 to 256. */
  readonly size: number;
  /** Whether 0 is the middle code of every block; otherwise each block has its own code for it. */
  readonly symmetric: boolean;
}

/** A matrix in blocks. */
export interface Blocks {
  /** Codes packed into bytes, [n, blocks, size · bits / 8]; of two in a byte the first has the lower half. */
  readonly codes: Uint8Array;
  /** [n, blocks]. */
  readonly scales: Float32Array;
  /** Packed as codes are, each column beginning a byte, [n, ⌈blocks · bits / 8⌉]; absent where symmetric. */
  readonly zeroPoints?: Uint8Array;
  /** Blocks of a column. */
  readonly count: number;
}

/** Says what is wrong with the size of a block, as the end of a sentence; undefined if nothing is. */
export function faultOfBlockSize(size: number): string | undefined {
  const isPower = Number.isInteger(size) && (size & (size - 1)) === 0;
  return isPower && size >= 16 && size <= 256 ? undefined : `it is ${size}, needed is a power of 2 from 16 to 256`;
}

/**
 * Rounds a row-major matrix of finite numbers to blocks.
 *
 * A symmetric block's scale maps the number of the largest magnitude to the outermost negative code, or that magnitude to
 * the outermost positive one, whichever loses less. Otherwise its range, widened to contain 0, is spread over all codes.
 */
export function quantizeBlocks(
  matrix: ArrayLike<number>,
  [k, n]: readonly [number, number],
  scheme: BlockScheme,
): Blocks {
  const { bits, size, symmetric } = scheme;
  const count = Math.ceil(k / size);
  const perByte = 8 / bits;
  const scales = new Float32Array(n * count);
  const codes = new Uint8Array(n * count * size / perByte);
  const zeroRow = Math.ceil(count / perByte);
  const zeroPoints = new Uint8Array(n * zeroRow);
  const rounding = new BlockRounding(scheme);
  for (let c = 0; c < n; c++) {
    for (let b = 0; b < count; b++) {
      const rows = Math.min(size, k - b * size);
      for (let i = 0; i < rows; i++) rounding.values[i] = matrix[(b * size + i) * n + c];
      const { scale, zero } = rounding.round(rows);
      const at = c * count + b;
      scales[at] = scale;
      for (let i = 0; i < size; i++) pack(codes, at * size + i, { code: i < rows ? rounding.codes[i] : zero, bits });
      pack(zeroPoints, c * zeroRow * perByte + b, { code: zero, bits });
    }
  }
  return { codes, scales, count, ...(symmetric ? {} : { zeroPoints }) };
}

function pack(bytes: Uint8Array, at: number, { code, bits }: { readonly code: number; readonly bits: number }): void {
  if (bits === 8) bytes[at] = code;
  else bytes[at >> 1] |= code << (at & 1) * 4;
}

/** The scale of a block and its code for 0. */
interface BlockGrid {
  readonly scale: number;
  readonly zero: number;
}

/** Rounds one block after another in memory of its own: matrices have millions of them. */
class BlockRounding {
  /** What is rounded. */
  readonly values: Float64Array;
  /** What it became. */
  readonly codes: Uint8Array;
  readonly #scheme: BlockScheme;
  readonly #qmax: number;

  constructor(scheme: BlockScheme) {
    this.#scheme = scheme;
    this.#qmax = 2 ** scheme.bits - 1;
    this.values = new Float64Array(scheme.size);
    this.codes = new Uint8Array(scheme.size);
  }

  /** Rounds the first `rows` values. */
  round(rows: number): BlockGrid {
    let [lo, hi] = [0, 0];
    for (let i = 0; i < rows; i++) {
      lo = Math.min(lo, this.values[i]);
      hi = Math.max(hi, this.values[i]);
    }
    if (this.#scheme.symmetric) return this.#roundSymmetric(rows, { lo, hi });
    const scale = scaleOf(hi - lo, this.#qmax);
    const grid = { scale, zero: clampCode(roundHalfEven(-lo / scale), { qmin: 0, qmax: this.#qmax }) };
    this.#roundTo(grid, rows);
    return grid;
  }

  #roundSymmetric(rows: number, { lo, hi }: { readonly lo: number; readonly hi: number }): BlockGrid {
    const zero = 2 ** (this.#scheme.bits - 1);
    const most = Math.max(-lo, hi);
    // A negative scale turns the grid around: its longer side then lies where the largest magnitude does.
    const outermost = { scale: scaleOf(most, zero) * (hi > -lo ? -1 : 1), zero };
    const inner = { scale: scaleOf(most, zero - 1), zero };
    const innerError = this.#roundTo(inner, rows);
    if (this.#roundTo(outermost, rows) <= innerError) return outermost;
    this.#roundTo(inner, rows);
    return inner;
  }

  /** Rounds to a grid and returns the sum of squared errors. */
  #roundTo({ scale, zero }: BlockGrid, rows: number): number {
    let error = 0;
    for (let i = 0; i < rows; i++) {
      const code = Math.min(Math.max(roundHalfEven(this.values[i] / scale) + zero, 0), this.#qmax);
      this.codes[i] = code;
      error += ((code - zero) * scale - this.values[i]) ** 2;
    }
    return error;
  }
}

function scaleOf(width: number, steps: number): number {
  return Math.max(Math.fround(width / steps), LEAST_SCALE);
}
