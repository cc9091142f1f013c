/** Which values the settings of layers may have, as Keras 2 says of its layers' arguments. */
import assert from "node:assert/strict";
import { valueProblem } from "./_layer_values.ts";

/** What is wrong with one setting of a Dense layer "a". */
function problem(key: string, value: unknown): string | undefined {
  return valueProblem({ class_name: "Dense", config: { name: "a", [key]: value } });
}

/** Kinds of settings: values at the border of what they take, those just beyond, and what is said to be needed. */
const KINDS: readonly {
  readonly keys: string;
  readonly takes: readonly number[];
  readonly refuses: readonly number[];
  readonly needed: string;
}[] = [
  {
    keys: "units filters depth_multiplier input_dim output_dim n",
    takes: [1, 2, 2 ** 53 - 1],
    refuses: [0, -1, 1.5, 2 ** 53],
    needed: "a whole number from 1",
  },
  { keys: "rate", takes: [0, 0.5, 0.999], refuses: [1, 1.5, -1e-9], needed: "a number from 0 to below 1" },
  {
    keys: "dropout recurrent_dropout momentum",
    takes: [0, 0.5, 1],
    refuses: [1.001, -1e-9],
    needed: "a number from 0 to 1",
  },
  { keys: "epsilon stddev max_value", takes: [0, 1e-9, 6, 1e300], refuses: [-1e-9], needed: "a number from 0" },
  {
    keys: "alpha theta negative_slope threshold mask_value",
    takes: [-1e300, -0.5, 0, 1e300],
    refuses: [],
    needed: "a number",
  },
];

for (const { keys, takes, refuses, needed } of KINDS) {
  for (const key of keys.split(" ")) {
    Deno.test(`valueProblem() takes ${needed} for "${key}", and nothing else`, () => {
      for (const value of takes) {
        assert.equal(problem(key, value), undefined, `${value}`);
        assert.equal(problem(key, { type: "ndarray", value }), undefined, `NumPy's ${value}`);
      }
      for (const value of refuses) {
        assert.equal(problem(key, value), `the layer "a" (Dense) has "${key}" ${value}, ${needed} is needed`);
        assert.ok(problem(key, { type: "ndarray", value })?.endsWith(`, ${needed} is needed`));
      }
      for (const value of ["1", true, [1], {}, { type: "array", value: 1 }, NaN, Infinity, -Infinity]) {
        assert.ok(problem(key, value)?.endsWith(`, ${needed} is needed`), String(value));
      }
      assert.equal(problem(key, null), undefined, "Keras writes null for what is left out");
    });
  }
}

const FLAGS = "trainable use_bias return_sequences return_state go_backwards stateful unroll center scale mask_zero " +
  "sparse normalize";

for (const key of FLAGS.split(" ")) {
  Deno.test(`valueProblem() takes true and false for "${key}", and nothing else`, () => {
    for (const value of [true, false, null]) assert.equal(problem(key, value), undefined);
    for (const value of [0, 1, "true", {}, []]) {
      assert.match(problem(key, value) ?? "", /^the layer "a" \(Dense\) has "\w+" .*, true or false is needed$/);
    }
  });
}

Deno.test("valueProblem() says nothing of settings and classes that it does not know", () => {
  for (const key of ["toString", "constructor", "somebodys_own"]) assert.equal(problem(key, "x"), undefined);
  for (const class_name of ["Mine", "toString", 7]) {
    assert.equal(valueProblem({ class_name, config: { name: "a", units: "x" } }), undefined);
  }
  for (const value of [null, undefined, 7, "text", [], {}, { class_name: "Dense" }]) {
    assert.equal(valueProblem(value), undefined);
  }
});

Deno.test("valueProblem() finds the first of several, however deep it lies", () => {
  const dense = (name: string, units: unknown) => ({ class_name: "Dense", config: { name, units } });
  const layers = [dense("a", 1), [{ layer: dense("b", 0) }], dense("c", -1)];
  assert.match(valueProblem({ config: { layers } }) ?? "", /^the layer "b" \(Dense\) has "units" 0,/);
  const outer = { class_name: "TimeDistributed", config: { name: "t", trainable: 1, layer: dense("inner", 0) } };
  assert.match(valueProblem(outer) ?? "", /^the layer "t" \(TimeDistributed\) has "trainable" 1,/);
});

Deno.test("valueProblem() takes numbers of dimensions and lists of them, and nothing else for one", () => {
  const problem = (key: string, value: unknown) =>
    valueProblem({ class_name: "Dot", config: { name: "d", [key]: value } });
  for (const key of ["axis", "axes", "dims", "shared_axes"]) {
    for (const value of [-1, 0, 16, -16, [1, 2], [], null]) assert.equal(problem(key, value), undefined);
    for (const value of ["-1", 1.5, 17, -17, 1e15, [1, "2"], [[1]], {}, true, Array(17).fill(1)]) {
      assert.match(
        problem(key, value) ?? "",
        /^the layer "d" \(Dot\) has .* a dimension's number from -16 to 16, or a/,
      );
    }
  }
});
