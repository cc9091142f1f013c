import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { BACKEND, registerBackend } from "../backend/mod.ts";
import {
  Operation,
  OPERATION_NAMES,
  type OperationArgs,
  type OperationName,
  type Options,
  registerOperations,
} from "./mod.ts";

/** One case of each operation: what it reads, and what it gives, by hand or by JavaScript. */
interface Case {
  readonly options?: Options;
  readonly inputs: readonly (readonly number[][])[];
  readonly gives: readonly (number | readonly number[])[];
}

const X = [[-1.5, 0.25], [2, -0.5]];
const POSITIVE = [[1.5, 0.25], [2, 4]];
const SMALL = [[-0.5, 0.25], [0.75, -0.125]];
const each = (fn: (x: number) => number, of = X): Case => ({ inputs: [of], gives: of.map((row) => row.map(fn)) });
const both = (fn: (a: number, b: number) => number, a = X, b = POSITIVE): Case => ({
  inputs: [a, b],
  gives: a.map((row, i) => row.map((value, j) => fn(value, b[i][j]))),
});

/** Abramowitz and Stegun, table 7.1. */
const ERF: Readonly<Record<string, number>> = {
  "-1.5": -0.9661051465,
  "0.25": 0.2763263902,
  "2": 0.995322265,
  "-0.5": -0.5204998778,
};

const CASES: Readonly<Record<OperationName, Case>> = {
  abs: each(Math.abs),
  acos: each(Math.acos, SMALL),
  acosh: each(Math.acosh, [[1.5, 2.25]]),
  asin: each(Math.asin, SMALL),
  asinh: each(Math.asinh),
  atan: each(Math.atan),
  atanh: each(Math.atanh, SMALL),
  ceil: each(Math.ceil),
  cos: each(Math.cos),
  cosh: each(Math.cosh),
  erf: each((x) => ERF[x]),
  exp: each(Math.exp),
  floor: each(Math.floor),
  isInf: each((x) => Number(Math.abs(x) === Infinity), [[1, Infinity], [-Infinity, NaN]]),
  isNaN: each((x) => Number(Number.isNaN(x)), [[1, Infinity], [NaN, 0]]),
  log: each(Math.log, POSITIVE),
  neg: each((x) => -x),
  reciprocal: each((x) => 1 / x),
  // Halves go to the even neighbour.
  round: { inputs: [[[-1.5, 0.25], [2.5, -0.5]]], gives: [[-2, 0], [2, 0]] },
  sign: each(Math.sign),
  sin: each(Math.sin),
  sinh: each(Math.sinh),
  sqrt: each(Math.sqrt, POSITIVE),
  square: each((x) => x * x),
  tan: each(Math.tan),
  trunc: each(Math.trunc),
  logSoftmax: { inputs: [[[0, Math.log(3)]]], gives: [[Math.log(0.25), Math.log(0.75)]] },
  elu: { ...each((x) => x > 0 ? x : 0.7 * (Math.exp(x) - 1)), options: { alpha: 0.7 } },
  clip: { ...each((x) => Math.min(1, Math.max(-0.25, x))), options: { min: -0.25, max: 1 } },
  hardSigmoid: { ...each((x) => Math.min(1, Math.max(0, 0.5 * x + 0.25))), options: { alpha: 0.5, beta: 0.25 } },
  subtract: both((a, b) => a - b),
  divide: both((a, b) => a / b),
  power: both((a, b) => a ** b, POSITIVE, X),
  modulo: { ...both((a, b) => a % b, [[-1.5, 0.5], [2, -0.5]], [[1, -0.75], [0.75, 3]]), options: { truncated: true } },
  equal: both((a, b) => Number(a === b), X, [[-1.5, 1], [1, -0.5]]),
  greater: both((a, b) => Number(a > b), X, [[-1.5, 0], [3, -1]]),
  greaterEqual: both((a, b) => Number(a >= b), X, [[-1.5, 0], [3, -1]]),
  less: both((a, b) => Number(a < b), X, [[-1.5, 0], [3, -1]]),
  lessEqual: both((a, b) => Number(a <= b), X, [[-1.5, 0], [3, -1]]),
  not: { inputs: [[[0, 1]]], gives: [[1, 0]] },
  where: { inputs: [[[0, 1], [2, 0]], X, POSITIVE], gives: [[1.5, 0.25], [2, 4]] },
  matMul: { inputs: [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], options: { transposeB: true }, gives: [[17, 23], [39, 53]] },
  reduce: { inputs: [[[3, 4], [6, 8]]], options: { by: "l2", axes: [1], keepDims: true }, gives: [[5], [10]] },
  argument: { inputs: [[[3, 4, 4], [6, 5, 2]]], options: { of: "max", axis: 1, keepDims: false }, gives: [1, 0] },
  cumulate: {
    inputs: [[[1, 2, 4]]],
    options: { axis: 1, exclusive: true, reverse: true },
    gives: [[6, 4, 0]],
  },
  topK: { inputs: [[[3, 1, 2], [4, 6, 5]]], options: { k: 2, of: "min", gives: "values" }, gives: [[1, 2], [4, 5]] },
  reverse: { inputs: [[[1, 2, 3]]], options: { axes: [1] }, gives: [[3, 2, 1]] },
  gatherElements: { inputs: [[[1, 2, 3], [4, 5, 6]], [[2, 0], [1, 1]]], gives: [[3, 1], [5, 5]] },
  oneHot: { inputs: [[[1], [0]]], options: { depth: 3, on: 5, off: -1 }, gives: [[-1, 5, -1], [5, -1, -1]] },
  blend: {
    inputs: [[[1, 2, 4]]],
    options: { axis: 1, places: [[0, 1], [2, 2]], factors: [[0.25, 0.75], [2, -1]] },
    gives: [[1.75, 4]],
  },
  maxDilated: { inputs: [[]], gives: [] },
  responseNorm: { inputs: [[]], gives: [] },
  slice: { inputs: [[[1, 2, 3, 4, 5]]], options: { begin: [1], end: [5], strides: [3] }, gives: [[2, 5]] },
  gather: { inputs: [[[1, 2, 3]]], options: { axis: 1, indices: [2, 0, 2] }, gives: [[3, 1, 3]] },
  tile: { inputs: [[[1, 2]]], options: { repeats: [2] }, gives: [[1, 2, 1, 2]] },
  pad: { inputs: [[[1, 2, 3]]], options: { mode: "edge", paddings: [[1, 2]], value: 0 }, gives: [[1, 1, 2, 3, 3, 3]] },
  resize: { inputs: [[]], gives: [] },
};

