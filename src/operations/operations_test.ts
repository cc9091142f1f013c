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
  ceil: each(Math.ceil),
  cos: each(Math.cos),
  erf: each((x) => ERF[x]),
  exp: each(Math.exp),
  floor: each(Math.floor),
  log: each(Math.log, POSITIVE),
  neg: each((x) => -x),
  reciprocal: each((x) => 1 / x),
  // Halves go to the even neighbour.
  round: { inputs: [[[-1.5, 0.25], [2.5, -0.5]]], gives: [[-2, 0], [2, 0]] },
  sign: each(Math.sign),
  sin: each(Math.sin),
  sqrt: each(Math.sqrt, POSITIVE),
  square: each((x) => x * x),
  logSoftmax: { inputs: [[[0, Math.log(3)]]], gives: [[Math.log(0.25), Math.log(0.75)]] },
  elu: { ...each((x) => x > 0 ? x : 0.7 * (Math.exp(x) - 1)), options: { alpha: 0.7 } },
  clip: { ...each((x) => Math.min(1, Math.max(-0.25, x))), options: { min: -0.25, max: 1 } },
  hardSigmoid: { ...each((x) => Math.min(1, Math.max(0, 0.5 * x + 0.25))), options: { alpha: 0.5, beta: 0.25 } },
  subtract: both((a, b) => a - b),
  divide: both((a, b) => a / b),
  power: both((a, b) => a ** b, POSITIVE, X),
  equal: both((a, b) => Number(a === b), X, [[-1.5, 1], [1, -0.5]]),
  greater: both((a, b) => Number(a > b), X, [[-1.5, 0], [3, -1]]),
  greaterEqual: both((a, b) => Number(a >= b), X, [[-1.5, 0], [3, -1]]),
  less: both((a, b) => Number(a < b), X, [[-1.5, 0], [3, -1]]),
  lessEqual: both((a, b) => Number(a <= b), X, [[-1.5, 0], [3, -1]]),
  not: { inputs: [[[0, 1]]], gives: [[1, 0]] },
  where: { inputs: [[[0, 1], [2, 0]], X, POSITIVE], gives: [[1.5, 0.25], [2, 4]] },
  matMul: { inputs: [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], options: { transposeB: true }, gives: [[17, 23], [39, 53]] },
  reduce: { inputs: [[[3, 4], [6, 8]]], options: { by: "l2", axes: [1], keepDims: true }, gives: [[5], [10]] },
  slice: { inputs: [[[1, 2, 3, 4, 5]]], options: { begin: [1], end: [5], strides: [3] }, gives: [[2, 5]] },
  gather: { inputs: [[[1, 2, 3]]], options: { axis: 1, indices: [2, 0, 2] }, gives: [[3, 1, 3]] },
  tile: { inputs: [[[1, 2]]], options: { repeats: [2] }, gives: [[1, 2, 1, 2]] },
  pad: { inputs: [[[1, 2, 3]]], options: { mode: "edge", paddings: [[1, 2]], value: 0 }, gives: [[1, 1, 2, 3, 3, 3]] },
  resize: { inputs: [[]], gives: [] },
};

/** All but those that need pictures, which have tests of their own. */
const ROWS = OPERATION_NAMES.filter((name) => name !== "resize");

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
      expected.forEach((value, i) =>
        assert.ok(Math.abs(actual[i] - value) < 1e-5, `${backend}: ${actual} for ${expected}`)
      );
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

/** Arguments with a fault, and what is said. */
const FAULTS: readonly (readonly [args: object, message: RegExp])[] = [
  [{ operation: "slise" }, /operation.*did you mean "slice"/],
  [{ operation: "toString" }, /operation/],
  [{ operation: "clip" }, /its option "min" is missing, a finite number is needed/],
  [{ operation: "clip", options: { min: 0, max: "1" } }, /its option "max" is "1"/],
  [{ operation: "slice", options: { begin: [0], end: [], strides: [1] } }, /its option "end" is \[\], a list of whole/],
  [{ operation: "reduce", options: { by: "median", axes: [1], keepDims: true } }, /"by" is "median", one of mean/],
  [{ operation: "reduce", options: { by: "sum", axes: [0], keepDims: true } }, /"axes" is \[0\]/],
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
  assert.throws(() => shapeOf("subtract", {}, [null, 4]), /it is given 1 inputs, 2 are needed/);
  assert.throws(
    () => shapeOf("matMul", { transposeB: false }, [null, 2, 3], [null, 4, 2]),
    /rows of 3 by columns of 4/,
  );
  assert.deepEqual(shapeOf("subtract", {}, [null, 4, 1], [null, 1, 3]), [null, 4, 3]);
});
