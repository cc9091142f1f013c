/** How a topology becomes a model: within what its manifest holds, watched, and with nothing left behind. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { BuildError, buildTopology, placeOf, watchCalls } from "./_build.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** A layer of a topology. */
interface Part {
  readonly class_name: string;
  readonly config: Record<string, unknown>;
}

const dense = (config: Record<string, unknown>): Part => ({
  class_name: "Dense",
  config: { use_bias: false, ...config },
});
const INPUT = { batch_input_shape: [null, 3], dtype: "float32" };

/** A Sequential topology. */
const chain = (...layers: readonly Part[]) => ({ class_name: "Sequential", config: { name: "chain", layers } });

/** A group of a manifest that holds float32 weights of these shapes. */
function group(shapes: Readonly<Record<string, number[]>>, kind?: "optimizer") {
  const weights = Object.entries(shapes).map(([name, shape]) => ({
    name,
    shape,
    dtype: "float32" as const,
    ...(kind === undefined ? {} : { group: kind }),
  }));
  return { paths: [], weights };
}

/** Builds, refuses, and tells why and how many tensors stayed. */
async function refusal(...args: Parameters<typeof buildTopology>): Promise<string> {
  const before = tf.memory().numTensors;
  const error = await buildTopology(...args).then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof BuildError, String(error));
  assert.equal(error.name, "BuildError");
  assert.equal(tf.memory().numTensors, before, "tensors stay");
  return error.message;
}

Deno.test("buildTopology() makes the model with weights of 0, and leaves what it was given as it was", async () => {
  const topology = chain(
    dense({ name: "a", units: 2, ...INPUT, kernel_initializer: { class_name: "Ones", config: {} } }),
  );
  const before = structuredClone(topology);
  const made = await buildTopology(topology, [group({ "a/kernel": [3, 2] })]);
  assert.ok(made instanceof tfl.LayersModel);
  assert.deepEqual(made.weights.map((weight) => [...weight.read().dataSync()]), [[0, 0, 0, 0, 0, 0]]);
  assert.deepEqual(topology, before);
  made.dispose();
});

Deno.test("buildTopology() adds up what the layers need, over all groups, without what is an optimizer's", async () => {
  const [a, b] = [dense({ name: "a", units: 2, ...INPUT }), dense({ name: "b", units: 4 })];
  const kernels = [group({ "a/kernel": [3, 2] }), group({ "b/kernel": [2, 4] })];
  (await buildTopology(chain(a, b), kernels)).dispose();
  const adam = group({ "b/kernel/m": [2, 4] }, "optimizer");
  assert.equal(
    await refusal(chain(a, b), [kernels[0], adam]),
    'the layer "b" needs the weight "b/kernel", which "weightsManifest" does not have',
  );
  // A weight of another name is told by whoever fills weights, where there is room for it.
  (await buildTopology(chain(a, b), [kernels[0], group({ other: [8] })])).dispose();
  assert.match(
    await refusal(chain(a, b), [kernels[0], group({ other: [7] })]),
    /which "weightsManifest" does not have$/,
  );
  assert.equal(
    await refusal(chain(a, b), [kernels[0], group({ "b/kernel": [4, 2] })]),
    'the layer "b" needs the weight "b/kernel" of shape [2,4], "weightsManifest" has shape [4,2]',
  );
});

Deno.test("buildTopology() counts a weight again that is made again", async () => {
  const twice = chain(dense({ name: "a", units: 3, ...INPUT }), dense({ name: "a", units: 3 }));
  assert.equal(
    await refusal(twice, [group({ "a/kernel": [3, 3] })]),
    'the layer "a" needs the weight "a/kernel" of shape [3,3], with which it has 18 numbers, "weightsManifest" has 9',
  );
});

Deno.test("buildTopology() takes values of as many numbers as memory holds, and none of more", async () => {
  const relu = (...sizes: number[]) =>
    chain({ class_name: "ReLU", config: { name: "big", batch_input_shape: [null, ...sizes], dtype: "float32" } });
  for (const sizes of [[2 ** 27], [2 ** 13, 2 ** 14], [1]]) (await buildTopology(relu(...sizes), [])).dispose();
  assert.equal(
    await refusal(relu(2 ** 27 + 1), []),
    'the layer "big" gives [?,134217729], 134217729 numbers a sample, 134217728 at most are needed',
  );
  assert.match(await refusal(relu(2 ** 13, 2 ** 14 + 1), []), /gives \[\?,8192,16385\], 134225920 numbers a sample/);
  assert.match(await refusal(relu(5, 0), []), /gives \[\?,5,0\], sizes of at least 1 are needed$/);
  assert.match(await refusal(relu(5, 1.5), []), /gives \[\?,5,1.5\], whole numbers are needed$/);
});

Deno.test("buildTopology() stops watching when it is done, well or not", async () => {
  const { prototype } = tfl.layers.Layer;
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const state = () => [prototype.apply, Reflect.get(prototype, "addWeight"), ...Object.values(classNameMap)];
  const before = state();
  const good = chain(dense({ name: "a", units: 2, ...INPUT }));
  (await buildTopology(good, [group({ "a/kernel": [3, 2] })])).dispose();
  await refusal(good, []);
  const after = state();
  assert.equal(after.length, before.length);
  after.forEach((value, i) => assert.equal(value, before[i]));
});

/** The error that `work` ends in. */
async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("placeOf() tells which layer was being made when TensorFlow.js failed", async () => {
  const made = await errorOf(() => buildTopology(chain(dense({ name: "bad", units: -1, ...INPUT })), []));
  assert.deepEqual(placeOf(made), { layer: "bad", className: "Dense" });
  const nameless = await errorOf(() => buildTopology(chain(dense({ name: 7, units: -1, ...INPUT })), []));
  assert.deepEqual(placeOf(nameless), { layer: "7", className: "Dense" });
  for (const other of [new Error("x"), "text", null, undefined]) assert.equal(placeOf(other), undefined);
});

Deno.test("placeOf() tells the innermost layer that was called, and on what, while calls are watched", async () => {
  const inner = tfl.sequential({
    layers: [tfl.layers.reshape({ name: "inside", targetShape: [4], inputShape: [2, 2] })],
    name: "outer",
  });
  const x = tf.zeros([1, 5, 2]);
  const end = watchCalls();
  try {
    const direct = await errorOf(() => tfl.layers.reshape({ name: "alone", targetShape: [3] }).apply(x));
    assert.deepEqual(placeOf(direct), { layer: "alone", className: "Reshape", reads: ["[1,5,2]"] });
    const add = await errorOf(() => tfl.layers.add({ name: "sum" }).apply([x, tf.zeros([1, 4, 2])]));
    assert.deepEqual(placeOf(add), { layer: "sum", className: "Add", reads: ["[1,5,2]", "[1,4,2]"] });
    const nested = await errorOf(() => inner.apply(tf.zeros([1, 3, 3])));
    assert.deepEqual(placeOf(nested), { layer: "inside", className: "Reshape", reads: ["[1,3,3]"] });
  } finally {
    end();
  }
  assert.equal(placeOf(await errorOf(() => tfl.layers.reshape({ targetShape: [3] }).apply(x))), undefined);
});
