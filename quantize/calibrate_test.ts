import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { inputFor, nestedModel, predict, sequentialModel } from "../tests/_support/small_models.ts";
import { seeded } from "../src/quant/_test_support.ts";
import { FakeQuantize, layersIn, OBSERVER_NAMES, type ObserverName } from "../src/quant/mod.ts";
import { calibrate, uncalibratedIn } from "./calibrate.ts";
import { type PrepareOptions, prepareQat } from "./prepare.ts";

tf.env().set("PROD", true);

Deno.test("calibrate() observes the range of what it is given and then stops", async () => {
  const { model } = prepareQat(nestedModel());
  const [input] = inputFor(model);
  assert.equal(uncalibratedIn(model).length, 5);
  const before = tf.memory().numTensors;
  assert.equal(await calibrate(model, [input]), 1);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(uncalibratedIn(model), []);
  const layer = model.getLayer("inner_image_quant");
  assert.ok(layer instanceof FakeQuantize);
  const values = input.dataSync();
  assert.deepEqual(layer.readRange(), { min: Math.min(...values), max: Math.max(...values) });
  predict(model, [tf.mul(input, 100)]);
  assert.equal(layer.readRange().max, Math.max(...values));
});

Deno.test("calibrate() takes asynchronous batches and refuses none and empty ones", async () => {
  const { model } = prepareQat(sequentialModel());
  async function* batches() {
    for (const seed of [1, 2, 3]) yield await Promise.resolve(inputFor(model, seed));
  }
  assert.equal(await calibrate(model, batches()), 3);
  await assert.rejects(calibrate(model, []), { name: "RangeError", message: /"seq": there is no batch/ });
  await assert.rejects(calibrate(model, [tf.zeros([0, 8, 8, 3])]), /a batch is empty/);
  assert.ok(layersIn(model).every((layer) => !(layer instanceof FakeQuantize) || !layer.calibrating));
});

/** One value in, doubled and out again; the quantizers are "x_quant" and "double_quant". */
function doubling(options: PrepareOptions = {}): tfl.LayersModel {
  const double = tfl.layers.dense({ units: 1, useBias: false, name: "double", inputShape: [1] });
  const float = tfl.sequential({ layers: [double] });
  double.setWeights([tf.tensor2d([[2]])]);
  return prepareQat(float, options).model;
}

function rangesOf(model: tfl.LayersModel): number[][] {
  return layersIn(model).filter((layer) => layer instanceof FakeQuantize).map((layer) => {
    const { min, max } = layer.readRange();
    return [min, max];
  });
}

const column = (...values: number[]) => tf.tensor2d(values, [values.length, 1]);
const BLACK_FIRST = [column(0, 0), ...Array.from({ length: 20 }, () => column(-1, 1))];

Deno.test("calibrate() covers what it is given after a black batch, though layers name a moving average", async () => {
  const model = doubling();
  await calibrate(model, BLACK_FIRST);
  const [input, output] = rangesOf(model);
  assert.deepEqual(input, [-1, 1]);
  output.forEach((end, i) => assert.ok(Math.abs(end - [-2, 2][i]) < 0.02, String(end)));
});

Deno.test("calibrate() follows a moving average before training, and where it is asked for one", async () => {
  const expected = 1 - 0.99 ** 20;
  for (
    const run of [
      async () => {
        const model = doubling();
        await calibrate(model, BLACK_FIRST, { beforeTraining: true });
        return model;
      },
      async () => {
        const model = doubling({ recipe: { rules: [{ match: {}, then: { observer: "min-max" } }] } });
        await calibrate(model, BLACK_FIRST, { observer: "moving-average" });
        return model;
      },
    ]
  ) {
    const [[min, max]] = rangesOf(await run());
    assert.ok(Math.abs(max - expected) < 1e-6 && Math.abs(min + expected) < 1e-6, `${min} to ${max}`);
  }
});

Deno.test("calibrate() covers what it is given before training, where training leaves the range", async () => {
  const model = tfl.sequential({ layers: [new FakeQuantize({ inputShape: [1], onlyCalibrated: true })] });
  await calibrate(model, BLACK_FIRST, { beforeTraining: true });
  assert.deepEqual(rangesOf(model), [[-1, 1]]);
});

Deno.test("calibrate() goes on from the ranges that it found before", async () => {
  const model = doubling();
  await calibrate(model, [column(-1, 1)]);
  await calibrate(model, [column(-0.5, 3)]);
  assert.deepEqual(rangesOf(model)[0], [-1, 3]);
});

