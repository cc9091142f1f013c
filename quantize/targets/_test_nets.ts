/** Nets of every kind, and what is asked of a target's files for them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { type OnnxModel, toOnnx } from "../../export/to_onnx.ts";
import { verifyFusion } from "../../export/verify.ts";
import { BACKEND, registerBackend } from "../../src/backend/mod.ts";
import { integerFormOf } from "../../src/passes/deploy/integer_ops.ts";
import { outputGridOf } from "../../src/quant/mod.ts";
import type { SessionOptions } from "../../src/runtime/session.ts";
import { runExported } from "../../export/_test_support.ts";
import { apply, predict, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { calibrate } from "../calibrate.ts";
import { type PreparedModel, prepareQat } from "../prepare.ts";
import type { Recipe, SchemeChoice } from "../recipe.ts";
import { targetOf } from "./mod.ts";

const { layers } = tfl;
const IMAGE = [8, 8, 3];

type Symbolic = tfl.SymbolicTensor;

const conv = (name: string, filters = 8) =>
  layers.conv2d({ filters, kernelSize: 3, padding: "same", name, biasInitializer: "randomNormal" });

/** image → a convolution "before" → what `wire` makes of it. */
function behind(wire: (x: Symbolic) => Symbolic): () => tfl.LayersModel {
  return () => {
    const image = tfl.input({ shape: IMAGE, name: "image" });
    return seedWeights(tfl.model({ inputs: image, outputs: wire(apply(conv("before"), image)) }));
  };
}

const row = (...parts: readonly tfl.layers.Layer[]) => (x: Symbolic) => parts.reduce((y, layer) => apply(layer, y), x);
const activation = (name: "hardSigmoid" | "softmax" | "sigmoid" | "tanh" | "swish") =>
  layers.activation({ activation: name, name });

/** A net for each kind of layer, called as its layer in question. */
export const NETS: Readonly<Record<string, () => tfl.LayersModel>> = {
  conv: behind((x) => row(layers.reLU({ name: "relu" }), conv("conv"))(x)),
  depthwise: behind((x) => row(layers.depthwiseConv2d({ kernelSize: 3, name: "depthwise" }), conv("after"))(x)),
  dense: behind((x) =>
    row(layers.flatten(), layers.dense({ units: 16, activation: "relu", name: "dense" }), layers.dense({ units: 5 }))(x)
  ),
  add: behind((x) =>
    row(layers.reLU({ name: "relu" }))(apply(layers.add({ name: "add" }), x, apply(conv("other"), x)))
  ),
  multiply: behind((x) => apply(layers.multiply({ name: "multiply" }), x, apply(conv("other"), x))),
  concat: behind((x) =>
    row(conv("after"))(apply(layers.concatenate({ name: "concat" }), x, apply(conv("other", 3), x)))
  ),
  "max pool": behind((x) => row(layers.maxPooling2d({ poolSize: 2, name: "pool" }), conv("after"))(x)),
  "average pool": behind((x) => row(layers.averagePooling2d({ poolSize: 3, name: "pool" }), conv("after"))(x)),
  "global average pool": behind((x) =>
    row(layers.globalAveragePooling2d({ name: "pool" }), layers.dense({ units: 5, name: "dense" }))(x)
  ),
  "softmax inside": behind((x) => row(activation("softmax"), conv("after"))(x)),
  softmax: behind((x) => row(layers.flatten(), layers.dense({ units: 6, name: "dense" }), activation("softmax"))(x)),
  sigmoid: behind((x) => row(activation("sigmoid"), conv("after"))(x)),
  tanh: behind((x) => row(activation("tanh"), conv("after"))(x)),
  "hard sigmoid": behind((x) => row(activation("hardSigmoid"), conv("after"))(x)),
  swish: behind((x) => row(activation("swish"), conv("after"))(x)),
  relu6: behind((x) => row(layers.reLU({ maxValue: 6, name: "relu6" }), conv("after"))(x)),
  "batch norm": behind((x) =>
    row(layers.batchNormalization({ name: "bn" }), layers.reLU({ name: "relu" }), conv("after"))(x)
  ),
  "batch norm alone": behind((x) =>
    row(layers.reLU({ name: "relu" }), layers.batchNormalization({ name: "bn" }), conv("after"))(x)
  ),
};

