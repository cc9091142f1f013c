/** Values that observers are tried on, as batches: ordinary ones, one value, constants, none below 0, far outliers, tiny ones. */
import fc from "fast-check";
import { type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";

const between = (min: number, max: number) => fc.float({ min: Math.fround(min), max: Math.fround(max), noNaN: true });

/** Many values of one number or a few. */
const few = fc.array(fc.constantFrom(0, 1, -1, 0.1, 2.5, -7, 255), { minLength: 1, maxLength: 3 })
  .chain((of) => fc.array(fc.constantFrom(...of), { minLength: 1, maxLength: 200 }));

const list = (value: fc.Arbitrary<number>) => fc.array(value, { minLength: 1, maxLength: 300 });

const values = fc.oneof(
  list(between(-3, 3)),
  list(between(0, 6)),
  list(between(-8, 0)),
  few,
  list(between(-1e-30, 1e-30)),
  list(fc.oneof({ weight: 100, arbitrary: between(-1, 1) }, { weight: 1, arbitrary: between(-1e6, 1e6) })),
  list(fc.oneof({ weight: 100, arbitrary: between(0, 1) }, { weight: 1, arbitrary: fc.constant(1e30) })),
  list(fc.integer({ min: 0, max: 255 })),
);

/** Batches of such values. */
export const batches: fc.Arbitrary<Float32Array[]> = fc.array(values.map((list) => Float32Array.from(list)), {
  minLength: 1,
  maxLength: 3,
});

/** Schemes: affine and symmetric, signed and unsigned, of eight bits, seven and four. */
export const schemes: fc.Arbitrary<QuantScheme> = fc.constantFrom<QuantScheme>(
  UINT8_AFFINE,
  { ...UINT8_AFFINE, dtype: "int8", qmin: -128, qmax: 127 },
  { ...UINT8_AFFINE, span: 127 },
  { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 },
  { ...UINT8_AFFINE, dtype: "int8", qmin: -127, qmax: 127, symmetric: true },
  { ...UINT8_AFFINE, dtype: "int4", qmin: -7, qmax: 7, symmetric: true },
  { ...UINT8_AFFINE, qmin: 1, symmetric: true },
);

/** Returns all values of batches in one list. */
export function joined(batches: readonly Float32Array[]): Float32Array {
  return Float32Array.from(batches.flatMap((batch) => [...batch]));
}
