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
  for (let c = 0; c < n; c++) {
    for (let b = 0; b < count; b++) {
      const values = Array.from({ length: Math.min(size, k - b * size) }, (_, i) => matrix[(b * size + i) * n + c]);
      const block = roundBlock(values, scheme);
      const at = c * count + b;
      scales[at] = block.scale;
      for (let i = 0; i < size; i++) pack(codes, { at: at * size + i, code: block.codes[i] ?? block.zero, bits });
      pack(zeroPoints, { at: c * zeroRow * perByte + b, code: block.zero, bits });
    }
  }
  return { codes, scales, count, ...(symmetric ? {} : { zeroPoints }) };
}

function pack(
  bytes: Uint8Array,
  { at, code, bits }: { readonly at: number; readonly code: number; readonly bits: number },
) {
  const perByte = 8 / bits;
  bytes[Math.floor(at / perByte)] |= code << (at % perByte * bits);
}

interface Block {
  readonly scale: number;
  readonly zero: number;
  readonly codes: readonly number[];
}

function roundBlock(values: readonly number[], { bits, symmetric }: BlockScheme): Block {
  const qmax = 2 ** bits - 1;
  const lo = Math.min(0, ...values);
  const hi = Math.max(0, ...values);
  if (!symmetric) {
    const scale = scaleOf(hi - lo, qmax);
    return withCodes(values, { scale, zero: clampCode(roundHalfEven(-lo / scale), { qmin: 0, qmax }), qmax });
  }
  const zero = 2 ** (bits - 1);
  const most = Math.max(-lo, hi);
  // A negative scale turns the grid around: its longer side then lies where the largest magnitude does.
  const outermost = scaleOf(most, zero) * (hi > -lo ? -1 : 1);
  const grids = [outermost, scaleOf(most, zero - 1)].map((scale) => withCodes(values, { scale, zero, qmax }));
  return errorOf(values, grids[0]) <= errorOf(values, grids[1]) ? grids[0] : grids[1];
}

function scaleOf(width: number, steps: number): number {
  return Math.max(Math.fround(width / steps), LEAST_SCALE);
}

function withCodes(values: readonly number[], { scale, zero, qmax }: {
  readonly scale: number;
  readonly zero: number;
  readonly qmax: number;
}): Block {
  const codes = values.map((x) => clampCode(roundHalfEven(x / scale) + zero, { qmin: 0, qmax }));
  return { scale, zero, codes };
}

function errorOf(values: readonly number[], { scale, zero, codes }: Block): number {
  return values.reduce((sum, x, i) => sum + ((codes[i] - zero) * scale - x) ** 2, 0);
}
