/** Recurrent layers on the engine and in files, against TF.js's own on its cpu backend, which go step by step. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { toOnnx } from "../mod.ts";
import { Session } from "../src/runtime/session.ts";
import { onBothBackends } from "./_support/backends.ts";
import { randomArray, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

const KINDS = { lstm: layers.lstm, gru: layers.gru, simpleRNN: layers.simpleRNN } as const;
const MERGES = ["concat", "sum", "mul", "ave"] as const;
const ACTIVATIONS = ["tanh", "sigmoid", "hardSigmoid", "relu", "elu", "linear", "softsign", "softplus"] as const;
const GATES = ["hardSigmoid", "sigmoid"] as const;

/** One recurrent layer of a random net. */
interface Recurrent {
  readonly kind: keyof typeof KINDS;
  readonly units: number;
  readonly activation: typeof ACTIVATIONS[number];
  readonly recurrentActivation: typeof GATES[number];
  readonly useBias: boolean;
  readonly goBackwards: boolean;
  readonly implementation: 1 | 2;
  /** How a bidirectional layer merges its two; a layer of one direction if absent. */
  readonly merge?: typeof MERGES[number];
}

interface Net {
  readonly features: number;
  readonly steps: number;
  readonly batch: number;
  readonly stack: readonly Recurrent[];
  /** Whether the last layer gives all its states. */
  readonly sequences: boolean;
  /** Which steps are masked: none, those behind a random one, or any. */
  readonly masked: "none" | "tail" | "any";
  readonly seed: number;
}

const recurrent: fc.Arbitrary<Recurrent> = fc.record({
  kind: fc.constantFrom("lstm", "gru", "simpleRNN"),
  units: fc.integer({ min: 1, max: 9 }),
  activation: fc.constantFrom(...ACTIVATIONS),
  recurrentActivation: fc.constantFrom(...GATES),
  useBias: fc.boolean(),
  goBackwards: fc.boolean(),
  implementation: fc.constantFrom(1, 2),
  merge: fc.option(fc.constantFrom(...MERGES), { nil: undefined }),
});

const PLAIN = { useBias: true, goBackwards: false, implementation: 1 } as const;

const net: fc.Arbitrary<Net> = fc.record({
  features: fc.integer({ min: 1, max: 5 }),
  steps: fc.integer({ min: 1, max: 7 }),
  batch: fc.integer({ min: 1, max: 4 }),
  stack: fc.array(recurrent, { minLength: 1, maxLength: 2 }),
  sequences: fc.boolean(),
  masked: fc.constantFrom("none", "tail", "any"),
  seed: fc.integer({ min: 1, max: 1000 }),
});

function layerOf({ merge, kind, ...args }: Recurrent, returnSequences: boolean): tfl.layers.Layer {
  const layer = KINDS[kind]({ ...args, returnSequences, recurrentInitializer: "zeros" });
  // The type that `bidirectional` asks for is that of any recurrent layer.
  return merge === undefined ? layer : layers.bidirectional({ layer: layer as tfl.RNN, mergeMode: merge });
}

function modelOf({ features, steps, stack, sequences, masked, seed }: Net): tfl.LayersModel {
  const input = tfl.input({ shape: [steps, features], name: "series" });
  const behind = (x: tfl.SymbolicTensor, layer: tfl.layers.Layer) => layer.apply(x) as tfl.SymbolicTensor;
  const first = masked === "none" ? input : behind(input, layers.masking({ maskValue: 0 }));
  const output = stack.reduce((x, each, i) => behind(x, layerOf(each, sequences || i < stack.length - 1)), first);
  const model = seedWeights(tfl.model({ inputs: input, outputs: output }), seed);
  // Random weights of up to 1 saturate gates; behind each other, unbounded activations grow out of all bounds.
  tf.tidy(() => model.setWeights(model.getWeights().map((weight) => tf.mul(weight, 0.5))));
  return model;
}

function seriesOf({ batch, steps, features, masked, seed }: Net): Float32Array {
  const x = randomArray(batch * steps * features, seed);
  const chance = randomArray(batch * (steps + 1), seed + 1).map((value) => (value + 1) / 2);
  const isMasked = (sample: number, step: number) => {
    if (masked === "any") return chance[sample * (steps + 1) + step] < 0.4;
    return masked === "tail" && step >= Math.ceil(chance[sample * (steps + 1) + steps] * (steps + 1)) - 1;
  };
  return x.map((value, i) => isMasked(Math.floor(i / steps / features), Math.floor(i / features) % steps) ? 0 : value);
}

interface Made {
  readonly y: readonly number[];
  /** By the weights, in their order. */
  readonly gradients: readonly (readonly number[])[];
}