for (
  const [what, batch, layer] of [
    ["NaN", [1, NaN], "double_input_quant"],
    ["Infinity", [1, Infinity], "double_input_quant"],
    ["numbers that overflow inside", [0, 3e38], "double_quant"],
  ] as const
) {
  for (
    const options of [
      {},
      { observer: "mse" },
      { observer: "histogram" },
      { values: "float" },
      { observer: (name: string) => name === "double_quant" ? "min-max" : "octav" },
    ] as const
  ) {
    const how = "observer" in options ? String(options.observer) : JSON.stringify(options);
    Deno.test(`calibrate(${how}) names layer and sample when data holds ${what}, and leaves all as it was`, async () => {
      const model = doubling();
      await calibrate(model, [column(-1, 1)]);
      const before = rangesOf(model);
      const tensors = tf.memory().numTensors;
      const batches = [column(-5, 5, 0), column(...batch)];
      await assert.rejects(calibrate(model, batches, options), (error: Error) => {
        const given = batch[1] > 1e38 && Number.isFinite(batch[1]) ? "Infinity" : String(batch[1]);
        assert.match(
          error.message,
          new RegExp(
            `^Cannot calibrate model "\\w+": in batch 2 the layer "${layer}" is given ${given} for sample 5, finite`,
          ),
        );
        return error instanceof RangeError;
      });
      tf.dispose(batches);
      assert.equal(tf.memory().numTensors, tensors);
      assert.deepEqual(rangesOf(model), before);
      assert.ok(layersIn(model).every((one) => !(one instanceof FakeQuantize) || (!one.calibrating && one.enabled)));
    });
  }
}

Deno.test("calibrate() refuses a range that no grid spans, and leaves it as it was", async () => {
  // A moving average only goes a hundredth of the way there.
  const others = OBSERVER_NAMES.filter((name) => name !== "moving-average") as readonly ObserverName[];
  for (const observer of others) {
    const model = tfl.sequential({ layers: [new FakeQuantize({ name: "x", inputShape: [1] })] });
    await calibrate(model, [column(-1, 1)]);
    await assert.rejects(calibrate(model, [column(-3e38, 3e38)], { observer }), {
      name: "RangeError",
      message: /^Cannot calibrate model "\w+": .*the layer "x" is given numbers too large for a grid, finite numbers/,
    });
    assert.deepEqual(rangesOf(model), [[-1, 1]]);
  }
});

/** Values of a bell with one far outside, in batches of 50. */
function* bells(): Generator<tf.Tensor> {
  const next = seeded(1);
  for (let batch = 0; batch < 4; batch++) {
    yield column(...Array.from({ length: 50 }, (_, i) => i < 1 ? (batch - 1.5) * 4 : next() + next() + next() - 1.5));
  }
}

/** Room for the values of three samples of `doubling`, 24 bytes each, beside what two observers keep. */
const ROOM_FOR_THREE = 2 * 2 ** 20 + 3 * 24;

for (const observer of ["min-max", "histogram", "mse", "percentile", "entropy", "octav"] as const) {
  Deno.test(`calibrate() by ${observer} takes batches in parts that memory has room for, which changes no range`, async () => {
    const [whole, parts] = [doubling(), doubling()];
    const told: number[][] = [];
    // By quantized values ranges would depend on the ones found so far.
    await calibrate(whole, bells(), { observer, values: "float" });
    const onProgress = (...now: number[]) => told.push(now);
    await calibrate(parts, [...bells()], {
      observer,
      values: "float",
      memory: observer === "min-max" ? 60 : ROOM_FOR_THREE,
      onProgress,
    });
    assert.ok(told.length >= 4 * 17 && told.every(([done, of], i) => of === 200 && done > (told[i - 1]?.[0] ?? 0)));
    assert.deepEqual(told.at(-1), [200, 200]);
    rangesOf(parts).flat().forEach((end, i) => {
      const expected = rangesOf(whole).flat()[i];
      // Parts of a histogram that move to a wider range are spread over its bins.
      assert.ok(
        Math.abs(end - expected) <= (observer === "histogram" ? 0.02 * Math.abs(expected) : 0),
        `${end}, ${expected}`,
      );
    });
  });
}

Deno.test("calibrate() takes no more samples than it is to, and refuses fewer than are needed", async () => {
  const model = doubling();
  const told: number[][] = [];
  const onProgress = (...now: number[]) => told.push(now);
  await calibrate(model, [column(1, 2), column(3, 4), column(5, 6)], { samples: 3, onProgress });
  assert.equal(rangesOf(model)[0][1], 3);
  assert.deepEqual(told, [[2, 3], [3, 3]]);
  await assert.rejects(calibrate(model, [column(1, 2), column(9)], { least: 4 }), {
    name: "RangeError",
    message: `Cannot calibrate model "${model.name}": there are 3 samples, at least 4 are needed`,
  });
  assert.equal(rangesOf(model)[0][1], 3);
});