/** All but those that need pictures, which have tests of their own. */
const ROWS = OPERATION_NAMES.filter((name) => !["resize", "maxDilated", "responseNorm"].includes(name));

function isClose(actual: number, expected: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) < 1e-5;
}

function run(operation: OperationName, { inputs, options = {} }: Case): tf.Tensor {
  const x = inputs.map((rows) => tf.tensor2d(rows.map((row) => [...row])));
  return new Operation({ operation, options }).apply(x.length === 1 ? x[0] : x) as tf.Tensor;
}

for (const operation of ROWS) {
  Deno.test(`Operation computes ${operation} as by hand, and says the shape of it`, async () => {
    registerOperations();
    await registerBackend();
    for (const backend of ["cpu", BACKEND]) {
      await tf.setBackend(backend);
      const { inputs, options = {}, gives } = CASES[operation];
      const answer = run(operation, CASES[operation]);
      const expected = gives.flat();
      const actual = await answer.data();
      assert.equal(actual.length, expected.length);
      expected.forEach((value, i) => assert.ok(isClose(actual[i], value), `${backend}: ${actual} for ${expected}`));
      // What is multiplied are matrices, one a sample.
      if (operation === "matMul") continue;
      const shapes = inputs.map((rows) => [null, ...tf.tensor2d(rows.map((row) => [...row])).shape.slice(1)]);
      const said = new Operation({ operation, options }).computeOutputShape(shapes.length === 1 ? shapes[0] : shapes);
      assert.deepEqual(said.slice(1), answer.shape.slice(1));
    }
    await tf.setBackend(BACKEND);
  });
}

