import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHalf, LARGEST_HALF, LEAST_NORMAL_HALF, lossesOfHalf, toHalf } from "./half.ts";

/** The number that bits of IEEE 754 half precision stand for, by the definition. */
function valueOf(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

Deno.test("fromHalf() reads every bit pattern as its definition says", () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const values = fromHalf(all);
  all.forEach((bits) => assert.ok(Object.is(values[bits], valueOf(bits)), `${bits} is ${values[bits]}`));
  assert.deepEqual(fromHalf(all.subarray(15360, 15361)), Float32Array.of(1));
});

Deno.test("toHalf() rounds to the nearest, ties to even, and to infinity half a step beyond the largest", () => {
  const numbers = [
    1,
    -2,
    0.1,
    65504,
    65519,
    65520,
    -1e9,
    2 ** -14,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
  ];
  assert.deepEqual([...toHalf(Float32Array.from(numbers))].map(valueOf), [
    1,
    -2,
    0.0999755859375,
    65504,
    65504,
    Infinity,
    -Infinity,
    2 ** -14,
    2 ** -24,
    0,
    2 ** -24,
    1,
    1 + 2 ** -9,
  ]);
  assert.deepEqual([valueOf(0x7bff), valueOf(0x0400)], [LARGEST_HALF, LEAST_NORMAL_HALF]);
});

Deno.test("lossesOfHalf() counts what becomes infinite, loses bits and becomes 0", () => {
  const edges = fc.constantFrom(
    65504,
    65519,
    65520,
    2 ** -14,
    2 ** -14 * 0.999,
    2 ** -24,
    2 ** -25,
    2 ** -25 * 1.001,
    0,
  );
  const numbers = fc.array(fc.oneof(edges, fc.float({ noNaN: true, noDefaultInfinity: true })).map(Math.fround));
  fc.assert(fc.property(numbers, (list) => {
    const half = [...toHalf(Float32Array.from(list))].map(valueOf);
    const infinite = list.filter((_, i) => !Number.isFinite(half[i])).map(Math.abs);
    assert.deepEqual(lossesOfHalf(Float32Array.from(list)), {
      beyond: Math.max(0, ...infinite),
      subnormal: list.filter((x) => x !== 0 && Math.abs(x) < 2 ** -14).length,
      vanished: list.filter((x, i) => x !== 0 && half[i] === 0).length,
    });
  }));
});
