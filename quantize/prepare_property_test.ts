/** What must hold of every prepared model, tried on random ones. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { apply, inputFor, predict, seedWeights } from "../tests/_support/small_models.ts";
import { ruleOf } from "../src/layers/mod.ts";
import { FakeQuantize, QuantizedWeights, setQatPhase } from "../src/quant/mod.ts";
import { consumersOf, fromModel, type LayerGraph, type LayerNode, nodeOf, toModel } from "../src/rewrite/mod.ts";
import { prepareQat } from "./prepare.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

/** Layers of one input that keep the shape [4, 4, 2]. */
const ONE: Readonly<Record<string, (name: string) => tfl.layers.Layer>> = {
  conv: (name) => layers.conv2d({ filters: 2, kernelSize: 1, name }),
  conv_elu: (name) => layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", activation: "elu", name }),
  depthwise: (name) => layers.depthwiseConv2d({ kernelSize: 3, padding: "same", activation: "relu6", name }),
  separable: (name) => layers.separableConv2d({ filters: 2, kernelSize: 3, padding: "same", name }),
  transposed: (name) => layers.conv2dTranspose({ filters: 2, kernelSize: 1, activation: "relu", name }),
  norm: (name) => layers.batchNormalization({ name }),
  relu: (name) => layers.reLU({ name }),
  leaky: (name) => layers.leakyReLU({ name }),
  tanh: (name) => layers.activation({ activation: "tanh", name }),
  sigmoid: (name) => layers.activation({ activation: "sigmoid", name }),
  linear: (name) => layers.activation({ activation: "linear", name }),
  max: (name) => layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same", name }),
  average: (name) => layers.averagePooling2d({ poolSize: 2, strides: 1, padding: "same", name }),
  dropout: (name) => layers.dropout({ rate: 0.5, name }),
  permute: (name) => layers.permute({ dims: [2, 1, 3], name }),
};

/** Layers of two inputs. */
const TWO: Readonly<Record<string, (name: string) => tfl.layers.Layer>> = {
  add: (name) => layers.add({ name }),
  multiply: (name) => layers.multiply({ name }),
  maximum: (name) => layers.maximum({ name }),
};

interface Step {
  readonly type: string;
  /** How far back the inputs are. */
  readonly back: readonly [number, number];
}

const STEPS: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    type: fc.constantFrom(...Object.keys(ONE), ...Object.keys(TWO)),
    back: fc.tuple(fc.nat(2), fc.nat(2)),
  }),
  { minLength: 1, maxLength: 9 },
);

function build(steps: readonly Step[], extraOutput: number): tfl.LayersModel {
  const values = [tfl.input({ shape: [4, 4, 2], name: "image" })];
  steps.forEach(({ type, back }, i) => {
    const [a, b] = back.map((distance) => values[Math.max(0, values.length - 1 - distance)]);
    const name = `${type}_${i}`;
    values.push(type in TWO ? apply(TWO[type](name), a, b) : apply(ONE[type](name), a));
  });
  if (values.length === 1) values.push(apply(ONE.conv("only"), values[0]));
  const last = values.length - 1;
  const extra = 1 + extraOutput % last;
  const outputs = extra === last ? [values[last]] : [values[last], values[extra]];
  return seedWeights(tfl.model({ inputs: values[0], outputs, name: "random" }));
}

const isQuantizer = (node: LayerNode) => node.layer.className === FakeQuantize.className;

/** Whether the value that `name` gives lies on a grid: it is a FakeQuantize's, moved about at most. */
function isOnGrid(graph: LayerGraph, name: string): boolean {
  const node = nodeOf(graph, name);
  if (isQuantizer(node)) return true;
  const moves = node.inbound.length === 1 && ["same-scale", "passthrough"].includes(ruleOf(node.layer).kind);
  return moves && isOnGrid(graph, node.inbound[0]);
}

function checkWiring(graph: LayerGraph): void {
  for (const node of graph.nodes) {
    if (node.layer.className === QuantizedWeights.className || ruleOf(node.layer).kind === "rescale") {
      for (const input of node.inbound) assert.ok(isOnGrid(graph, input), `"${node.name}" reads "${input}" in float`);
    }
    if (node.layer.className === QuantizedWeights.className) {
      assert.equal(consumersOf(graph, node.name).length, 1, `"${node.name}" is read by its unit or quantizer alone`);
      assert.ok(!graph.outputs.includes(node.name), `"${node.name}" is not an output`);
    }
    if (!isQuantizer(node)) continue;
    assert.ok(!isOnGrid(graph, node.inbound[0]), `"${node.name}" quantizes what is on a grid`);
    const isRead = consumersOf(graph, node.name).length > 0 || graph.outputs.includes(node.name);
    assert.ok(isRead, `"${node.name}" is read by nobody`);
  }
}

Deno.test("prepareQat() gives int8 layers values on a grid, no value two grids, and no grid in vain", () => {
  fc.assert(
    fc.property(STEPS, fc.nat(8), (steps, extra) => {
      const model = build(steps, extra);
      const { model: prepared } = prepareQat(model);
      checkWiring(fromModel(prepared));
      model.dispose();
      prepared.dispose();
    }),
    { numRuns: 150, seed: 1 },
  );
});

Deno.test("prepareQat() computes what the float model computes while quantization is disabled", () => {
  fc.assert(
    fc.property(STEPS, fc.nat(8), (steps, extra) => {
      // Read and built anew, with copies of what TF.js 4.22 frees too early where one layer reads it twice.
      const model = toModel(fromModel(build(steps, extra)));
      const { model: prepared } = prepareQat(model, { swap: [] });
      setQatPhase(prepared, { fakeQuantizing: false });
      const inputs = inputFor(model);
      const expected = predict(model, inputs);
      predict(prepared, inputs).forEach((values, i) => {
        const size = Math.max(...expected[i].map(Math.abs), 1e-6);
        assert.ok(values.every((value, j) => Math.abs(value - expected[i][j]) <= 1e-5 * size), `output ${i}`);
      });
      tf.dispose(inputs);
      model.dispose();
      prepared.dispose();
    }),
    { numRuns: 80, seed: 2 },
  );
});