Deno.test("Operation pads by reflection and by edges along any axis, and resizes pictures", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const picture = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
  const rows = async (operation: OperationName, options: Options) => {
    const y = new Operation({ operation, options }).apply(picture) as tf.Tensor;
    return [y.shape.slice(1, 3), Array.from(await y.data())];
  };
  const paddings = [[1, 0], [0, 2], [0, 0]];
  assert.deepEqual(await rows("pad", { mode: "reflect", paddings, value: 0 }), [
    [3, 5],
    [4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4],
  ]);
  assert.deepEqual(await rows("pad", { mode: "edge", paddings, value: 0 }), [
    [3, 5],
    [1, 2, 3, 3, 3, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6],
  ]);
  assert.deepEqual((await rows("pad", { mode: "constant", paddings, value: 9 }))[1].slice(0, 8), [
    9,
    9,
    9,
    9,
    9,
    1,
    2,
    3,
  ]);
  const size = [2, 6];
  // Half-pixel centres: a quarter and three quarters between neighbours.
  assert.deepEqual(await rows("resize", { by: "bilinear", size, alignCorners: false, halfPixelCenters: true }), [
    size,
    [1, 1.25, 1.75, 2.25, 2.75, 3, 4, 4.25, 4.75, 5.25, 5.75, 6],
  ]);
  assert.deepEqual((await rows("resize", { by: "nearest", size, alignCorners: false, halfPixelCenters: false }))[1], [
    1,
    1,
    2,
    2,
    3,
    3,
    4,
    4,
    5,
    5,
    6,
    6,
  ]);
});

Deno.test("Operation is saved and loaded, and its gradient reaches what it reads", async () => {
  registerOperations();
  await registerBackend();
  await tf.setBackend(BACKEND);
  const layer = new Operation({ operation: "slice", options: { begin: [1], end: [3], strides: [1] }, name: "part" });
  const input = tfl.input({ shape: [4] });
  const model = tfl.model({ inputs: input, outputs: layer.apply(input) as tfl.SymbolicTensor });
  const again = await tfl.models.modelFromJSON({ modelTopology: Object(model.toJSON(null, false)) });
  const x = tf.tensor2d([[1, 2, 3, 4]]);
  assert.deepEqual(await (again.predict(x) as tf.Tensor).array(), [[2, 3]]);
  const gradient = tf.grad((x) => tf.sum(tf.square(layer.apply(x) as tf.Tensor)))(x);
  assert.deepEqual(await gradient.array(), [[0, 4, 6, 0]]);
});

/** What operations are differentiated at: values at which none of them has an edge, for the shapes [2, 3, 4, 2]. */
interface Differentiated {
  readonly operation: OperationName;
  readonly options?: Options;
  /** Of what it reads. */
  readonly shapes: readonly (readonly number[])[];
  /** Changes numbers between -1 and 1 to such as it takes. */
  readonly of?: (x: number) => number;
}

const IMAGE = [2, 3, 4, 2];
const one = (operation: OperationName, options: Options = {}, of?: (x: number) => number): Differentiated => ({
  operation,
  options,
  shapes: [IMAGE],
  ...(of === undefined ? {} : { of }),
});
const above = (least: number) => (x: number) => least + Math.abs(x);

const PLAIN = [
  ...(["abs", "asinh", "atan", "ceil", "cos", "cosh", "erf", "exp", "floor", "isInf", "isNaN", "neg"] as const),
  ...(["round", "sign", "sin", "sinh", "square", "tan", "trunc", "logSoftmax", "not"] as const),
];

