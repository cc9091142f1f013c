/** A quantized layer that is not one of this project's goes the whole way: training, saving, export, report. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { describeLayers } from "../job/_layers_report.ts";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { outputNames } from "../models/ports.ts";
import { uncalibratedIn } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import {
  fakeQuantize,
  type NamedGrid,
  PER_TENSOR,
  type QatPhase,
  QUANTIZED,
  type QuantizedLayer,
  QuantizedWeights,
  registerQuantKernels,
  registerQuantLayers,
} from "../src/quant/mod.ts";
import { fit } from "../train/fit.ts";
import { qatSchedule } from "../train/schedule.ts";
import { softmaxCrossEntropy } from "../tasks/classification/cross_entropy.ts";
import { randomArray, randomTensor } from "./_support/small_models.ts";

const CODES = { qmin: 0, qmax: 255 };
const ZERO_POINT = 128;

/** Rounds to multiples of a power of two that follows the largest magnitude seen: its state is an exponent. */
class PowerOfTwo extends tfl.layers.Layer implements QuantizedLayer {
  static readonly className = "PowerOfTwo";
  readonly role = "activations";
  readonly onlyTensors = true;
  phase: Required<Pick<QatPhase, "observing" | "fakeQuantizing">> = { observing: true, fakeQuantizing: true };
  #exponent: tfl.LayerVariable | undefined;
  #scale: tfl.LayerVariable | undefined;

  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  override build(): void {
    const add = (name: string, value: number) =>
      this.addWeight(name, [], "float32", tfl.initializers.constant({ value }), undefined, false);
    this.#exponent = add("exponent", -99);
    this.#scale = add("scale", 1);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], { training = false } = {}): tf.Tensor {
    return tf.tidy(() => {
      const [x] = [inputs].flat();
      const { exponent, scale } = this.state;
      if (training && this.phase.observing) {
        const needed = tf.ceil(tf.div(tf.log(tf.div(tf.max(tf.abs(x)), 127)), Math.LN2));
        exponent.write(tf.maximum(exponent.read(), needed));
        scale.write(tf.pow(2, exponent.read()));
      }
      const zeroPoint = tf.scalar(ZERO_POINT);
      const grid = { ...CODES, scale: scale.read(), zeroPoint, granularity: PER_TENSOR };
      return this.phase.fakeQuantizing ? fakeQuantize(x, grid) : x;
    });
  }

  get state(): Readonly<Record<"exponent" | "scale", tfl.LayerVariable>> {
    if (this.#exponent === undefined || this.#scale === undefined) throw new Error(`"${this.name}" is not built`);
    return { exponent: this.#exponent, scale: this.#scale };
  }

  get activeScale(): tf.Tensor | undefined {
    return this.phase.fakeQuantizing ? this.#scale?.read() : undefined;
  }

  setPhase({ observing, fakeQuantizing }: QatPhase): void {
    this.phase = {
      observing: observing ?? this.phase.observing,
      fakeQuantizing: fakeQuantizing ?? this.phase.fakeQuantizing,
    };
  }

  isCalibrated(): boolean {
    return this.built && this.state.exponent.read().dataSync()[0] > -99;
  }

  readGrids(): readonly NamedGrid[] {
    if (!this.isCalibrated()) throw new Error(`Cannot read the grid of "${this.name}": it has none yet`);
    const [scale] = this.state.scale.read().dataSync();
    return [{ name: "output", grid: { ...CODES, scale, zeroPoint: ZERO_POINT, granularity: PER_TENSOR } }];
  }
}

registerQuantLayers();
tf.serialization.registerClass(PowerOfTwo);

const CLASSES = 3;

function ownModel(): tfl.LayersModel {
  const { dense } = tfl.layers;
  const seeded = (seed: number) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });
  const weighted = (layer: tfl.layers.Layer) =>
    new QuantizedWeights({ layer, weights: [{ name: "kernel", axis: -1 }] });
  return tfl.sequential({
    name: "own",
    layers: [
      new PowerOfTwo({ name: "in_grid", inputShape: [8] }),
      weighted(dense({ name: "hidden", units: 16, ...seeded(1) })),
      new PowerOfTwo({ name: "hidden_grid" }),
      weighted(dense({ name: "logits", units: CLASSES, ...seeded(2) })),
      new PowerOfTwo({ name: "logits_grid" }),
    ],
  });
}

/** Numbers whose largest of the first three is the class. */
function epoch(seed: number) {
  return Array.from({ length: 6 }, (_, step) => {
    const x = randomArray(32 * 8, seed + step);
    const y = Int32Array.from({ length: 32 }, (_, i) => {
      const three = [...x.slice(i * 8, i * 8 + CLASSES)];
      return three.indexOf(Math.max(...three));
    });
    return { inputs: { x }, targets: { y }, size: 32 };
  });
}

