/** Training steps of recurrent layers as one kernel, against TF.js's way, on the same engine. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { randomTensor } from "../../tests/_support/small_models.ts";
import { registerBackend } from "../backend/mod.ts";

const { layers } = tfl;

const KINDS = {
  lstm: { layer: layers.lstm, cell: layers.lstmCell },
  gru: { layer: layers.gru, cell: layers.gruCell },
  simpleRNN: { layer: layers.simpleRNN, cell: layers.simpleRNNCell },
} as const;

const SIZES = [
  { kind: "lstm", units: 32, batch: 32 },
  { kind: "lstm", units: 128, batch: 64 },
  { kind: "gru", units: 128, batch: 64 },
  { kind: "simpleRNN", units: 128, batch: 64 },
] as const;

/** Rows of a picture of MNIST. */
const SERIES = [28, 28];

function modelOf(layer: tfl.layers.Layer): tfl.LayersModel {
  const model = tfl.sequential({ layers: [layer, layers.dense({ units: 10, activation: "softmax" })] });
  // As far from 0 as initial weights are.
  model.setWeights(model.getWeights().map((weight, i) => tf.mul(randomTensor(weight.shape, i), 0.1)));
  model.compile({ optimizer: tf.train.adam(), loss: "categoricalCrossentropy" });
  return model;
}

for (const { kind, units, batch } of SIZES) {
  const group = `${kind}, ${units} units, 28 steps, batch ${batch}`;
  const args = { units, inputShape: SERIES, recurrentInitializer: "zeros" } as const;
  const make = {
    kernel: () => KINDS[kind].layer(args),
    // Cells in a stack, of one here, are left to TF.js.
    "step by step": () => layers.rnn({ ...args, cell: [KINDS[kind].cell(args)] }),
  };
  for (const [name, layer] of Object.entries(make)) {
    let step: (() => Promise<unknown>) | undefined;
    Deno.bench({ name, group, baseline: name === "step by step", n: 12, warmup: 4 }, async (b) => {
      if (step === undefined) {
        await registerBackend({ threads: 1 });
        const model = modelOf(layer());
        const x = randomTensor([batch, ...SERIES], 1);
        const y = tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % 10), "int32"), 10);
        step = () => model.trainOnBatch(x, y);
      }
      b.start();
      await step();
      b.end();
    });
  }
}