const DIFFERENTIATED: readonly Differentiated[] = [
  ...PLAIN.map((operation) => one(operation)),
  ...(["acos", "asin", "atanh"] as const).map((operation) => one(operation, {}, (x) => x * 0.8)),
  ...(["acosh", "log", "reciprocal", "sqrt"] as const).map((operation) => one(operation, {}, above(1.1))),
  one("elu", { alpha: 0.7 }),
  one("clip", { min: -0.5, max: 0.25 }),
  ...(["subtract", "divide", "equal", "greater", "greaterEqual", "less", "lessEqual"] as const).map((operation) => ({
    operation,
    shapes: [IMAGE, [2, 1, 4, 1]],
  })),
  { operation: "power", shapes: [IMAGE, [2, 1, 4, 1]], of: above(0.5) },
  ...[true, false].map((truncated) => ({
    operation: "modulo" as const,
    options: { truncated },
    shapes: [IMAGE, [2, 3, 4, 2]],
    of: above(0.3),
  })),
  { operation: "where", shapes: [IMAGE, IMAGE, [2, 1, 1, 2]] },
  { operation: "matMul", options: { transposeB: true }, shapes: [[2, 3, 4], [2, 5, 4]] },
  { operation: "matMul", options: { transposeB: false }, shapes: [[2, 1, 3, 4], [1, 2, 4, 5]] },
  ...["mean", "sum", "max", "min", "prod", "l1", "l2", "sumSquare", "logSum", "logSumExp"].map((by) =>
    one("reduce", { by, axes: [1, 3], keepDims: by === "mean" }, above(0.2))
  ),
  ...["max", "min"].map((of) => one("argument", { of, axis: 2, keepDims: true })),
  ...[true, false].map((reverse) => one("cumulate", { axis: 1, exclusive: !reverse, reverse })),
  ...["max", "min"].map((of) => ({
    operation: "topK" as const,
    options: { k: 3, of, gives: "values" },
    shapes: [[2, 3, 5]],
  })),
  { operation: "topK", options: { k: 2, of: "max", gives: "places" }, shapes: [[2, 3, 5]] },
  one("slice", { begin: [1, 0, 0], end: [3, 4, 2], strides: [1, 3, 2] }),
  one("reverse", { axes: [1, 3] }),
  one("gather", { axis: 2, indices: [3, 0, 0] }),
  { operation: "gatherElements", shapes: [[2, 3, 4], [2, 3, 2]], of: above(0.3) },
  one("tile", { repeats: [2, 1, 3] }),
  { operation: "tile", options: { repeats: [2, 1, 3, 2] }, shapes: [[2, 1, 2, 3, 2]] },
  ...["constant", "reflect", "edge"].map((mode) =>
    one("pad", { mode, paddings: [[2, 1], [1, 3], [0, 0]], value: 0.5 })
  ),
  one("blend", { axis: 2, places: [[0, 1], [2, 2], [3, 1]], factors: [[0.25, 0.75], [2, -1], [1, 1]] }),
  one("maxDilated", { size: [2, 2], dilations: [2, 1] }),
  one("responseNorm", { radius: 1, bias: 1, alpha: 0.5, beta: 0.75 }),
  one("oneHot", { depth: 2, on: 1, off: 0 }, above(0.2)),
  ...["nearest", "bilinear"].flatMap((by) =>
    [[false, false], [true, false], [false, true]].map(([alignCorners, halfPixelCenters]) =>
      one("resize", { by, size: [5, 3], alignCorners, halfPixelCenters })
    )
  ),
];

/** Numbers between -1 and 1 of which no two are nearer to one another, or to 0, than two steps. */
function spread(shapes: readonly (readonly number[])[]): readonly Float32Array[] {
  const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b));
  const all = sizes.reduce((a, b) => a + b);
  // 97 has no divisor in common with any of their sums: each number comes once.
  let next = 0;
  return sizes.map((size) => Float32Array.from({ length: size }, () => (2 * (97 * next++ % all) + 1) / all - 1));
}

for (const { operation, options = {}, shapes, of = (x: number) => x } of DIFFERENTIATED) {
  Deno.test(`Operation has the gradient of ${operation} ${JSON.stringify(options)} by finite differences`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    const inputs = spread(shapes).map((values, i) => tf.tensor(values.map((x) => of(x)), [...shapes[i]]));
    const layer = new Operation({ operation, options });
    // What it reads is gone when gradients are computed, as within a model.
    const compute = (...x: tf.Tensor[]) =>
      tf.tidy(() => {
        const inner = x.map((value) => tf.mul(value, 1));
        return layer.call(inner.length === 1 ? inner[0] : inner);
      });
    const weights = tf.randomUniform(compute(...inputs).shape, 0.5, 1.5, "float32", 7);
    const total = (...x: tf.Tensor[]) => tf.sum(tf.mul(compute(...x), weights)) as tf.Scalar;
    const gradients = tf.grads(total)(inputs);
    for (const [i, input] of inputs.entries()) {
      const direction = tf.randomUniform(input.shape, -1, 1, "float32", 11 + i);
      const moved = (by: number) => inputs.map((x, k) => k === i ? tf.add(x, tf.mul(direction, by)) : x);
      const step = 2e-3;
      const [high, low] = [total(...moved(step)), total(...moved(-step))].map((x) => x.dataSync()[0]);
      const found = tf.sum(tf.mul(gradients[i], direction)).dataSync()[0];
      const expected = (high - low) / (2 * step);
      assert.ok(
        Math.abs(found - expected) < 1e-2 * Math.max(1, Math.abs(expected)),
        `input ${i}: ${found}, ${expected}`,
      );
    }
  });
}

