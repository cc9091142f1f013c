import assert from "node:assert/strict";
import { bytesOf } from "../pixels.ts";
import type { SampleSet } from "../samples.ts";
import { type ArraysOptions, readArrays } from "./arrays.ts";
import { npyBytes, type NpyFile } from "./_test_npy.ts";

type Files = Readonly<Record<string, NpyFile>>;

async function read(files: Files, options: Partial<ArraysOptions> = {}) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, npy] of Object.entries(files)) await Deno.writeFile(`${dir}/${name}.npy`, npyBytes(npy));
    return await readArrays(dir, { targets: "classes", ...options });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const array = (shape: readonly number[], values: readonly number[], descr = "<f4"): NpyFile => ({
  descr,
  shape,
  values,
});

const ROWS: Files = {
  x_train: array([3, 2], upTo(6)),
  y_train: array([3], [7, 2, 7], "<i8"),
  x_test: array([1, 2], [9, 9], ">f8"),
  y_test: array([1, 1], [2], "|u1"),
};

function valuesOf({ inputs }: SampleSet): readonly number[] {
  const [input] = Object.values(inputs);
  return input.kind === "pictures" ? [...bytesOf(input.bytes)] : [...input.values];
}

Deno.test("readArrays() reads rows, and classes by their numbers", async () => {
  const { train, test, validation } = await read(ROWS);
  assert.deepEqual([valuesOf(train), valuesOf(test), validation], [[0, 1, 2, 3, 4, 5], [9, 9], undefined]);
  const { target } = train.targets;
  assert.ok(target.kind === "classes" && train.inputs.row.kind === "rows");
  assert.deepEqual([target.names, [...target.labels]], [["2", "7"], [1, 0, 1]]);
  const own = await read({ ...ROWS, X_val: array([1, 2], [5, 5]), y_val: array([1], [7], "<i4") });
  assert.deepEqual(own.validation && valuesOf(own.validation), [5, 5]);
});

Deno.test("readArrays() reads sequences, of which rows of NaN at the end are none", async () => {
  const files = { ...ROWS, x_train: array([3, 2, 2], upTo(12)), x_test: array([1, 2, 2], [1, 2, NaN, NaN]) };
  const { train, test } = await read(files);
  assert.ok(train.inputs.series.kind === "series" && test.inputs.series.kind === "series");
  assert.deepEqual([[...train.inputs.series.steps!], [...test.inputs.series.steps!]], [[2, 2, 2], [1]]);
  assert.deepEqual([train.inputs.series.length, valuesOf(test)], [2, [1, 2, 0, 0]]);
  const whole = await read({ ...files, x_test: array([1, 2, 2], [1, 2, 3, 4]) });
  assert.ok(whole.train.inputs.series.kind === "series" && whole.train.inputs.series.steps === undefined);
});

Deno.test("readArrays() reads pictures of whole numbers from 0 to 255, in any type and order", async () => {
  const files = {
    ...ROWS,
    x_train: array([3, 2, 2, 1], upTo(12), "|u1"),
    x_test: array([1, 2, 2, 1], [0, 255, 1, 2], "<f8"),
  };
  const { train, test } = await read(files);
  assert.deepEqual([valuesOf(train), valuesOf(test)], [upTo(12), [0, 255, 1, 2]]);
  const fitted = await read(files, { shape: { height: 1, width: 1, channels: 3 } });
  assert.equal(valuesOf(fitted.test).length, 3);
});

Deno.test("readArrays() reads numbers and flags, and what a limit keeps", async () => {
  const y = { y_train: array([3, 2], [0, 1, 1, 0, 1, 1]), y_test: array([1, 2], [1, 0.5]) };
  const reals = await read({ ...ROWS, ...y }, { targets: "reals" });
  assert.deepEqual(reals.test.targets.target.kind === "reals" && [...reals.test.targets.target.values], [1, 0.5]);
  await assert.rejects(
    read({ ...ROWS, ...y }, { targets: "flags" }),
    /y_test\.npy": element \[0, 1\] is 0\.5, neither 0 nor 1/,
  );
  assert.equal((await read(ROWS, { limit: 2 })).train.count, 2);
  const { x_train } = ROWS;
  const unlabelled = await read({ x_train }, { unlabelled: true });
  assert.deepEqual([unlabelled.train.count, unlabelled.test.count], [3, 3]);
});

Deno.test("readArrays() names what is missing, what does not fit, and elements that are no samples", async () => {
  const refused = (files: Files, message: RegExp) =>
    assert.rejects(read(files), (error) => {
      assert.ok(error instanceof Error && /^Cannot read /.test(error.message));
      assert.match(error.message, message);
      return true;
    });
  const without = (name: string) => Object.fromEntries(Object.entries(ROWS).filter(([key]) => key !== name));
  for (const name of Object.keys(ROWS)) await refused(without(name), new RegExp(`there is no "${name}\\.npy"`));
  const bad: readonly (readonly [Files, RegExp])[] = [
    [{ x_train: array([3, 3], upTo(9)) }, /x_test\.npy": its samples are \[2\], those of .*x_train\.npy" \[3\]/],
    [{ y_train: array([2], [1, 2], "<i4") }, /y_train\.npy": it is \[2\], .*x_train\.npy" has 3 samples/],
    [{ x_train: array([6], upTo(6)) }, /it is \[6\], needed are rows/],
    [{ x_train: array([3, 0], []) }, /it is \[3,0\], needed are rows/],
    [{ y_train: array([3, 2], upTo(6)) }, /it is \[3,2\], of classes one whole number a sample/],
    [{ y_train: array([3], [0, 0.5, 1]) }, /element 1 is 0\.5, of classes a whole number/],
    [{ y_test: array([1], [3], "<i4") }, /element 0 is 3, which is no class of the training samples/],
    [{ x_test: array([1, 2], [1, 1e39], "<f8") }, /element \[0, 1\] is 1e\+39, a finite number is needed/],
    [
      { x_train: array([3, 2, 2, 1], upTo(12).with(3, 0.5)), x_test: array([1, 2, 2, 1], [0, 0, 0, 0]) },
      /element \[0, 1, 1, 0\] is 0\.5, of pictures whole numbers from 0 to 255/,
    ],
    [{ x_train: array([3, 2, 2, 2], upTo(24)), x_test: array([1, 2, 2, 2], upTo(8)) }, /1 or 3 channels are needed/],
    [
      { x_train: array([3, 1, 2], [1, NaN, 1, 1, 1, 1]), x_test: array([1, 1, 2], [1, 1]) },
      /element \[0, 0, 1\] is NaN/,
    ],
    [{ x_train: array([3, 1, 2], [NaN, NaN, 1, 1, 1, 1]), x_test: array([1, 1, 2], [1, 1]) }, /sample 0 is NaN in all/],
  ];
  for (const [files, message] of bad) await refused({ ...ROWS, ...files }, message);
});
