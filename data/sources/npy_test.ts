import assert from "node:assert/strict";
import fc from "fast-check";
import { toHalf } from "../../src/numbers/half.ts";
import { npyBytes, type NpyFile } from "./_test_npy.ts";
import { parseNpy } from "./npy.ts";

const FILE = "x.npy";

function read(npy: NpyFile): readonly number[] {
  const { shape, numbers } = parseNpy(npyBytes(npy), FILE);
  assert.deepEqual(shape, npy.shape);
  return [...numbers(0, npy.values.length)];
}

Deno.test("parseNpy() reads every type of number in either order of bytes", () => {
  const forms: Readonly<Record<string, readonly number[]>> = {
    b1: [0, 1, 1],
    i1: [-128, 0, 127],
    u1: [0, 200, 255],
    i2: [-32768, 0, 32767],
    u2: [0, 1, 65535],
    i4: [-(2 ** 31), 7, 2 ** 31 - 1],
    u4: [0, 1, 2 ** 32 - 1],
    i8: [-(2 ** 53), -1, 2 ** 53],
    u8: [0, 1, 2 ** 53],
    f2: [-65504, 2 ** -24, 1.5],
    f4: [-1.5, Math.fround(1e38), Infinity],
    f8: [-1e308, Math.PI, NaN],
  };
  for (const [code, values] of Object.entries(forms)) {
    for (const order of ["<", ">", "|", "="]) {
      if (order === "|" && !/1$/.test(code)) continue;
      for (const version of [1, 2, 3] as const) {
        assert.deepEqual(read({ descr: order + code, shape: [3], values, version }), values, `${order}${code}`);
      }
    }
  }
});

Deno.test("parseNpy() reads half precision as it is written", () => {
  fc.assert(fc.property(fc.nat(65535), (bits) => {
    const bytes = npyBytes({ descr: "<u2", shape: [1], values: [bits] });
    // The same bytes under another name.
    const half = Uint8Array.from(bytes, (byte, i) => bytes[i - 1] === 0x3c && byte === 0x75 ? 0x66 : byte);
    const [value] = parseNpy(half, FILE).numbers(0, 1);
    assert.deepEqual(Number.isNaN(value) ? "NaN" : toHalf([value])[0], Number.isNaN(value) ? "NaN" : bits);
  }));
});

Deno.test("parseNpy() puts arrays in Fortran's order into C's, of any rank", () => {
  // [2, 3] of 0 to 5 by rows, as it lies by columns.
  assert.deepEqual(read({ descr: "<f4", shape: [2, 3], values: [0, 3, 1, 4, 2, 5], isFortran: true }), [
    0,
    1,
    2,
    3,
    4,
    5,
  ]);
  const shape = [2, 3, 4];
  const values = Array.from({ length: 24 }, (_, at) => {
    const [i, j, k] = [at % 2, Math.floor(at / 2) % 3, Math.floor(at / 6)];
    return (i * 3 + j) * 4 + k;
  });
  assert.deepEqual(read({ descr: ">i4", shape, values, isFortran: true }), Array.from({ length: 24 }, (_, i) => i));
  assert.deepEqual(read({ descr: "<i4", shape: [], values: [7], isFortran: true }), [7]);
});

Deno.test("parseNpy() reads headers as NumPy has written them over the years", () => {
  const of = (header: string) => {
    const bytes = npyBytes({ descr: "<i2", shape: [2], values: [1, 2], header });
    return [...parseNpy(bytes, FILE).numbers(0, 2)];
  };
  for (
    const header of [
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }",
      "{'shape': (2,), 'fortran_order': False, 'descr': '<i2'}",
      `{"descr": "<i2", "fortran_order": False, "shape": (2L,)}`,
      "  {'descr':'<i2','fortran_order':False,'shape':(2,)}   \n",
    ]
  ) assert.deepEqual(of(header), [1, 2]);
  const bad = [
    "",
    "{}",
    "{'descr': '<i2', 'fortran_order': 0, 'shape': (2,)}",
    "{'descr': '<i2', 'fortran_order': False, 'shape': (-2,)}",
    "{'descr': '<i2', 'fortran_order': False, 'shape': 2}",
    "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), 'more': '1'}",
    "{'descr': '<i2', 'descr': '<i2', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<i2', 'fortran_order': False, 'shape': (2,)",
    "__import__('os')",
  ];
  for (const header of bad) {
    assert.throws(() => of(header), /^RangeError: Cannot read "x\.npy": its header is damaged \(/);
  }
});

Deno.test("parseNpy() refuses what is no array of numbers, and sizes that are not the file's", () => {
  const refused = (npy: Partial<NpyFile>, message: RegExp) =>
    assert.throws(() => parseNpy(npyBytes({ descr: "<i2", shape: [2], values: [1, 2], ...npy }), FILE), (error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  for (
    const [code, what] of [
      ["|O", "Python objects"],
      ["<c8", "complex"],
      ["<U5", "text"],
      ["<M8[ns]", "dates"],
      ["<f16", "floats of a size"],
      ["|V4", "records"],
      ["<q9", ""],
    ]
  ) {
    refused(
      { header: `{'descr': '${code}', 'fortran_order': False, 'shape': (2,)}` },
      new RegExp(`its elements are ${what}`),
    );
  }
  refused(
    { header: "{'descr': [('a', '<i2'), ('b', '<i2')], 'fortran_order': False, 'shape': (1,)}" },
    /records of several/,
  );
  refused({ shape: [3] }, /4 bytes follow its header, its shape \(3\) of int16 needs 6; it is truncated/);
  refused({ shape: [1] }, /4 bytes follow its header, its shape \(1\) of int16 needs 2$/);
  // Nobody takes memory for what a header promises.
  refused({ shape: [2 ** 40, 2 ** 40] }, /it is truncated/);
  const whole = npyBytes({ descr: "<i2", shape: [2], values: [1, 2] });
  for (const length of [0, 5, 11, 40]) assert.throws(() => parseNpy(whole.subarray(0, length), FILE), RangeError);
  assert.throws(() => parseNpy(whole.with(6, 4), FILE), /version 4\.0 of \.npy, needed is 1, 2 or 3/);
  assert.throws(() => parseNpy(whole.with(0, 0), FILE), /it is no \.npy file of NumPy/);
});