Deno.test("Operation divides by the squares of the channels around", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const options = { radius: 1, bias: 1, alpha: 0.5, beta: 2 };
  const answer = new Operation({ operation: "responseNorm", options }).apply(tf.tensor4d([1, 2, 3], [1, 1, 1, 3]));
  const expected = [1 / (1 + 2.5) ** 2, 2 / (1 + 7) ** 2, 3 / (1 + 6.5) ** 2];
  (answer as tf.Tensor).dataSync().forEach((value, i) => assert.ok(isClose(value, expected[i])));
});

Deno.test("Operation takes the largest of windows whose elements lie apart", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const picture = tf.tensor4d([1, 9, 3, 4, 8, 5, 7, 2, 6], [1, 3, 3, 1]);
  const layer = new Operation({ operation: "maxDilated", options: { size: [2, 1], dilations: [2, 1] } });
  assert.deepEqual(layer.computeOutputShape([null, 3, 3, 1]), [null, 1, 3, 1]);
  assert.deepEqual([...(layer.apply(picture) as tf.Tensor).dataSync()], [7, 9, 6]);
});

/** Arguments with a fault, and what is said. */
const FAULTS: readonly (readonly [args: object, message: RegExp])[] = [
  [{ operation: "slise" }, /operation.*did you mean "slice"/],
  [{ operation: "toString" }, /operation/],
  [{ operation: "clip" }, /its option "min" is missing, a finite number is needed/],
  [{ operation: "clip", options: { min: 0, max: "1" } }, /its option "max" is "1"/],
  [{ operation: "slice", options: { begin: [0], end: [], strides: [1] } }, /its option "end" is \[\], a list of whole/],
  [{ operation: "reduce", options: { by: "median", axes: [1], keepDims: true } }, /"by" is "median", one of mean/],
  [{ operation: "reduce", options: { by: "sum", axes: [0], keepDims: true } }, /"axes" is \[0\]/],
  [
    { operation: "blend", options: { axis: 1, places: [[0], []], factors: [[1], [1]] } },
    /"places" is .* lists of numbers/,
  ],
];

Deno.test("Operation refuses what it does not know, and inputs that do not fit, by name", () => {
  for (const [args, message] of FAULTS) {
    assert.throws(() => new Operation({ name: "op", ...args } as OperationArgs), {
      name: "RangeError",
      message,
    });
  }
  const shapeOf = (operation: OperationName, options: Options, ...shapes: (number | null)[][]) =>
    new Operation({ name: "op", operation, options }).computeOutputShape(shapes.length === 1 ? shapes[0] : shapes);
  assert.throws(
    () => shapeOf("slice", { begin: [1], end: [5], strides: [1] }, [null, 4]),
    /takes \[1\] to \[5\] of \[4\]/,
  );
  assert.throws(() => shapeOf("gather", { axis: 1, indices: [4] }, [null, 4]), /takes elements 4 of 4/);
  assert.throws(() => shapeOf("subtract", {}, [null, 4], [null, 3]), /sides 4 and 3 are no same and none is 1/);
  assert.throws(() => shapeOf("subtract", {}, [null, 4]), /it is given 1 input, needed are 2/);
  assert.throws(
    () => shapeOf("matMul", { transposeB: false }, [null, 2, 3], [null, 4, 2]),
    /rows of 3 by columns of 4/,
  );
  assert.throws(() => shapeOf("topK", { k: 5, of: "max", gives: "values" }, [null, 4]), /takes 5 elements of 4/);
  assert.throws(() => shapeOf("gatherElements", {}, [null, 2, 4], [null, 3, 4]), /which differ before the last axis/);
  assert.throws(
    () => shapeOf("blend", { axis: 1, places: [[0], [4]], factors: [[1], [1]] }, [null, 4]),
    /not a row each for sums of 4 elements/,
  );
  assert.throws(
    () => shapeOf("maxDilated", { size: [2, 2], dilations: [4, 1] }, [null, 4, 4, 1]),
    /windows of \[2,2\] by \[4,1\] do not fit \[4,4\]/,
  );
  assert.deepEqual(shapeOf("subtract", {}, [null, 4, 1], [null, 1, 3]), [null, 4, 3]);
});