/** A model after two epochs of which the second does not observe, and how many of its steps were repeated. */
async function trained() {
  const backend = await registerBackend({ threads: 1 });
  registerQuantKernels("onnxruntime");
  const model = ownModel();
  const before = backend.stats().repeats;
  const history = await fit(model, {
    train: (n) => epoch(100 * n),
    epochs: 4,
    stepsPerEpoch: 6,
    optimizer: tf.train.adam(0.02),
    loss: softmaxCrossEntropy(),
    schedule: qatSchedule({ freezeObserversAfter: 2 }),
  });
  return { model, history, repeats: backend.stats().repeats - before };
}

const { model, history, repeats } = await trained();
const grids = ["in_grid", "hidden_grid", "logits_grid"].map((name) => model.getLayer(name) as PowerOfTwo);

Deno.test("fit() trains a model with a quantized layer of another's, switches it and repeats its steps", () => {
  assert.ok(history.epochs[3].loss < history.epochs[0].loss);
  assert.ok(repeats > 0);
  for (const { phase } of grids) assert.deepEqual(phase, { observing: false, fakeQuantizing: true });
  for (const layer of grids) {
    const [exponent, scale] = [layer.state.exponent, layer.state.scale].map((weight) => weight.read().dataSync()[0]);
    assert.equal(scale, 2 ** exponent, layer.name);
  }
  assert.deepEqual(uncalibratedIn(model), []);
  assert.deepEqual(uncalibratedIn(ownModel()), ["in_grid", "hidden_grid", "logits_grid"]);
});

Deno.test("QuantizedWeights rounds its bias to the grid of a quantized layer of another's", () => {
  const hidden = model.getLayer("hidden");
  assert.ok(hidden instanceof QuantizedWeights);
  const [inputScale] = grids[0].state.scale.read().dataSync();
  const round = (bias: number) => {
    const rounded = hidden.biasFolding()?.round(tf.fill([16], bias));
    return [...rounded!.dataSync()];
  };
  const scales = hidden.state.kernel_scale.read().dataSync();
  round(0.3).forEach((value, c) => {
    const step = inputScale * scales[c];
    assert.ok(Math.abs(value / step - Math.round(value / step)) < 1e-3 && Math.abs(value - 0.3) <= step * 0.5001);
  });
});

Deno.test("toOnnx() exports a quantized layer of another's, and the file's codes are the simulation's", async () => {
  await assert.rejects(toOnnx(ownModel()), /Cannot read the grid of "in_grid": it has none yet/);
  const exported = await toOnnx(model);
  assert.deepEqual(outputNames(model), ["logits"]);
  const x = randomTensor([50, 8], 7);
  const [scale] = grids[2].state.scale.read().dataSync();
  const simulated = (model.predict(x) as tf.Tensor).dataSync();
  const deployed = runExported(exported, [x])[0];
  assert.deepEqual(Array.from(deployed, (y) => y / scale), Array.from(simulated, (y) => y / scale));
  assert.ok(simulated.every((y) => Number.isInteger(y / scale)) && new Set(simulated).size > 20);
  const float = await toOnnx(model, { precision: "float32" });
  assert.ok(float.graph.nodes.every(({ op }) => op !== "QuantizeLinear"));
  assert.deepEqual(grids.map(({ phase }) => phase.fakeQuantizing), [true, true, true]);
});

Deno.test("describeLayers() gives the grid of a quantized layer of another's to the layer before it", () => {
  const quantizers = ["hidden", "logits"].map((of) => ({ of, name: `${of}_grid`, nonNegative: false }));
  const report = describeLayers({ model, units: [], islands: [], quantizers });
  assert.deepEqual(report.map(({ name, className }) => [name, className]), [["hidden", "Dense"], ["logits", "Dense"]]);
  for (const [i, layer] of report.entries()) {
    const [scale] = grids[i + 1].state.scale.read().dataSync();
    assert.equal(layer.scale, scale);
    assert.equal(layer.zeroPoint, ZERO_POINT);
    assert.deepEqual(layer.range, { min: -128 * scale, max: 127 * scale });
    assert.ok((layer.weightError?.sqnrDb ?? 0) > 10); // weights grew after their scales stood still
  }
});

Deno.test("describeLayers() says nothing of a grid that means nothing yet", () => {
  const quantizers = [{ of: "hidden", name: "hidden_grid", nonNegative: false }];
  const [hidden] = describeLayers({ model: ownModel(), units: [], islands: [], quantizers });
  assert.equal(hidden.name, "hidden");
  assert.deepEqual([hidden.scale, hidden.range], [undefined, undefined]);
});

Deno.test("loadLayersModel() gives a quantized layer of another's back with its state", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await saveLayersModel(model, dir);
    const loaded = await loadLayersModel(dir);
    const x = randomTensor([20, 8], 9);
    const answers = [model, loaded.model].map((one) => (one.predict(x) as tf.Tensor).dataSync());
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(uncalibratedIn(loaded.model), []);
    assert.throws(() => prepareQat(loaded.model), /its layer "in_grid" is a PowerOfTwo, a float model is needed/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
