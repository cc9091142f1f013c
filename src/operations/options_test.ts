import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { flag, numberRows, oneOf, type OptionRule, pairs, WHOLE, wholeFrom, wholeNumbers } from "./_options.ts";
import { Operation, type OperationName, type Options } from "./mod.ts";

/** One more than what any whole number may be. */
const MOST = 2 ** 31;

/** What is no list, or none of numbers, whatever is asked of it. */
const NO_LISTS = [undefined, null, 1, "12", {}, { length: 1 }, [], [null], ["1"], [1.5], [NaN]];

/** Rules with what they take and what they refuse. */
const RULES: Readonly<
  Record<string, readonly [rule: OptionRule, taken: readonly unknown[], refused: readonly unknown[]]>
> = {
  WHOLE: [WHOLE, [1, MOST - 1], [0, -1, 1.5, MOST, NaN, "1", null, [1]]],
  wholeFrom: [wholeFrom(0), [0, 7], [-1, 0.5]],
  flag: [flag, [true, false], [0, 1, "true", null]],
  wholeNumbers: [wholeNumbers(1), [[1], [3, MOST - 1]], [...NO_LISTS, [0], [1, MOST], [[1]]]],
  pairs: [pairs, [[[0, 1]], [[2, 0], [3, MOST - 1]]], [
    ...NO_LISTS,
    [1, 2],
    [[1]],
    [[1, 2, 3]],
    [[-1, 0]],
    [[0, MOST]],
    ["12"],
  ]],
  numberRows: [numberRows, [[[1]], [[-0.5, 2], [3]]], [...NO_LISTS, [1], [[]], [[1], []], [["1"]], [[Infinity]], [
    "1",
  ]]],
  oneOf: [oneOf("a", "b"), ["a", "b"], ["c", "", 0, null, ["a"]]],
};

for (const [name, [{ holds, what }, taken, refused]] of Object.entries(RULES)) {
  Deno.test(`${name} takes "${what}", and refuses all else without a stumble`, () => {
    for (const value of taken) assert.equal(holds(value), true, JSON.stringify(value));
    for (const value of refused) assert.equal(holds(value), false, JSON.stringify(value));
  });
}

/** The shape that an operation says it gives. */
function shapeOf(operation: OperationName, options: Options, ...shapes: (number | null)[][]) {
  return new Operation({ operation, options, name: "op" }).computeOutputShape(shapes);
}

Deno.test("Operation says the shape of products of matrices, one for each of what is before them", () => {
  const product = (transposeB: boolean, ...shapes: (number | null)[][]) => shapeOf("matMul", { transposeB }, ...shapes);
  assert.deepEqual(product(false, [null, 5, 3], [null, 3, 4]), [null, 5, 4]);
  assert.deepEqual(product(true, [null, 5, 3], [null, 4, 3]), [null, 5, 4]);
  assert.deepEqual(product(false, [null, 2, 5, 3], [null, 2, 3, 4]), [null, 2, 5, 4]);
  assert.deepEqual(product(true, [null, 1, 5, 3], [null, 6, 4, 3]), [null, 6, 5, 4]);
  assert.throws(() => product(false, [null, 5, 3], [null, 4, 3]), {
    message: 'Cannot build "op" (matMul): it multiplies rows of 3 by columns of 4',
  });
  assert.throws(() => product(true, [null, 5, 3], [null, 3, 4]), /it multiplies rows of 3 by columns of 4$/);
  assert.throws(() => product(false, [null, 2, 5, 3], [null, 7, 3, 4]), /sides 2 and 7 are no same and none is 1$/);
});

Deno.test("Operation blends by as many places as factors, within the axis", () => {
  const blend = (places: readonly number[][], factors: readonly number[][]) =>
    new Operation({ operation: "blend", options: { axis: 1, places, factors } }).computeOutputShape([null, 4, 3]);
  assert.deepEqual(blend([[0, 3]], [[1, 2]]), [null, 1, 3]);
  assert.deepEqual(blend([[0], [3], [1]], [[1], [2], [3]]), [null, 3, 3]);
  const bad: readonly (readonly [number[][], number[][]])[] = [
    [[[0, 1], [1, 2]], [[1, 1], [1]]],
    [[[0, 1], [1]], [[1, 1], [1]]],
    [[[0], [1]], [[1]]],
    [[[4]], [[1]]],
    [[[-1]], [[1]]],
    [[[0.5]], [[1]]],
  ];
  for (const [places, factors] of bad) {
    assert.throws(() => blend(places, factors), /its places and factors are not a row each for sums of 4 elements$/);
  }
});

Deno.test("Operation refuses names that are no text", () => {
  // As model.json may hold one.
  const args: ConstructorParameters<typeof Operation>[0] = JSON.parse('{ "operation": "abs", "name": 5 }');
  assert.throws(() => new Operation(args), {
    name: "RangeError",
    message: 'Cannot make "Operation": its name is 5, a text is needed',
  });
});
