/**
 * What `src/layers` claims of layers and activations, held against ONNX Runtime: each in nets of its own.
 *
 * A net is prepared, calibrated and exported. What runs on integers is read from the graph that ONNX Runtime makes of the
 * file. The int8 file's answers are compared with those of the simulation, on the backend "onnxruntime"; the float
 * file's with those of the float model on TF.js's cpu backend.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { ACTIVATION_RULES } from "../src/layers/activations.ts";
import { LAYER_ROWS } from "../src/layers/mod.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { toQOperators } from "../src/passes/deploy/mod.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { layersOf } from "../src/rewrite/mod.ts";
import { type HostTensor, Session } from "../src/runtime/session.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { type PreparedModel, prepareQat } from "../quantize/prepare.ts";
import { LAYER_NETS, type LayerNet } from "./_layer_nets/mod.ts";
import { predict, randomTensor } from "./_support/small_models.ts";

/** Samples that answers are compared on; the file is run on one of them alone as well. */
const BATCH = 5;

/** Largest difference of the float file's answers from TF.js's, as a share of the largest answer. */
const FLOAT_TOLERANCE = 1e-5;

for (const net of LAYER_NETS) {
  Deno.test(`toOnnx() ${verdict(net)} when the net is: ${net.name}`, async () => {
    await registerBackend({ debug: true });
    await tf.setBackend("cpu");
    if (net.broken !== undefined) {
      assert.throws(() => answers(net.build()), net.broken);
      return;
    }
    const model = net.build();
    const expected = answers(model);
    await tf.setBackend(BACKEND);
    const prepared = prepareQat(model, { swap: [] });
    await calibrate(prepared.model, [inputsOf(model, { count: 16, seed: 7 })]);
    if (net.refused === undefined) await assertClaims(net, { prepared, expected });
    else await assert.rejects(toOnnx(prepared.model), net.refused);
    model.dispose();
    prepared.model.dispose();
  });
}

Deno.test("LAYER_NETS holds a net for every layer class and activation", async () => {
  await registerBackend();
  const cells = ["ConvLSTM2DCell", "GRUCell", "LSTMCell", "ResetAfterGRUCell", "SimpleRNNCell", "StackedRNNCells"];
  const classes = new Set(cells);
  const activations = new Set<unknown>();
  for (const { build, broken, name } of LAYER_NETS) {
    if (broken !== undefined) classes.add(name);
    else visit(build(), { classes, activations });
  }
  assert.deepEqual(Object.keys(LAYER_ROWS).filter((name) => !classes.has(name)), []);
  assert.deepEqual(Object.keys(ACTIVATION_RULES).filter((name) => !activations.has(name)), []);
});

function visit(
  model: LayersModel,
  { classes, activations }: { readonly classes: Set<string>; readonly activations: Set<unknown> },
): void {
  for (const layer of model.layers) {
    classes.add(layer.getClassName());
    if (layer.getClassName() === "Activation") activations.add(layer.getConfig().activation);
  }
  model.dispose();
}

function verdict({ float, refused, broken }: LayerNet): string {
  if (broken !== undefined) return "is not reached, for TF.js fails,";
  if (refused !== undefined) return "says which layer it cannot write";
  return float === undefined ? "leaves no layer in float" : `leaves "${Object.keys(float).join('", "')}" in float`;
}

interface Claimed {
  readonly prepared: PreparedModel;
  /** What the float model answers. */
  readonly expected: readonly Float32Array[];
}

async function assertClaims(net: LayerNet, { prepared, expected }: Claimed): Promise<void> {
  const { model } = prepared;
  const inputs = inputsOf(model);
  const simulated = predict(model, inputs);
  const int8 = await toOnnx(model, { debug: true });
  const float = await toOnnx(model, { precision: "float32", debug: true });
  assertIslands(net, prepared);
  assertFused(net, prepared, verifyFusion(int8.bytes, int8.graph));
  const deployed = run(int8.bytes, inputs);
  assert.deepEqual(run(encodeModel(toQOperators.run(int8.graph).graph), inputs), deployed, "on codes");
  assertSameCodes(deployed, simulated, model);
  assertSameCodes(run(int8.bytes, inputs.map((x) => tf.slice(x, 0, 1))), simulated.map(firstSample), model);
  if (net.wrongOnCpu === undefined) assertClose(run(float.bytes, inputs), expected);
  else assert.throws(() => assertClose(run(float.bytes, inputs), expected), "the cpu backend is right by now");
}

