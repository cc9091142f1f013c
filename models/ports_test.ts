import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { FakeQuantize, registerQuantKernels, setQatPhase } from "../src/quant/mod.ts";
import { apply } from "../tests/_support/small_models.ts";
import { inputNames, inputShapesOf, outputGrids, outputNames, outputPorts, pickByName } from "./ports.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");
registerQuantKernels();

const { layers } = tfl;
const dense = (name: string, units: number) => layers.dense({ name, units });

/** Inputs "left" [2] and "right" [2, open], outputs of 3 numbers and of 4, the second on a grid. */
function twoByTwo(): tfl.LayersModel {
  const left = tfl.input({ shape: [2], name: "left" });
  const right = tfl.input({ shape: [2, null], name: "right" });
  const second = apply(
    new FakeQuantize({ name: "second/quant", fixed: { scale: 0.25, zeroPoint: 7 } }),
    apply(dense("second", 4), left),
  );
  const third = apply(layers.reLU({ name: "third" }), right);
  return tfl.model({ name: "two", inputs: [left, right], outputs: [apply(dense("first", 3), left), second, third] });
}

Deno.test("inputNames() names inputs after their layers, of a Sequential too", () => {
  assert.deepEqual(inputNames(twoByTwo()), ["left", "right"]);
  assert.deepEqual(inputNames(tfl.sequential({ layers: [layers.dense({ units: 1, inputShape: [1], name: "d" })] })), [
    "d_input",
  ]);
});

Deno.test("outputNames() passes over quantizers, and outputPorts() leaves the batch out", () => {
  const model = twoByTwo();
  assert.deepEqual(outputNames(model), ["first", "second", "third"]);
  assert.deepEqual(outputPorts(model), [
    { name: "first", shape: [3] },
    { name: "second", shape: [4] },
    { name: "third", shape: [2, null] },
  ]);
});

Deno.test("outputNames() counts outputs that would be called alike", () => {
  const x = tfl.input({ shape: [2], name: "x" });
  const y = apply(dense("y", 2), x);
  const [q, r] = ["q", "r"].map((name) => apply(new FakeQuantize({ name, fixed: { scale: 1, zeroPoint: 0 } }), y));
  assert.deepEqual(outputNames(tfl.model({ inputs: x, outputs: [q, x, y, r] })), ["y", "x_1", "y_1", "y_2"]);
});

Deno.test("outputNames() tells the calls of a shared layer apart, in the order in which they are read", () => {
  const x = tfl.input({ shape: [2], name: "x" });
  const shared = dense("shared", 2);
  const once = apply(shared, x);
  const twice = apply(shared, once);
  assert.deepEqual(outputNames(tfl.model({ inputs: x, outputs: [once, twice] })), ["shared", "shared_1"]);
  assert.deepEqual(outputNames(tfl.model({ inputs: x, outputs: [twice, once] })), ["shared_1", "shared"]);
});

Deno.test("outputGrids() gives the grids of outputs that are on one, while they are rounded", () => {
  const model = twoByTwo();
  assert.deepEqual(outputGrids(model), { second: { scale: 0.25, zeroPoint: 7 } });
  setQatPhase(model, { fakeQuantizing: false });
  assert.deepEqual(outputGrids(model), {});
  setQatPhase(model, { fakeQuantizing: true });
  assert.deepEqual(Object.keys(outputGrids(model)), ["second"]);
});

/** A model of one input of `shape`. */
function taking(...shape: (number | null)[]): tfl.LayersModel {
  const x = tfl.input({ shape, name: "x" });
  return tfl.model({ name: "one", inputs: x, outputs: apply(layers.reLU({ name: "y" }), x) });
}

Deno.test("inputShapesOf() takes the model's own shapes, and what is given for open ones", () => {
  assert.deepEqual(inputShapesOf(taking(2, 3)), [[2, 3]]);
  assert.deepEqual(inputShapesOf(taking(2, 3), [2, 3]), [[2, 3]]);
  assert.deepEqual(inputShapesOf(taking(null, 3), [5, 3]), [[5, 3]]);
  assert.deepEqual(inputShapesOf(taking(null, 3), { x: [6, 3] }), [[6, 3]]);
  assert.deepEqual(inputShapesOf(twoByTwo(), { right: [2, 9] }), [[2], [2, 9]]);
  assert.deepEqual(inputShapesOf(twoByTwo(), { right: [2, 9], left: [2] }), [[2], [2, 9]]);
});

Deno.test("inputShapesOf() says which shape does not fit, and what is needed", () => {
  const other = (model: tfl.LayersModel, given: Parameters<typeof inputShapesOf>[1], message: string | RegExp) =>
    assert.throws(() => inputShapesOf(model, given), { name: "TypeError", message });
  other(taking(2, 3), [2, 4], 'Cannot feed "one": its input is [2,3], the data\'s is [2,4]');
  other(taking(2, 3), [1, 3], 'Cannot feed "one": its input is [2,3], the data\'s is [1,3]');
  other(taking(null, 3), [3], 'Cannot feed "one": its input is [,3], the data\'s is [3]');
  other(taking(2), [2, 1], 'Cannot feed "one": its input is [2], the data\'s is [2,1]');
  other(taking(null, 3), undefined, 'Cannot feed "one": its input is [?,3], inputShape is needed');
  other(twoByTwo(), undefined, 'Cannot feed "two": its input "right" is [2,?], inputShape is needed');
  other(twoByTwo(), { left: [3] }, 'Cannot feed "two": its input "left" is [2], the data\'s is [3]');
  other(twoByTwo(), [2], 'Cannot feed "two": it has 2 inputs, inputShape is needed by name: left, right');
});

Deno.test("inputShapesOf() suggests the nearest input where there is none of a name", () => {
  assert.throws(() => inputShapesOf(twoByTwo(), { rigth: [2, 1] }), {
    name: "RangeError",
    message: /^Cannot feed "two": it has no input "rigth", .*"right"/,
  });
});

const PICKING = { what: "target", doing: 'evaluate "two"' };

Deno.test("pickByName() gives what is asked for in its order, and passes over what else may be there", () => {
  assert.deepEqual(pickByName(["a", "b"], { b: 2, a: 1 }, PICKING), [1, 2]);
  assert.deepEqual(pickByName(["a"], { b: 2, a: 1 }, { ...PICKING, others: ["b"] }), [1]);
  assert.deepEqual(pickByName([], {}, PICKING), []);
});

Deno.test("pickByName() lets a single thing have any name, unless other names may be given", () => {
  assert.deepEqual(pickByName(["a"], { z: 5 }, PICKING), [5]);
  assert.throws(() => pickByName(["a"], { b: 2 }, { ...PICKING, others: ["b"] }), {
    name: "RangeError",
    message: 'Cannot evaluate "two": a batch has no target "a", only "b"',
  });
});

Deno.test("pickByName() says what is missing and what nobody knows", () => {
  const fails = (names: readonly string[], given: Readonly<Record<string, number>>, message: string | RegExp) =>
    assert.throws(() => pickByName(names, given, PICKING), { name: "RangeError", message });
  fails(["a"], {}, 'Cannot evaluate "two": a batch has no target "a", only none');
  fails(["a", "b", "c"], { a: 1, b: 2 }, 'Cannot evaluate "two": a batch has no target "c", only "a", "b"');
  fails(
    ["first", "b"],
    { first: 1, bb: 2 },
    'Cannot evaluate "two": there is no target "bb", needed is one of first, b',
  );
  fails(["a", "toString"], { a: 1 }, 'Cannot evaluate "two": a batch has no target "toString", only "a"');
});