/** Of 8,192 output codes, how many may differ, by one: tanh by sigmoid rounds other sums near a tie. */
const TIES: Readonly<Record<string, number>> = { tanh: 12 };

/** Compares codes of a net called `net` of `NETS`. */
export function assertSameCodes(net: string, deployed: readonly number[], simulated: readonly number[]): void {
  assert.equal(deployed.length, simulated.length);
  const differences = deployed.map((code, i) => Math.abs(code - simulated[i])).filter((difference) => difference > 0);
  assert.ok(differences.length <= (TIES[net] ?? 0), `${differences.length} codes differ`);
  assert.ok(differences.every((difference) => difference === 1));
}

/** Weights as other tools write them: a zero point of its own for each tensor. */
export const AFFINE_WEIGHTS: SchemeChoice = { symmetric: false, granularity: "per-tensor" };

/** What is claimed of a target. */
export interface Claims {
  /** How its files are run so that codes are as simulated. */
  readonly session: SessionOptions;
  /** Layers in float, by net. */
  readonly float?: Readonly<Record<string, readonly string[]>>;
  /** Grids of the weights. Default: the target's own. */
  readonly weights?: SchemeChoice;
}

/** Registers a test for every net: its file's codes are the simulation's, and all else is on integers. */
export function testTarget(target: string, { session, float = {}, weights = {} }: Claims): void {
  const kind = Object.keys(weights).length > 0 ? `, its weights ${JSON.stringify(weights)}` : "";
  for (const [net, build] of Object.entries(NETS)) {
    Deno.test(`target "${target}" answers in codes as simulated, on integers, when the net is: ${net}${kind}`, async () => {
      const { prepared, exported, x } = await exportFor(target, build, { rules: [{ match: {}, then: { weights } }] });
      const { islands, model } = prepared;
      const expected = float[net] ?? [];
      assert.deepEqual(islands.map(({ layer }) => layer), expected);
      const { int8Activations = false } = session;
      const fusion = verifyFusion(exported.bytes, exported.graph, { islands, int8Activations });
      assert.deepEqual([...new Set(fusion.float.map(({ layer }) => layer))], expected);
      assert.ok(Object.keys(fusion.int8).some((op) => /^Q/.test(op)));
      const [deployed] = runExported(exported, [x], session);
      assertSameCodes(net, codesOf(deployed, model), codesOf(predict(model, [x])[0], model));
      if (!targetOf(target).file?.forms.includes("qoperator")) return;
      const onCodes = await toOnnx(model, { format: "qoperator", debug: true });
      assert.deepEqual(layersBetweenPairs(onCodes), expected);
      assert.deepEqual(runExported(onCodes, [x], session)[0], deployed);
    });
  }
}

/** Layers whose work is done in float in a file of operators on codes. */
function layersBetweenPairs({ graph }: OnnxModel): readonly string[] {
  const left = graph.nodes.filter(({ op }) => integerFormOf({ op, attrs: {}, inputs: [] }).kind !== "movement")
    .filter(({ op, domain }) => domain === undefined && !/^(Q|DequantizeLinear$)/.test(op));
  return [...new Set(left.map(({ layer, name }) => layer ?? name))];
}

/** A net that is prepared, calibrated and exported, with the samples that it was calibrated on. */
export interface Exported {
  readonly prepared: PreparedModel;
  readonly exported: OnnxModel;
  readonly x: tf.Tensor;
}

/** Prepares a net for `target`, with activations left as they are, and exports it. */
export async function exportFor(
  target: string,
  build: () => tfl.LayersModel,
  recipe: Recipe = { rules: [] },
): Promise<Exported> {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const prepared = prepareQat(build(), { target, recipe, swap: [] });
  const x = randomTensor([16, ...IMAGE], 7);
  await calibrate(prepared.model, [x]);
  return { prepared, exported: await toOnnx(prepared.model), x };
}

/** Codes of a model's one output, from the real values that they stand for. */
export function codesOf(values: Float32Array, model: tfl.LayersModel): readonly number[] {
  const grid = outputGridOf(model.outputs[0].sourceLayer);
  assert.ok(grid !== undefined);
  return Array.from(values, (value) => Math.round(value / grid.scale) + grid.zeroPoint);
}