/** Asserts that the layers left in float are those of the claim, for the reasons that it names. */
function assertIslands({ float = {} }: LayerNet, { islands }: PreparedModel): void {
  assert.deepEqual(islands.map(({ layer }) => layer).sort(), Object.keys(float).sort());
  for (const { layer, because } of islands) assert.match(because, float[layer]);
}

/** Asserts that the islands are all that runs in float, that units run on integers, and that claimed operators are there. */
function assertFused(
  { float = {}, int8 = {} }: LayerNet,
  { units, model }: PreparedModel,
  fusion: ReturnType<typeof verifyFusion>,
): void {
  const inFloat = fusion.float.map(({ layer, op, because }) => `${layer}: ${op}: ${because}`);
  // A layer in float that is called twice is one layer in the file too.
  const layersInFloat = Object.keys(float).filter((name) => model.layers.some((layer) => layer.name === name));
  assert.deepEqual(
    [...new Set(fusion.float.map(({ layer }) => layer))].sort(),
    layersInFloat.sort(),
    inFloat.join(),
  );
  const ops = fusion.nodes.filter((node) => node.int8).map(({ layer, op }) => `${layer}: ${op}`);
  for (const [layer, op] of Object.entries(int8)) {
    assert.ok(ops.includes(`${layer}: ${op}`), `${op} of ${layer}: ${ops}`);
  }
  const layers = new Set(fusion.nodes.filter((node) => node.int8).map(({ layer }) => layer));
  for (const unit of units) assert.ok(layersOf(unit).some((layer) => layers.has(layer)), `${layersOf(unit)}: ${ops}`);
}

/** Asserts equal codes; outputs that are on no grid are close to the simulated ones. */
function assertSameCodes(
  deployed: readonly Float32Array[],
  simulated: readonly Float32Array[],
  model: LayersModel,
): void {
  deployed.forEach((values, i) => {
    const quantizer = model.getLayer(model.outputNames[i]);
    const scale = quantizer instanceof FakeQuantize ? quantizer.readGrid().scale : undefined;
    if (scale === undefined) return assertClose([values], [simulated[i]]);
    assert.equal(values.length, simulated[i].length);
    const differing = values.findIndex((value, k) => Math.abs(value - simulated[i][k]) > scale / 2);
    assert.equal(differing, -1, `element ${differing} of output ${i} has another code`);
  });
}

function assertClose(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  actual.forEach((values, i) => {
    assert.equal(values.length, expected[i].length);
    const bound = FLOAT_TOLERANCE * expected[i].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    values.forEach((value, k) => {
      assert.ok(
        Math.abs(value - expected[i][k]) <= bound,
        `element ${k} of output ${i}: ${value}, not ${expected[i][k]}`,
      );
    });
  });
}

/** What `model` answers to `inputsOf` it. */
function answers(model: LayersModel): readonly Float32Array[] {
  return predict(model, inputsOf(model));
}

/** Seeded random inputs in [-1, 1). */
function inputsOf(model: LayersModel, { count = BATCH, seed = 100 } = {}): tf.Tensor[] {
  return model.inputs.map(({ shape }, i) => randomTensor(shape.map((dim) => dim ?? count), seed + i));
}

function firstSample(values: Float32Array): Float32Array {
  return values.slice(0, values.length / BATCH);
}

/** What a file answers, with all of ONNX Runtime's optimizations. */
function run(bytes: Uint8Array, inputs: readonly tf.Tensor[]): readonly Float32Array[] {
  const session = new Session(bytes, { precise: true });
  try {
    const feeds = Object.fromEntries(session.inputs.map(({ name }, i): [string, HostTensor] => {
      const { shape } = inputs[i];
      return [name, { dtype: "float32", shape, data: inputs[i].dataSync<"float32">() }];
    }));
    const outputs = session.run(feeds);
    return session.outputs.map(({ name }) => outputs[name].data as Float32Array);
  } finally {
    session.dispose();
  }
}
