import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { ChannelShuffle, ChannelSplit, registerChannelLayers } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");
registerChannelLayers();

/** What a layer makes of `x`. */
function callOf(layer: tfl.layers.Layer, x: tf.Tensor): tf.Tensor {
  const y = layer.apply(x);
  assert.ok(y instanceof tf.Tensor);
  return y;
}

Deno.test("ChannelSplit gives equal parts of the channels, which lie beside each other", () => {
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 1, 2, 6]);
  const part = (parts: number, index: number) => [...callOf(new ChannelSplit({ parts, index }), x).dataSync()];
  assert.deepEqual(part(2, 0), [1, 2, 3, 7, 8, 9]);
  assert.deepEqual(part(2, 1), [4, 5, 6, 10, 11, 12]);
  assert.deepEqual(part(3, 2), [5, 6, 11, 12]);
  assert.deepEqual(part(1, 0), [...x.dataSync()]);
});

Deno.test("ChannelShuffle takes one channel of each group in turn", () => {
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [1, 6]);
  const shuffled = (groups: number) => [...callOf(new ChannelShuffle({ groups }), x).dataSync()];
  assert.deepEqual(shuffled(2), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(shuffled(3), [1, 3, 5, 2, 4, 6]);
  assert.deepEqual([shuffled(1), shuffled(6)], [[...x.dataSync()], [...x.dataSync()]]);
});

Deno.test("ChannelShuffle undoes itself when groups become as many as each had channels", () => {
  const size = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(size, size, fc.array(size, { minLength: 1, maxLength: 4 }), (groups, channels, outer) => {
      const x = tf.randomUniform([...outer, groups * channels], -1, 1, "float32", 1);
      const back = callOf(new ChannelShuffle({ groups: channels }), callOf(new ChannelShuffle({ groups }), x));
      assert.deepEqual([back.shape, back.dataSync()], [x.shape, x.dataSync()]);
    }),
    { numRuns: 30, seed: 2 },
  );
});

Deno.test("ChannelSplit and ChannelShuffle send gradients back to where channels came from", () => {
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [1, 6]);
  const gradient = (
    layer: tfl.layers.Layer,
    factors: readonly number[],
  ) => [...tf.grad((x) => tf.sum(tf.mul(callOf(layer, x), tf.tensor1d([...factors]))))(x).dataSync()];
  assert.deepEqual(gradient(new ChannelSplit({ parts: 3, index: 1 }), [7, 8]), [0, 0, 7, 8, 0, 0]);
  assert.deepEqual(gradient(new ChannelShuffle({ groups: 2 }), [1, 2, 3, 4, 5, 6]), [1, 3, 5, 2, 4, 6]);
});

Deno.test("models with ChannelSplit and ChannelShuffle are the same when they are made again from their JSON", async () => {
  const input = tfl.input({ shape: [3, 3, 4] });
  const half = new ChannelSplit({ index: 1, name: "half" }).apply(input) as tfl.SymbolicTensor;
  const outputs = new ChannelShuffle({ groups: 2, name: "shuffle" }).apply(half) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: input, outputs });
  assert.deepEqual(model.outputs[0].shape, [null, 3, 3, 2]);
  const again = await tfl.models.modelFromJSON(JSON.parse(model.toJSON(undefined, true) as string));
  const x = tf.randomUniform([2, 3, 3, 4], -1, 1, "float32", 3);
  const answers = [model, again].map((model) => (model.predict(x) as tf.Tensor).dataSync());
  assert.deepEqual(answers[1], answers[0]);
});

Deno.test("ChannelSplit and ChannelShuffle refuse what they cannot be, or be given", () => {
  const input = (shape: (number | null)[]) => tfl.input({ shape });
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => new ChannelSplit({ parts: 2, index: 2, name: "s" }),
      /Cannot make "s": its index is 2, one below .* parts, 2/,
    ],
    [() => new ChannelSplit({ parts: 0 }), /number of parts is 0, a whole number from 1 is needed/],
    [() => new ChannelSplit({ index: -1 }), /index is -1, a whole number from 0/],
    [() => new ChannelShuffle({ groups: 1.5 }), /number of groups is 1.5/],
    [
      () => new ChannelShuffle({ name: "s" }).apply(input([5])),
      /Cannot build "s": its input is \[\?,5\].* multiple of 2/,
    ],
    [() => new ChannelSplit({ parts: 3 }).apply(input([2, 2, null])), /its input is \[\?,2,2,\?\]/],
    [() => new ChannelSplit().apply([input([2]), input([2])]), /it is given 2 inputs, needed are 1/],
  ];
  for (const [make, message] of refused) assert.throws(make, message);
});