function answersOf(net: Net): Promise<Made> {
  const model = modelOf(net);
  const x = tf.tensor3d(seriesOf(net), [net.batch, net.steps, net.features]);
  const y = model.predict(x) as tf.Tensor;
  // TF.js 4.22 has no gradient of a single step: it fails to stack one tensor.
  const made = { y: Array.from(y.dataSync()), gradients: net.steps === 1 ? [] : gradientsOf(model, { x, y }) };
  tf.dispose([x, y]);
  model.dispose();
  return Promise.resolve(made);
}

function gradientsOf(model: tfl.LayersModel, { x, y }: { readonly x: tf.Tensor; readonly y: tf.Tensor }): number[][] {
  return tf.tidy(() => {
    const loss = () => tf.sum(tf.mul(model.apply(x, { training: true }) as tf.Tensor, randomTensor(y.shape, 5)));
    const { grads } = tf.variableGrads(loss as () => tf.Scalar);
    // What a layer's variable reads is the variable.
    return model.trainableWeights.map((weight) => Array.from(grads[(weight.read() as tf.Variable).name].dataSync()));
  });
}

/** Within 1e-5 of the number itself, or of the largest where that is greater than 1: sums cancel. */
function assertClose(actual: readonly number[], expected: readonly number[], what: string): void {
  const scale = Math.max(1, ...expected.map(Math.abs));
  assert.equal(actual.length, expected.length, what);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= 1e-5 * scale, `${what}: element ${i} is ${value}, not ${expected[i]}`);
  });
}

Deno.test("recurrent layers give what they give on cpu, and the same gradients, whatever their options", async () => {
  await fc.assert(
    fc.asyncProperty(net, async (net) => {
      const { actual, expected, fallbacks } = await onBothBackends(() => answersOf(net));
      assertClose(actual.y, expected.y, "answers");
      actual.gradients.forEach((gradient, i) => assertClose(gradient, expected.gradients[i], `gradient ${i}`));
      assert.deepEqual(fallbacks, {});
    }),
    { numRuns: 25, seed: 7 },
  );
});

Deno.test("toOnnx() writes recurrent layers as one node each, for any batch and any mask", async () => {
  await fc.assert(
    fc.asyncProperty(net, async (net) => {
      const { expected } = await onBothBackends(() => answersOf(net));
      const model = modelOf(net);
      const { bytes, graph } = await toOnnx(model);
      model.dispose();
      const nodes = graph.nodes.filter(({ op }) => ["LSTM", "GRU", "RNN"].includes(op));
      assert.equal(nodes.length, net.stack.reduce((sum, { merge }) => sum + (merge === undefined ? 1 : 2), 0));
      for (const { inputs } of nodes) {
        for (const name of inputs.slice(1, 4)) assert.ok(name === "" || graph.initializers.has(name), name);
      }
      const session = new Session(bytes, { threads: 1 });
      const shape = [net.batch, net.steps, net.features];
      const results = session.run({ series: { dtype: "float32", shape, data: seriesOf(net) } });
      session.dispose();
      assertClose(Array.from(results[graph.outputs[0]].data as Float32Array), expected.y, "answers of the file");
    }),
    { numRuns: 20, seed: 11 },
  );
});

Deno.test("toOnnx() names recurrent operators and their weights after their layers", async () => {
  const model = modelOf({
    ...{ features: 2, steps: 3, batch: 1, sequences: true, masked: "any", seed: 1 },
    stack: [
      { kind: "gru", units: 3, activation: "tanh", recurrentActivation: "sigmoid", ...PLAIN },
      { kind: "lstm", units: 2, activation: "tanh", recurrentActivation: "sigmoid", ...PLAIN, merge: "concat" },
    ],
  });
  const { graph } = await toOnnx(model);
  const [, , gru, both] = model.layers.map(({ name }) => name);
  model.dispose();
  const nodes = graph.nodes.filter(({ op }) => ["LSTM", "GRU"].includes(op));
  assert.deepEqual(nodes.map(({ name }) => name), [gru, both, `${both}/LSTM`]);
  const parts = ["kernel", "recurrent_kernel", "bias"];
  assert.deepEqual(nodes.map(({ inputs }) => inputs.slice(1, 4)), [
    parts.map((part) => `${gru}/${part}`),
    parts.map((part) => `${both}/${part}`),
    parts.map((part) => `${both}/${part}_1`),
  ]);
});

Deno.test("toOnnx() turns no states round that TF.js turns round twice", async () => {
  const model = modelOf({
    ...{ features: 2, steps: 3, batch: 1, sequences: true, masked: "none", seed: 1 },
    stack: [{ kind: "lstm", units: 2, activation: "tanh", recurrentActivation: "sigmoid", ...PLAIN, merge: "concat" }],
  });
  const { graph } = await toOnnx(model);
  model.dispose();
  const own = graph.nodes.map(({ op }) => op).filter((op) => op !== "Transpose" && op !== "Squeeze");
  assert.deepEqual(own, ["LSTM", "LSTM", "Concat"]);
});
