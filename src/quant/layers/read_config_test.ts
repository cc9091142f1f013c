import assert from "node:assert/strict";
import type { serialization } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { INT8_SYMMETRIC_PER_CHANNEL, type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { useLayers, valuesOf, weightValues } from "./_test_support.ts";
import { FakeQuantize } from "./fake_quantize_layer.ts";
import { QuantizedWeights } from "./quantized_weights.ts";

/** Schemes as the first version wrote them. */
const FIRST = {
  activations: { bits: 8, signed: false, qmin: 0, qmax: 255, symmetric: false },
  weights: { bits: 8, signed: true, qmin: -127, qmax: 127, symmetric: true, axis: -1 },
};

/** Changes the schemes of a model's JSON to those of the first version. */
function toFirstVersion(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value) => {
    if (key !== "scheme") return value;
    return value.dtype === "uint8" ? FIRST.activations : FIRST.weights;
  });
}

Deno.test("a model of the first version loads with its schemes, state and answers", async () => {
  await useLayers();
  const dense = tfl.layers.dense({ name: "fc", units: 2 });
  const model = tfl.sequential({
    layers: [
      new FakeQuantize({ name: "in", inputShape: [3] }),
      new QuantizedWeights({ layer: dense, weights: [{ name: "kernel", axis: 1 }] }),
    ],
  });
  const x = tf.tensor2d([[1, -2, 0.3]]);
  model.apply(x, { training: true });
  let saved: tf.io.ModelArtifacts = {};
  await model.save(tf.io.withSaveHandler((artifacts) => {
    const topology = toFirstVersion(JSON.stringify(artifacts.modelTopology));
    assert.match(topology, /"bits":8,"signed":true,/);
    saved = { ...artifacts, modelTopology: JSON.parse(topology) };
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  const loaded = await tfl.loadLayersModel({ load: () => Promise.resolve(saved) });
  assert.deepEqual(weightValues(loaded), weightValues(model));
  assert.deepEqual(valuesOf(loaded.predict(x)), valuesOf(model.predict(x)));
  const schemes = loaded.layers.map((layer) =>
    layer instanceof FakeQuantize || layer instanceof QuantizedWeights ? layer.scheme : undefined
  );
  assert.deepEqual(schemes, [UINT8_AFFINE, INT8_SYMMETRIC_PER_CHANNEL]);
});

/** The scheme of the layer that `config` makes. */
function schemeOf(config: serialization.ConfigDict): QuantScheme | undefined {
  const layer = FakeQuantize.fromConfig(FakeQuantize, config);
  return layer instanceof FakeQuantize ? layer.scheme : undefined;
}

Deno.test("FakeQuantize.fromConfig() takes the first version's axis null for one scale a tensor", () => {
  assert.deepEqual(schemeOf({ name: "q", scheme: { ...FIRST.activations, axis: null } }), UINT8_AFFINE);
});

Deno.test("FakeQuantize.fromConfig() keeps the span of a scheme", () => {
  const scheme: QuantScheme = { ...UINT8_AFFINE, span: 127 };
  assert.deepEqual(schemeOf(new FakeQuantize({ name: "q", scheme }).getConfig()), scheme);
});

const { activations } = FIRST;
const { dtype: _, ...untyped } = UINT8_AFFINE;

const REFUSED: readonly (readonly [serialization.ConfigDict, RegExp])[] = [
  [
    { scheme: { ...activations, bits: 2.5 } },
    /Cannot quantize "q": its scheme has dtype "uint2.5", needed is one of uint4/,
  ],
  [{ scheme: { ...activations, bits: "8" } }, /Cannot quantize "q": its scheme has bits "8", a number is needed/],
  [{ scheme: { ...activations, signed: 1 } }, /has signed 1/],
  [{ scheme: { ...activations, axis: "0" } }, /has axis "0"/],
  [{ scheme: { ...untyped, dtype: "uint88" } }, /has dtype "uint88".*did you mean "uint8"/],
  [{ scheme: { ...untyped, dtype: 8 } }, /has dtype 8, a name is needed/],
  [{ scheme: { ...activations, qmin: 300 } }, /Cannot quantize "q": its codes are 300 to 255/],
  [{ scheme: { ...activations, qmax: null } }, /has codes 0 to null, two numbers are needed/],
  [{ scheme: { ...activations, symmetric: "no" } }, /has symmetric "no", true or false is needed/],
  [{ scheme: { ...activations, span: "all" } }, /has span "all", a number is needed/],
  [{ scheme: { ...activations, granularity: { kind: "per-block" } } }, /has granularity {"kind":"per-block"}/],
  [{ scheme: "x".repeat(400_000) }, /^RangeError: Cannot quantize "q": its scheme is "x+…x+", an object is needed$/],
  [{ scheme: null }, /its scheme is null, an object is needed/],
  [{ fixed: { scale: 0, zeroPoint: 0 } }, /Cannot quantize "q": its scale is 0/],
  [{ fixed: { scale: 1e38, zeroPoint: 0 } }, /its scale is 1e\+38, a number above 0 that keeps codes within float32/],
  [{ fixed: { scale: 1, zeroPoint: -1 } }, /its zero point is -1, a whole number from 0 to 255 is needed/],
  [{ fixed: { scale: "1", zeroPoint: 0 } }, /its fixed grid is {"scale":"1","zeroPoint":0}, a scale and a zeroPoint/],
];

for (const [config, message] of REFUSED) {
  Deno.test(`FakeQuantize.fromConfig() refuses when it reads ${JSON.stringify(config).slice(0, 110)}`, () => {
    assert.throws(() => FakeQuantize.fromConfig(FakeQuantize, { name: "q", ...config }), message);
  });
}

Deno.test("QuantizedWeights.fromConfig() refuses when its scheme is impossible", () => {
  const layer = { className: "Dense", config: { name: "fc", units: 2 } };
  const make = (scheme: serialization.ConfigDict) =>
    QuantizedWeights.fromConfig(QuantizedWeights, { name: "fc", layer, weights: [], scheme });
  assert.throws(() => make({ ...FIRST.weights, bits: 2.5 }), /Cannot quantize "fc": its scheme has dtype "int2.5"/);
  assert.throws(() => make({ ...FIRST.weights, qmin: 128 }), /Cannot quantize "fc": its codes are 128 to 127/);
});
