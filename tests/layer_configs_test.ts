/** Configurations and states of this project's own layers that no layer can have: each is refused by layer and field. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  quantizedLayer,
  QuantizedWeights,
  registerQuantKernels,
  registerQuantLayers,
  SharedCall,
} from "../src/quant/mod.ts";
import { ConstantValue } from "../src/rewrite/mod.ts";

type Config = tf.serialization.ConfigDict;

/** A class, a configuration that has every field, and values of fields that are no fault. */
interface Subject {
  readonly make: (config: Config) => tf.serialization.Serializable;
  readonly layer: () => tfl.layers.Layer;
  readonly inputShape?: tfl.Shape;
  /** By the fields' paths; besides those, absent and null are defaults where `optional` says so. */
  readonly good: Readonly<Record<string, readonly unknown[]>>;
  /** Fields that belong to TF.js's own layer. */
  readonly theirs?: RegExp;
}

const BAD = [null, NaN, -1, 0, 2.5, "8", "x", true, [], {}, 1e38, -1e38, Infinity, "x".repeat(100_000), [null]];
const FLAGS = [true, null];

const SUBJECTS: Readonly<Record<string, Subject>> = {
  FakeQuantize: {
    make: (config) => FakeQuantize.fromConfig(FakeQuantize, config),
    layer: () =>
      new FakeQuantize({
        name: "layer",
        fixed: { scale: 1, zeroPoint: 3 },
        onlyCalibrated: true,
        scheme: {
          dtype: "uint8",
          qmin: 0,
          qmax: 255,
          symmetric: false,
          granularity: { kind: "per-tensor" },
          span: 127,
        },
      }),
    inputShape: [null, 4],
    good: {
      "scheme.qmin": [0],
      "scheme.symmetric": [true],
      "fixed": [null],
      "fixed.scale": [2.5],
      "fixed.zeroPoint": [0],
      "nonNegative": FLAGS,
      "onlyCalibrated": FLAGS,
      "observer": [null],
      "momentum": [null],
    },
  },
  QuantizedWeights: {
    make: (config) => QuantizedWeights.fromConfig(QuantizedWeights, config),
    layer: () =>
      new QuantizedWeights({
        layer: tfl.layers.depthwiseConv2d({ name: "layer", kernelSize: 1 }),
        weights: [{ name: "depthwise_kernel", axis: 3, depthwise: true }],
      }),
    inputShape: [null, 4, 4, 3],
    good: {
      "weights": [[]],
      "weights.0.axis": [-1, 0],
      "weights.0.depthwise": [true],
      "scheme.qmin": [-1, 0],
      "scheme.symmetric": [true],
      "scheme.granularity.axis": [-1, 0],
    },
    theirs: /^layer\.config\./,
  },
  FreezableBatchNormalization: {
    make: (config) => FreezableBatchNormalization.fromConfig(FreezableBatchNormalization, config),
    layer: () => new FreezableBatchNormalization({ name: "layer", alone: 127 }),
    inputShape: [null, 4],
    good: {
      "axis": [-1, null],
      "momentum": [0, null],
      "epsilon": [0, 2.5, null],
      "center": FLAGS,
      "scale": FLAGS,
      "alone": [true, 2.5, null],
    },
    theirs: /Initializer|Regularizer|Constraint/,
  },
  SharedCall: {
    make: (config) => SharedCall.fromConfig(SharedCall, config),
    layer: () => new SharedCall({ name: "layer", alone: 127 }),
    good: { "alone": [true, 2.5, null] },
  },
  ConstantValue: {
    make: (config) => ConstantValue.fromConfig(ConstantValue, config),
    layer: () => new ConstantValue({ name: "layer", shape: [3] }),
    inputShape: [null, 4],
    // It is never trained, whatever is said.
    good: { "shape": [[]], "trainable": BAD },
  },
};