Deno.test("calibrate() refuses samples of another shape, naming batch, input and what is needed", async () => {
  const { model } = prepareQat(sequentialModel());
  const [input] = model.inputNames;
  const named = (size: number) => ({ inputs: { image: new Float32Array(192) }, size });
  for (
    const [batch, message] of [
      [named(2), `batch 2 has 192 numbers for input "${input}", 2 samples of [8,8,3] are 384`],
      [tf.zeros([1, 8, 3, 8]), `batch 2 has the shape [1,8,3,8] for input "${input}", [?,8,8,3] is needed`],
      [tf.zeros([8, 8, 3]), `batch 2 has the shape [8,8,3] for input "${input}", [?,8,8,3] is needed`],
      [[tf.zeros([1, 8, 8, 3]), tf.zeros([1])], "batch 2 has 2 tensors, one for each of 1 inputs is needed"],
    ] as const
  ) {
    const batches = [named(1), Array.isArray(batch) ? [...batch] : batch as tf.Tensor];
    await assert.rejects(calibrate(model, batches), {
      name: "RangeError",
      message: `Cannot calibrate model "${model.name}": ${message}`,
    });
  }
});

Deno.test("calibrate() refuses where one sample takes more memory than there may be", async () => {
  const { model } = prepareQat(sequentialModel());
  await assert.rejects(calibrate(model, [inputFor(model)], { observer: "mse", memory: 2 ** 20 }), {
    name: "RangeError",
    message:
      /^Cannot calibrate model "seq": one sample takes \d+ MB for .* of \d layers .*, 1 MB at the most are allowed$/,
  });
});

Deno.test("calibrate() ends when it is told to, and leaves ranges as they were", async () => {
  const model = doubling();
  await calibrate(model, [column(-1, 1)]);
  const before = rangesOf(model);
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error("stopped"));
  const batches = [column(5), column(6)];
  await assert.rejects(calibrate(model, batches, { signal: stop.signal, onProgress }), /stopped/);
  assert.deepEqual(rangesOf(model), before);
});

Deno.test("calibrate() takes values of the float model or of quantized ones, as asked", async () => {
  // On the input's grid of two codes 0.4 is 0, and the output is 0, not 0.8.
  const activations = { dtype: "uint8", qmin: 0, qmax: 1, symmetric: false } as const;
  const options = {
    target: "simulation",
    recipe: { rules: [{ match: { name: "double_input" }, then: { activations } }] },
  };
  for (const observer of ["mse", "percentile", "octav"] as const) {
    const model = doubling(options);
    await calibrate(model, [column(0, 1)], { observer: "min-max" });
    await calibrate(model, [column(0.4, 0.4)], { observer, values: "quantized" });
    assert.deepEqual(rangesOf(model)[1], [0, 0]);
    await calibrate(model, [column(0, 1)], { observer: "min-max" });
    await calibrate(model, [column(0.4, 0.4)], { observer });
    assert.deepEqual(rangesOf(model)[1], [0, Math.fround(2 * Math.fround(0.4))]);
  }
  await assert.rejects(calibrate(doubling(), [column(1)], { observer: "mse", values: "quantized" }), {
    name: "RangeError",
    message: /by quantized values: "double_input_quant" has no range yet, calibration by float values is needed first/,
  });
});

Deno.test("calibrate() by min-max observes the float model's values if asked to", async () => {
  const activations = { dtype: "uint8", qmin: 0, qmax: 1, symmetric: false } as const;
  const options = {
    target: "simulation",
    recipe: { rules: [{ match: { name: "double_input" }, then: { activations } }] },
  };
  const [float, quantized] = [doubling(options), doubling(options)];
  await calibrate(float, [column(0, 0.4, 1)], { values: "float" });
  await calibrate(quantized, [column(0, 0.4, 1)]);
  assert.deepEqual([rangesOf(float)[1], rangesOf(quantized)[1]], [[0, 2], [0, 2]]);
  await calibrate(float, [column(-0.4)], { values: "float" });
  assert.ok(rangesOf(float)[1][0] < -0.7);
});

Deno.test("calibrate() widens ranges to both sides of 0 where it is asked to, but not behind a ReLU, nor what is known", async () => {
  const dense = (name: string) => tfl.layers.dense({ units: 1, useBias: false, name });
  const float = tfl.sequential({
    layers: [
      tfl.layers.inputLayer({ inputShape: [1], name: "x" }),
      dense("a"),
      tfl.layers.reLU({ name: "relu" }),
      dense("b"),
      tfl.layers.activation({ activation: "sigmoid", name: "end" }),
    ],
  });
  for (const name of ["a", "b"]) float.getLayer(name).setWeights([tf.tensor2d([[-2]])]);
  const { model } = prepareQat(float);
  await calibrate(model, [column(-1, 0.25)], { observer: "min-max", values: "float", symmetric: true });
  const grids = layersIn(model).filter((layer) => layer instanceof FakeQuantize).map((layer) => {
    const { scale, zeroPoint } = layer.readGrid();
    return [layer.name, scale, zeroPoint];
  });
  const f = Math.fround;
  // x: -1 to 0.25; behind the ReLU 0 to 2; b: -4 to 0; the sigmoid's grid is known.
  assert.deepEqual(grids, [["x_quant", f(1 / 127), 128], ["relu_quant", f(2 / 255), 0], ["b_quant", f(4 / 127), 128], [
    "end_quant",
    1 / 256,
    0,
  ]]);
});
