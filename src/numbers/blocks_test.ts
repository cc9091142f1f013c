import assert from "node:assert/strict";
import fc from "fast-check";
import { type Blocks, type BlockScheme, faultOfBlockSize, quantizeBlocks } from "./blocks.ts";

/** Reads a packed code: of two in a byte the first has the lower half. */
function codeAt(bytes: Uint8Array, at: number, bits: number): number {
  return bits === 8 ? bytes[at] : (bytes[at >> 1] >> (at % 2 === 0 ? 0 : 4)) & 15;
}

/** The formula of MatMulNBits, element by element. */
function dequantized(
  { codes, scales, zeroPoints, count }: Blocks,
  [k, n]: readonly [number, number],
  { bits, size }: BlockScheme,
): readonly number[] {
  const zeroRow = bits === 8 ? count : 2 * Math.ceil(count / 2);
  return Array.from({ length: k * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    const block = Math.floor(row / size);
    const code = codeAt(codes, column * count * size + row, bits);
    const zero = zeroPoints === undefined ? 2 ** (bits - 1) : codeAt(zeroPoints, column * zeroRow + block, bits);
    return (code - zero) * scales[column * count + block];
  });
}

Deno.test("quantizeBlocks() packs two codes a byte, column by column, and fills the last block with zeros", () => {
  const scheme = { bits: 4, size: 16, symmetric: true } as const;
  // One column of 17: −8 … 7 is exact with scale 1; the second block holds −4, whose outermost code is 0.
  const matrix = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, -4];
  const blocks = quantizeBlocks(matrix, [17, 1], scheme);
  assert.equal(blocks.count, 2);
  assert.deepEqual(blocks.scales, Float32Array.of(1, 0.5));
  assert.deepEqual([...blocks.codes.slice(0, 8)], [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
  assert.deepEqual([...blocks.codes.slice(8)], [0x80, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88]);
  assert.equal(blocks.zeroPoints, undefined);
});

Deno.test("quantizeBlocks() turns the grid around where the largest number is positive", () => {
  const blocks = quantizeBlocks([8, -7, 0, 3], [4, 1], { bits: 4, size: 16, symmetric: true });
  assert.equal(blocks.scales[0], -1);
  assert.deepEqual([...blocks.codes.slice(0, 2)], [0xf0, 0x58]);
});

Deno.test("quantizeBlocks() gives every block a code for 0 that is not symmetric", () => {
  const blocks = quantizeBlocks([0, 1, 2, 15, 30, 7, -5, 10], [4, 2], { bits: 4, size: 16, symmetric: false });
  // Columns 0, 2, 30, −5 and 1, 15, 7, 10.
  assert.deepEqual(blocks.scales, Float32Array.of(Math.fround(35 / 15), 1));
  assert.deepEqual([...blocks.zeroPoints!], [2, 0]);
  assert.deepEqual([...blocks.codes.slice(8, 10)], [0xf1, 0xa7]);
});

const schemes = fc.record({
  bits: fc.constantFrom<4 | 8>(4, 8),
  size: fc.constantFrom(16, 32, 64, 128, 256),
  symmetric: fc.boolean(),
});

Deno.test("quantizeBlocks() is never more than a step off, whatever the shape", () => {
  const columns = fc.integer({ min: 1, max: 5 }).chain((n) =>
    fc.tuple(fc.constant(n), fc.integer({ min: 1, max: 70 })).chain(([n, k]) =>
      fc.record({
        shape: fc.constant([k, n] as const),
        matrix: fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: k * n, maxLength: k * n }),
      })
    )
  );
  fc.assert(
    fc.property(columns, schemes, ({ shape, matrix }, scheme) => {
      const blocks = quantizeBlocks(matrix, shape, scheme);
      const real = dequantized(blocks, shape, scheme);
      for (let i = 0; i < matrix.length; i++) {
        const [row, column] = [Math.floor(i / shape[1]), i % shape[1]];
        const step = Math.abs(blocks.scales[column * blocks.count + Math.floor(row / scheme.size)]);
        // The one side of a symmetric grid is a step longer than the other; an affine one may be moved by half a step.
        const reach = scheme.symmetric ? 1 : 1 + 1e-3;
        assert.ok(Math.abs(real[i] - matrix[i]) <= step * reach + 1e-6, `${matrix[i]} became ${real[i]}`);
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});

Deno.test("quantizeBlocks() loses no more in a symmetric block than scales of the largest magnitude over 7 or -8 do", () => {
  const values = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(values, (matrix) => {
      const scheme = { bits: 4, size: 16, symmetric: true } as const;
      const most = matrix.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0);
      const errorOf = (scale: number) =>
        matrix.reduce((sum, x) => {
          const code = scale === 0 ? 0 : Math.min(7, Math.max(-8, Math.round(x / scale)));
          return sum + (code * scale - x) ** 2;
        }, 0);
      const real = dequantized(quantizeBlocks(matrix, [16, 1], scheme), [16, 1], scheme);
      const error = matrix.reduce((sum, x, i) => sum + (real[i] - x) ** 2, 0);
      const others = [errorOf(most / -8), errorOf(Math.abs(most) / 7)];
      assert.ok(error <= Math.min(...others) * (1 + 1e-5) + 1e-12, `${error} against ${others}`);
    }),
    { numRuns: 200, seed: 4 },
  );
});

Deno.test("faultOfBlockSize() takes powers of 2 from 16 to 256", () => {
  const sizes = [0, 1, 8, 16, 24, 32, 64, 128, 256, 512, -16, 16.5, NaN, Infinity];
  assert.deepEqual(sizes.filter((size) => faultOfBlockSize(size) === undefined), [16, 32, 64, 128, 256]);
});
