import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { adoptWeights, checkName, checkWhole, firstMask, isOwnClass, listOf, registerOwn, shapesOf } from "./custom.ts";

class Plain extends tfl.layers.Layer {
  static className = "CustomTestPlain";
}

const layer = new Plain({ name: "plain" });

Deno.test("registerOwn() makes a class known to TF.js and as this project's, again too", () => {
  assert.equal(isOwnClass("CustomTestPlain"), false);
  registerOwn(Plain);
  registerOwn(Plain);
  assert.equal(isOwnClass("CustomTestPlain"), true);
  assert.equal(isOwnClass("Dense"), false);
  const [known] = tf.serialization.SerializationMap.getMap().classNameMap.CustomTestPlain;
  assert.equal(known, Plain);
});

Deno.test("checkName() takes a text or nothing, and names the class of what is called anything else", () => {
  for (const args of [{}, { name: "a" }, { name: undefined }]) assert.equal(checkName(args, "Plain"), args);
  // As JSON may have it.
  const bad: { name: string } = JSON.parse('{ "name": 3 }');
  assert.throws(() => checkName(bad, "Plain"), /^RangeError: Cannot make "Plain": its name is 3, a text is needed$/);
});

Deno.test("checkWhole() takes whole numbers from the least on", () => {
  const what = { name: "heads", what: "number of heads", least: 2 };
  for (const value of [2, 3, Number.MAX_SAFE_INTEGER]) assert.equal(checkWhole(value, what), value);
  for (const value of [1, -2, 2.5, NaN, Infinity, 2 ** 53, "3", undefined, null, [2]]) {
    assert.throws(
      () => checkWhole(value, what),
      /^RangeError: Cannot make "heads": its number of heads is .+, a whole number from 2 is needed$/,
    );
  }
});

Deno.test("listOf() makes a list of one, and refuses too few and too many by what is needed", () => {
  const inputs = { layer, what: "queries and keys", least: 1, most: 2 };
  assert.deepEqual(listOf("a", inputs), ["a"]);
  assert.deepEqual(listOf(["a", "b"], inputs), ["a", "b"]);
  const told = (given: string[], least: number, most: number) => {
    try {
      return listOf(given, { ...inputs, least, most });
    } catch (error) {
      return String(error);
    }
  };
  const start = 'TypeError: Cannot call "plain": it is given';
  assert.equal(told(["a", "b", "c"], 1, 2), `${start} 3 inputs, needed are 1 or 2: queries and keys`);
  assert.equal(told(["a"], 2, 2), `${start} 1 input, needed are 2: queries and keys`);
  assert.equal(told([], 1, 1), `${start} 0 inputs, needed are 1: queries and keys`);
});

Deno.test("shapesOf() tells one shape from a list of shapes", () => {
  const inputs = { layer, what: "anything", least: 1, most: 3 };
  assert.deepEqual(shapesOf([null, 3, 4], inputs), [[null, 3, 4]]);
  assert.deepEqual(shapesOf([[null, 3], [null, 4]], inputs), [[null, 3], [null, 4]]);
  assert.throws(() => shapesOf([[null, 3], [null, 4]], { ...inputs, most: 1 }), /it is given 2 inputs, needed are 1:/);
});

Deno.test("firstMask() gives the first of several masks, and TF.js's nothing for none", () => {
  const [a, b] = [tf.tensor1d([1]), tf.tensor1d([0])];
  assert.equal(firstMask([a, b]), a);
  assert.equal(firstMask(b), b);
  assert.equal(firstMask(undefined), null);
  tf.dispose([a, b]);
});

Deno.test("adoptWeights() shares what is trained and what is not, ahead of the layer's own, frozen layers too", () => {
  for (const [innerTrains, outerTrains] of [[true, true], [false, true], [true, false], [false, false]]) {
    const inner = tfl.layers.batchNormalization({ name: "inner" });
    inner.build([null, 4]);
    const outer = tfl.layers.dense({ name: "outer", units: 2 });
    outer.build([null, 4]);
    [inner.trainable, outer.trainable] = [innerTrains, outerTrains];
    adoptWeights(outer, inner);
    // What is inside is frozen where the layer is.
    assert.deepEqual([inner.trainable, outer.trainable], [outerTrains, outerTrains]);
    outer.trainable = true;
    const names = (weights: readonly tfl.LayerVariable[]) => weights.map(({ originalName }) => originalName);
    assert.deepEqual(names(outer.trainableWeights), ["gamma", "beta", "kernel", "bias"]);
    assert.deepEqual(names(outer.nonTrainableWeights), ["moving_mean", "moving_variance"]);
    inner.trainable = true;
    assert.equal(outer.trainableWeights[0], inner.trainableWeights[0]);
  }
});
