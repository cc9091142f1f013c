import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertAgree, onBothBackends } from "../../tests/_support/backends.ts";
import { randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { registerBackend } from "../backend/mod.ts";
import { shadow } from "../shadow.ts";
import { ResetAfterGRUCell } from "./reset_after.ts";

const { layers } = tfl;

const KERNELS = ["Lstm", "Gru", "SimpleRnn"];

/** Calls `fn` and lists the kernels of recurrent layers that it runs. */
function kernelsOf(fn: () => unknown): string[] {
  const run: string[] = [];
  const restore = shadow(tf.engine(), "runKernel", (next, kernel, inputs, attrs) => {
    if (KERNELS.includes(kernel)) run.push(kernel);
    return next(kernel, inputs, attrs);
  });
  try {
    tf.tidy(() => void fn());
  } finally {
    restore();
  }
  return run;
}

const shape = [5, 3];
const zeros = { recurrentInitializer: "zeros" } as const;
const lstm = (args: object = {}) => layers.lstm({ units: 4, inputShape: shape, ...zeros, ...args });
const series = () => randomTensor([2, ...shape], 3);

function modelOf(...stack: readonly tfl.layers.Layer[]): tfl.LayersModel {
  return seedWeights(tfl.sequential({ layers: [...stack] }));
}

Deno.test("a recurrent layer runs one kernel on the engine, and none on other backends", async () => {
  await registerBackend();
  const model = modelOf(
    lstm({ returnSequences: true }),
    layers.gru({ units: 3, returnSequences: true, ...zeros }),
    layers.bidirectional({ layer: layers.simpleRNN({ units: 2, ...zeros }) as tfl.RNN, mergeMode: "sum" }),
  );
  const predict = () => model.predict(series());
  assert.deepEqual(kernelsOf(predict), ["Lstm", "Gru", "SimpleRnn", "SimpleRnn"]);
  await tf.setBackend("cpu");
  assert.deepEqual(kernelsOf(predict), []);
  await registerBackend();
});

Deno.test("what no kernel computes stays TF.js's own, and gives the same", async () => {
  const cells = () => [4, 3].map((units) => layers.lstmCell({ units, ...zeros }));
  const masked = layers.masking({ maskValue: 0, inputShape: shape });
  const kept: readonly (readonly [string, () => tfl.LayersModel])[] = [
    ["an activation that ONNX has not", () => modelOf(lstm({ activation: "swish" }))],
    ["gates by such a one", () => modelOf(lstm({ recurrentActivation: "selu" }))],
    ["states that are kept", () => modelOf(lstm({ stateful: true, batchInputShape: [2, ...shape] }))],
    ["stacked cells", () => modelOf(layers.rnn({ cell: cells(), inputShape: shape }) as tfl.RNN)],
  ];
  for (const [what, make] of kept) {
    const { actual, expected, fallbacks } = await onBothBackends(() => {
      const model = make();
      const answers = Array.from((model.predict(series()) as tf.Tensor).dataSync());
      assert.deepEqual(kernelsOf(() => model.predict(series())), [], what);
      return Promise.resolve(answers);
    });
    assertAgree(actual, expected, 1e-5);
    assert.deepEqual(fallbacks, {}, what);
  }
  const training = modelOf(masked, lstm({ dropout: 0.5 }));
  assert.deepEqual(kernelsOf(() => training.apply(series(), { training: true })), []);
  assert.deepEqual(kernelsOf(() => training.apply(series(), { training: false })), ["Lstm"]);
});

Deno.test("states go in and come out as they do on cpu, and have gradients", async () => {
  for (const make of [layers.lstm, layers.gru, layers.simpleRNN]) {
    const { actual, expected } = await onBothBackends(() => {
      const layer = make({ units: 4, returnState: true, returnSequences: true, ...zeros });
      const states = make === layers.lstm ? [1, 2] : [1];
      const fed = [series(), ...states.map((seed) => randomTensor([2, 4], seed))];
      // TF.js 4.22 runs no model whose layers have initial states; layers by themselves take them.
      const apply = ([x, ...initialState]: tf.Tensor[]) => layer.apply(x, { initialState }) as tf.Tensor[];
      apply(fed);
      if (tf.getBackend() !== "cpu") assert.equal(kernelsOf(() => apply(fed)).length, 1);
      layer.setWeights(layer.getWeights().map((weight, i) => randomTensor(weight.shape, i)));
      const total = (...tensors: tf.Tensor[]) =>
        tf.addN(apply(tensors).map((result, i) => tf.sum(tf.mul(result, i + 1)))) as tf.Scalar;
      const results = [...apply(fed), ...tf.grads(total)(fed)];
      return Promise.resolve(results.map((tensor) => Array.from(tensor.dataSync())));
    });
    actual.forEach((values, i) => assertAgree(values, expected[i], 1e-5));
  }
});

Deno.test("a GRU that resets afterwards runs the kernel, gives what its cell does, and is loaded as it was saved", async () => {
  for (const useBias of [true, false]) {
    const { actual, expected, fallbacks } = await onBothBackends(async () => {
      const cell = new ResetAfterGRUCell({
        units: 4,
        activation: "softsign",
        recurrentActivation: "hardSigmoid",
        useBias,
      });
      const layer = layers.rnn({ cell, goBackwards: true, returnSequences: true, inputShape: shape }) as tfl.RNN;
      const model = modelOf(layer);
      if (tf.getBackend() !== "cpu") assert.deepEqual(kernelsOf(() => model.predict(series())), ["Gru"]);
      const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
      assert.deepEqual(variables.map(({ shape }) => shape), [[3, 12], [4, 12], ...(useBias ? [[12], [4]] : [])]);
      const total = () => tf.sum(tf.square(model.predict(series()) as tf.Tensor)) as tf.Scalar;
      const { grads } = tf.variableGrads(total, variables);
      const loaded = await tfl.models.modelFromJSON({ modelTopology: Object(model.toJSON(null, false)) });
      loaded.setWeights(model.getWeights());
      const answers = [model, loaded].map((each) => each.predict(series()) as tf.Tensor);
      return [...answers, ...variables.map(({ name }) => grads[name])].map((each) => Array.from(each.dataSync()));
    });
    actual.forEach((values, i) => assertAgree(values, expected[i], 1e-5));
    assert.deepEqual(actual[0], actual[1]);
    assert.deepEqual(fallbacks, {});
  }
});

Deno.test("ResetAfterGRUCell starts from weights within 1 / √units, as PyTorch's do, biases too", () => {
  const cell = new ResetAfterGRUCell({ units: 16 });
  cell.build([null, 3]);
  for (const weight of cell.weights) {
    const largest = Math.max(...weight.read().dataSync().map(Math.abs));
    assert.ok(largest <= 0.25 && largest > 0.15, `${weight.originalName}: ${largest}`);
  }
  assert.deepEqual([cell.weights.length, cell.built], [4, true]);
});

Deno.test("ResetAfterGRUCell says what it needs", () => {
  for (const units of [0, 1.5, NaN]) assert.throws(() => new ResetAfterGRUCell({ units }), RangeError);
  const cell = new ResetAfterGRUCell({ units: 2 });
  assert.throws(() => cell.call([tf.zeros([1, 3]), tf.zeros([1, 2])]), /the cell is not built yet/);
  assert.throws(() => cell.build([null, null]), /its number of features is .*, a whole number from 1 is needed/);
});

Deno.test("initial states of one layer of a model are not those of the next, in training neither", async () => {
  await registerBackend();
  const [x, h] = [tfl.input({ shape }), tfl.input({ shape: [4] })];
  const first = layers.gru({ units: 4, returnSequences: true, ...zeros });
  const second = layers.simpleRNN({ units: 2, ...zeros });
  const model = seedWeights(
    tfl.model({ inputs: [x, h], outputs: second.apply(first.apply([x, h])) as tfl.SymbolicTensor }),
  );
  const fed = [series(), randomTensor([2, 4], 5)];
  const alone = second.apply(first.apply([...fed])) as tf.Tensor;
  for (const training of [false, true]) {
    const answer = model.apply(fed, { training }) as tf.Tensor;
    assertAgree(Array.from(answer.dataSync()), Array.from(alone.dataSync()), 1e-6);
  }
});

Deno.test("a kernel runs exactly where it computes what the call asks for", async () => {
  await registerBackend();
  const called = (args: object, kwargs: object = {}, x: tf.Tensor | tf.Tensor[] = series()) => {
    const layer = lstm(args);
    layer.build([null, ...shape]);
    return kernelsOf(() => layer.call(x, kwargs));
  };
  const training = { training: true };
  assert.deepEqual(called({}, training), ["Lstm"]);
  // TF.js's cells drop nothing at a rate of 1.
  for (const rate of [0, 1]) assert.deepEqual(called({ dropout: rate, recurrentDropout: rate }, training), ["Lstm"]);
  for (const dropped of ["dropout", "recurrentDropout"]) assert.deepEqual(called({ [dropped]: 0.5 }, training), []);
  assert.deepEqual(called({}, {}, [series()]), ["Lstm"]);
  assert.deepEqual(called({}, {}, tf.zeros([2, ...shape], "int32")), []);
  assert.throws(() => called({}, {}, [series(), series()]), /Expected Tensor length to be 1; got 2/);
  const ones = (...dims: number[]) => tf.ones([2, 5, ...dims], "bool");
  assert.deepEqual(called({}, { mask: ones() }), ["Lstm"]);
  assert.deepEqual(called({}, { mask: ones(1) }), ["Lstm"]);
  assert.deepEqual(called({}, { mask: ones(4) }), [], "a mask of every unit");
  const states = (dtype: "float32" | "int32") => [tf.zeros([2, 4]), tf.zeros([2, 4], dtype)];
  assert.deepEqual(called({}, { initialState: states("float32") }), ["Lstm"]);
  assert.deepEqual(called({}, { initialState: states("int32") }), []);
  const three = [...states("float32"), tf.zeros([2, 4])];
  assert.throws(() => called({}, { initialState: three }), /has 2 state\(s\) but was passed 3/);
});

Deno.test("a cell of somebody else's is not taken for TF.js's own by its name", async () => {
  await registerBackend();
  const own = layers.simpleRNNCell({ units: 4, ...zeros });
  // A constructor of what it made.
  class Doubled extends (own.constructor as new (args: object) => typeof own) {
    override call(inputs: tf.Tensor[], kwargs: object): tf.Tensor[] {
      return [super.call(inputs, kwargs)].flat().map((tensor) => tf.mul(tensor, 2));
    }
  }
  const layer = layers.rnn({ cell: new Doubled({ units: 4, ...zeros }), inputShape: shape }) as tfl.RNN;
  assert.equal(layer.cell.getClassName(), "SimpleRNNCell");
  assert.deepEqual(kernelsOf(() => modelOf(layer).predict(series())), []);
});

Deno.test("weights are told by their names, whichever are trained, and cells by their class", async () => {
  const { actual, expected, fallbacks } = await onBothBackends(() => {
    const layer = layers.rnn({ cell: layers.gruCell({ units: 4, ...zeros }), inputShape: shape }) as tfl.RNN;
    const model = modelOf(layer);
    layer.cell.weights[0].trainable = false;
    assert.match(layer.cell.weights[0].originalName, /recurrent_kernel$/);
    if (tf.getBackend() !== "cpu") assert.deepEqual(kernelsOf(() => model.predict(series())), ["Gru"]);
    return Promise.resolve(Array.from((model.predict(series()) as tf.Tensor).dataSync()));
  });
  assertAgree(actual, expected, 1e-5);
  assert.deepEqual(fallbacks, {});
});

Deno.test("a bidirectional layer gives the states of both directions, merged or not", async () => {
  for (const mergeMode of ["concat", null] as const) {
    const { actual, expected } = await onBothBackends(() => {
      const layer = lstm({ returnState: true, returnSequences: true }) as tfl.RNN;
      // TF.js takes null, which gives both results, and its types do not say so.
      const both = layers.bidirectional({ layer, mergeMode: mergeMode as "concat" });
      both.apply(series());
      both.setWeights(both.getWeights().map((weight, i) => randomTensor(weight.shape, i)));
      const results = both.apply(series()) as tf.Tensor[];
      return Promise.resolve(results.map((tensor) => Array.from(tensor.dataSync())));
    });
    assert.equal(actual.length, mergeMode === null ? 6 : 5);
    actual.forEach((values, i) => assertAgree(values, expected[i], 1e-5));
  }
});

Deno.test("recurrent layers leave no tensors behind, masked or not, in training or not", async () => {
  await registerBackend();
  const model = modelOf(
    layers.masking({ maskValue: 0, inputShape: shape }),
    layers.bidirectional({ layer: lstm({ returnSequences: true }) as tfl.RNN, mergeMode: "concat" }),
    layers.gru({ units: 3, ...zeros }),
  );
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const [x, y] = [series(), randomTensor([2, 3], 4)];
  const step = async () => {
    await model.trainOnBatch(x, y);
    tf.dispose(model.predict(x));
  };
  await step();
  const before = tf.memory().numTensors;
  await step();
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("NaN and what overflows in a recurrent layer is seen on the engine", async () => {
  for (const make of [layers.lstm, layers.gru, layers.simpleRNN]) {
    for (const activation of ["tanh", "relu", "linear"] as const) {
      const { actual, expected } = await onBothBackends(() => {
        const model = modelOf(make({ units: 9, activation, returnSequences: true, inputShape: [3, 2], ...zeros }));
        const answers = [NaN, Infinity, 1e38].flatMap((odd) => {
          const x = randomTensor([2, 3, 2], 1).dataSync().with(2, odd);
          return Array.from((model.predict(tf.tensor3d(x as Float32Array, [2, 3, 2])) as tf.Tensor).dataSync());
        });
        return Promise.resolve(answers.map(Number.isNaN));
      });
      assert.ok(expected.includes(true));
      assert.deepEqual(actual, expected);
    }
  }
});
