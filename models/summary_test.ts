import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  INT8_SYMMETRIC,
  QUANTIZED,
  type QuantizedLayer,
  QuantizedWeights,
  registerQuantKernels,
} from "../src/quant/mod.ts";
import { apply } from "../tests/_support/small_models.ts";
import { summarize } from "./summary.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");
registerQuantKernels();

const { layers } = tfl;
const conv = () => layers.conv2d({ name: "conv", filters: 3, kernelSize: 3 });
const dense = (name: string, units: number) => layers.dense({ name, units });

/** 3×3 convolution of [4, 4, 2], batch normalization, 12 → 5 and twice 5 → 5 by one layer. */
function floatModel(): tfl.LayersModel {
  const x = tfl.input({ shape: [4, 4, 2], name: "x" });
  const normed = apply(layers.batchNormalization({ name: "bn" }), apply(conv(), x));
  const shared = dense("shared", 5);
  const y = apply(dense("dense", 5), apply(layers.flatten({ name: "flat" }), normed));
  return tfl.model({ name: "float", inputs: x, outputs: apply(shared, apply(shared, y)) });
}

// Weights by hand: 9·2·3 + 3; scale, shift, mean and variance of 3; 12·5 + 5; 5·5 + 5, of a layer that is called twice.
const [CONV, BN, DENSE, SHARED] = [57, 12, 65, 30];

Deno.test("summarize() lists calls in their order, with what they give, read and have", () => {
  assert.deepEqual(summarize(floatModel()), {
    name: "float",
    parameters: CONV + BN + DENSE + SHARED,
    trainable: CONV + 6 + DENSE + SHARED,
    layers: [
      { name: "x", className: "InputLayer", shapes: [[4, 4, 2]], parameters: 0, reads: [] },
      { name: "conv", className: "Conv2D", shapes: [[2, 2, 3]], parameters: CONV, reads: ["x"] },
      { name: "bn", className: "BatchNormalization", shapes: [[2, 2, 3]], parameters: BN, reads: ["conv"] },
      { name: "flat", className: "Flatten", shapes: [[12]], parameters: 0, reads: ["bn"] },
      { name: "dense", className: "Dense", shapes: [[5]], parameters: DENSE, reads: ["flat"] },
      { name: "shared", className: "Dense", shapes: [[5]], parameters: SHARED, reads: ["dense"] },
      { name: "shared_1", className: "Dense", shapes: [[5]], parameters: 0, reads: ["shared"] },
    ],
  });
});

Deno.test("summarize() counts what training leaves apart, in nested models too, and keeps open sizes open", () => {
  const inner = tfl.sequential({
    name: "inner",
    layers: [layers.dense({ name: "in", units: 2, inputShape: [null, 3] })],
  });
  const x = tfl.input({ shape: [null, 3], name: "x" });
  const frozen = layers.dense({ name: "frozen", units: 4, trainable: false });
  const model = tfl.model({ inputs: x, outputs: apply(frozen, apply(inner, x)) });
  const { layers: listed, parameters, trainable } = summarize(model);
  assert.deepEqual(listed.map(({ name, shapes }) => [name, shapes]), [
    ["x", [[null, 3]]],
    ["in", [[null, 2]]],
    ["frozen", [[null, 4]]],
  ]);
  assert.deepEqual([parameters, trainable], [3 * 2 + 2 + 2 * 4 + 4, 3 * 2 + 2]);
  frozen.trainable = true;
  inner.trainable = false;
  assert.equal(summarize(model).trainable, 2 * 4 + 4);
});

/** A quantizer of somebody else's, which has no scheme: codes 0 to 15 once it is calibrated. */
class Foreign extends tfl.layers.Layer implements QuantizedLayer {
  static readonly className = "Foreign";
  readonly role = "activations";
  readonly onlyTensors = true;
  readonly state = {};
  readonly phase = {};
  calibrated = true;

  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return [inputs].flat()[0];
  }

  setPhase(): void {}

  isCalibrated(): boolean {
    return this.calibrated;
  }

  readGrids() {
    const granularity = { kind: "per-tensor" } as const;
    return [{ name: "out", grid: { scale: 1, zeroPoint: 0, qmin: 0, qmax: 15, granularity } }];
  }
}

/** The float model's first layers, prepared by hand: the input is rounded twice, the last output by somebody else. */
function prepared(foreign: Foreign): tfl.LayersModel {
  const x = tfl.input({ shape: [4, 4, 2], name: "x" });
  const int8 = new FakeQuantize({ name: "x/again", scheme: INT8_SYMMETRIC });
  const rounded = apply(int8, apply(new FakeQuantize({ name: "x/quant" }), x));
  const wrapped = new QuantizedWeights({ layer: conv(), weights: [{ name: "kernel", axis: 3 }] });
  const normed = apply(new FreezableBatchNormalization({ name: "bn" }), apply(wrapped, rounded));
  return tfl.model({ name: "prepared", inputs: x, outputs: apply(foreign, normed) });
}

Deno.test("summarize() tells of a prepared model what was prepared, and the codes that it is rounded to", () => {
  const { layers: listed, parameters, trainable } = summarize(prepared(new Foreign({ name: "mine" })));
  assert.deepEqual([parameters, trainable], [CONV + BN, CONV + 6], "what quantizers keep is not counted");
  assert.deepEqual(listed, [
    {
      name: "x",
      className: "InputLayer",
      shapes: [[4, 4, 2]],
      parameters: 0,
      reads: [],
      output: { dtype: "uint8", qmin: 0, qmax: 255 },
    },
    {
      name: "conv",
      className: "Conv2D",
      shapes: [[2, 2, 3]],
      parameters: CONV,
      reads: ["x"],
      weights: { dtype: "int8", qmin: -127, qmax: 127 },
    },
    {
      name: "bn",
      className: "BatchNormalization",
      shapes: [[2, 2, 3]],
      parameters: BN,
      reads: ["conv"],
      output: { qmin: 0, qmax: 15 },
    },
  ]);
});

Deno.test("summarize() says nothing of codes that nothing tells yet", () => {
  const foreign = new Foreign({ name: "mine" });
  foreign.calibrated = false;
  assert.ok(!("output" in summarize(prepared(foreign)).layers[2]));
});

Deno.test("summarize() refuses a model that has no layers yet", () => {
  assert.throws(() => summarize(tfl.sequential({ name: "empty" })), { name: "TypeError" });
});
