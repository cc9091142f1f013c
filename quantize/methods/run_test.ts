import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { forEachBatch, howFarApart, inParts, perChannel, runBatch, type Tap } from "./_run.ts";
import { contextOf } from "./_test_nets.ts";
import { STEPS } from "./mod.ts";

const { layers } = tfl;

function scaling(factor: number, side = 1): tfl.LayersModel {
  const dense = layers.dense({ units: 1, useBias: false, inputShape: [side, 1], name: "dense" });
  const model = tfl.sequential({ layers: [dense, layers.reLU({ name: "relu" })] });
  model.setWeights([tf.tensor2d([[factor]])]);
  return model;
}

const batch = (...values: number[]) => ({ inputs: { x: Float32Array.from(values) }, size: values.length });

Deno.test("runBatch() measures what layers read and give, and lets them give something else, for one run", () => {
  const model = scaling(3);
  const measured: number[] = [];
  const tap: Tap = {
    layer: model.getLayer("dense"),
    look: (y, x) => ({ measured: perChannel(tf.add(y, x), tf.mean), instead: tf.add(y, 1) }),
    take: (values) => measured.push(...values),
  };
  const before = tf.memory().numTensors;
  assert.deepEqual(runBatch(model, batch(1, 2), [tap]), [Float32Array.of(4, 7)]);
  assert.deepEqual(measured, [6]); // (4 + 8) / 2
  assert.deepEqual(runBatch(model, batch(1, 2)), [Float32Array.of(3, 6)]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("runBatch() leaves the model as it was when a run fails", () => {
  const model = scaling(3);
  const fails = () => {
    throw new Error("no");
  };
  assert.throws(
    () => runBatch(model, batch(1), [{ layer: model.getLayer("relu"), look: fails, take: () => {} }]),
    /no/,
  );
  assert.deepEqual(runBatch(model, batch(2)), [Float32Array.of(6)]);
});

Deno.test("forEachBatch() stops where it is told, tells how far it is, and hears the signal", async () => {
  const told: (readonly [number, number])[] = [];
  const seen: number[] = [];
  const context = {
    ...contextOf([batch(1, 2), batch(3, 4), batch(5, 6)]),
    onProgress: (...progress: [number, number]) => void told.push(progress),
  };
  await forEachBatch(context, ({ size }) => void seen.push(size), { samples: 3 });
  assert.deepEqual([seen, told], [[2, 2], [[2, 3], [4, 3]]]);
  const aborted = { ...context, signal: AbortSignal.abort(new Error("stop")) };
  await assert.rejects(forEachBatch(aborted, () => assert.fail("it ran")), /stop/);
});

Deno.test("inParts() cuts batches to what 128 MB hold, and keeps samples and their order", async () => {
  // 4 values of 2^22 floats at once: 64 MB a sample.
  const model = scaling(1, 2 ** 22);
  const cut = async (size: number) => {
    const wide = { inputs: { x: Float32Array.from({ length: size }, (_, i) => i) }, size };
    const found: number[][] = [];
    await forEachBatch(inParts(contextOf([wide]), model), ({ inputs }) => void found.push([...inputs.x]));
    return found;
  };
  assert.deepEqual(await cut(4), [[0, 1], [2, 3]]);
  // As even as can be, and all alike only where that takes no more than half as many again.
  assert.deepEqual(await cut(5), [[0, 1], [2], [3, 4]]);
  assert.deepEqual(await cut(1), [[0]]);
});

Deno.test("howFarApart() compares answers by their size", async () => {
  const said = await howFarApart(scaling(2), scaling(3), contextOf([batch(1, 2)]));
  assert.equal(said, "the float model's answers differ by 50 % of their size");
  assert.match(await howFarApart(scaling(2), scaling(2), contextOf([batch(1)])), / by 0 % /);
});

Deno.test("STEPS are done only where they are asked for: each has its price, which docs/methods.md shows", () => {
  assert.deepEqual(STEPS.filter(({ byDefault }) => byDefault).map(({ name }) => name), []);
});