/** JSON has no NaN. */
function textOf(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

/** Lists the paths of all fields of `value`. */
function* pathsOf(value: object, at = ""): Generator<string> {
  for (const [key, inner] of Object.entries(value)) {
    yield `${at}${key}`;
    if (typeof inner === "object" && inner !== null) yield* pathsOf(inner, `${at}${key}.`);
  }
}

/** Returns a copy of `config` with `value` at `path`. */
function damaged(config: Config, path: string, value: unknown): Config {
  const copy = structuredClone(config);
  const keys = path.split(".");
  let at: Record<string, unknown> = copy;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[keys.at(-1)!] = value;
  return copy;
}

for (const [className, { make, layer, inputShape, good, theirs }] of Object.entries(SUBJECTS)) {
  Deno.test(`${className}.fromConfig() refuses by name what no field of it can be`, async () => {
    await tf.setBackend("cpu");
    registerQuantKernels();
    registerQuantLayers();
    const config = layer().getConfig();
    const build = (damaged: Config) => {
      const made = make(damaged);
      assert.ok(made instanceof tfl.layers.Layer);
      if (inputShape !== undefined) made.build(inputShape);
    };
    build(config);
    let refused = 0;
    for (const path of pathsOf(config)) {
      if (theirs?.test(path)) continue;
      for (const bad of BAD) {
        const place = `${path} = ${textOf(bad).slice(0, 60)}`;
        const isGood = path === "name"
          ? bad === null || typeof bad === "string"
          : [...(path === "trainable" ? FLAGS : []), ...(good[path] ?? [])].some((value) =>
            textOf(value) === textOf(bad)
          );
        if (isGood) {
          build(damaged(config, path, bad));
          continue;
        }
        assert.throws(() => build(damaged(config, path, bad)), (error) => {
          assert.ok(error instanceof RangeError, `${place}: ${error}`);
          const who = path === "name" ? className : "layer";
          assert.ok(error.message.includes(`"${who}"`), `${place}: ${error.message.slice(0, 200)}`);
          assert.ok(
            !error.message.includes("\n") && error.message.length < 500,
            `${place}: ${error.message.slice(0, 200)}`,
          );
          return true;
        }, place);
        refused++;
      }
    }
    assert.ok(refused > 10);
  });
}

/** Weights of a state by layer, and numbers that they cannot be, with the field that is named. */
const STATES: readonly (readonly [weight: string, values: readonly number[], named: RegExp])[] = [
  ["grid/scale", [0, -1, NaN, Infinity, 1e38], /"grid": its scale/],
  ["grid/zero_point", [-1, 256, 2.5, NaN], /"grid": its zero point/],
  ["grid/min", [11, NaN, -Infinity], /"grid": its range/],
  ["grid/max", [-1, NaN, Infinity], /"grid": its range/],
  ["grid/count", [-1, NaN, Infinity], /"grid": its count/],
  ["fc/kernel_scale", [0, -1, NaN, Infinity, 1e38], /"fc\/kernel": its scale/],
  ["norm/moving_mean", [NaN, Infinity], /"norm": its moving mean/],
  ["norm/moving_variance", [-1, NaN, Infinity], /"norm": its moving variance/],
];

for (const [name, values, named] of STATES) {
  Deno.test(`readGrids() refuses by name a state whose ${name} is none`, async () => {
    await tf.setBackend("cpu");
    registerQuantKernels();
    for (const value of values) {
      const model = tfl.sequential({
        layers: [
          new FakeQuantize({ name: "grid", inputShape: [3] }),
          new QuantizedWeights({
            layer: tfl.layers.dense({ name: "fc", units: 2 }),
            weights: [{ name: "kernel", axis: 1 }],
          }),
          new FreezableBatchNormalization({ name: "norm" }),
        ],
      });
      const [grid] = model.layers;
      assert.ok(grid instanceof FakeQuantize);
      grid.setRange({ min: 0, max: 10 });
      const weight = model.weights.find(({ originalName }) => originalName === name)!;
      const layer = quantizedLayer(model.getLayer(name.split("/")[0]))!;
      layer.readGrids();
      weight.write(tf.fill(weight.shape as number[], value));
      assert.ok(layer.isCalibrated());
      assert.throws(() => layer.readGrids(), (error) => {
        assert.ok(error instanceof RangeError);
        assert.match(error.message, named, `${value}`);
        return true;
      }, `${value}`);
    }
  });
}
