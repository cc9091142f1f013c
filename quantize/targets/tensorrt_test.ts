import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../../export/_test_support.ts";
import type { Graph, Node } from "../../src/onnx/graph.ts";
import { apply, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { codesOf, exportFor, NETS } from "./_test_nets.ts";

const { layers } = tfl;

/** The operator that gives input `i` of `node`. */
function before({ nodes }: Graph, { inputs }: Node, i: number): Node | undefined {
  return nodes.find(({ outputs }) => outputs[0] === inputs[i]);
}

/**
 * Of some thousand codes, how many may differ, by one: where operators stay in float, file and simulation add in another
 * order, and some sums lie next to a tie.
 */
const MOST_TIES = 4;

/** ONNX Runtime's softmax of int8 is right to within a code on any scale but 1/256; TensorRT's is in float. */
const ROUNDED_OTHERWISE: Readonly<Record<string, number>> = { softmax: 10 };

for (const [net, build] of Object.entries(NETS)) {
  Deno.test(`target "tensorrt" answers in codes as simulated, on symmetric grids, when the net is: ${net}`, async () => {
    const { prepared: { model, islands }, exported, x } = await exportFor("tensorrt", build);
    assert.deepEqual(islands, []);
    const { graph } = exported;
    for (const node of graph.nodes.filter(({ op }) => /quantizeLinear$/i.test(op))) {
      const zero = graph.initializers.get(node.inputs[2])!;
      assert.equal(zero.dtype, "int8");
      assert.ok(Array.from(zero.data, Number).every((z) => z === 0));
    }
    const products = graph.nodes.filter(({ op }) => op === "Conv" || op === "Gemm");
    for (const product of products) {
      assert.deepEqual([0, 1].map((i) => before(graph, product, i)?.op), ["DequantizeLinear", "DequantizeLinear"]);
      if (product.inputs[2]) assert.equal(graph.initializers.get(product.inputs[2])?.dtype, "float32");
    }
    const deployed = codesOf(runExported(exported, [x], { int8Activations: true })[0], model);
    const simulated = codesOf(predict(model, [x])[0], model);
    const differences = deployed.map((code, i) => Math.abs(code - simulated[i])).filter((difference) => difference > 0);
    assert.ok(new Set(simulated).size > 3);
    const most = ROUNDED_OTHERWISE[net] ?? MOST_TIES;
    assert.ok(differences.length <= most && differences.every((difference) => difference === 1), `${differences}`);
  });
}

/** image → "stem" → relu → "first" → relu → "second" (with batch norm) → + relu of the stem → relu → "last". */
function residual(skip: "identity" | "projection"): tfl.LayersModel {
  const conv = (name: string) => layers.conv2d({ filters: 8, kernelSize: 3, padding: "same", name });
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const stem = apply(layers.reLU({ name: "stem_relu" }), apply(conv("stem"), image));
  const first = apply(layers.reLU({ name: "first_relu" }), apply(conv("first"), stem));
  const second = apply(layers.batchNormalization({ name: "bn" }), apply(conv("second"), first));
  const other = skip === "identity" ? stem : apply(conv("projection"), stem);
  const sum = apply(layers.reLU({ name: "sum_relu" }), apply(layers.add({ name: "sum" }), second, other));
  return seedWeights(tfl.model({ inputs: image, outputs: apply(conv("last"), sum) }));
}

for (const skip of ["identity", "projection"] as const) {
  Deno.test(`target "tensorrt" has a pair on the skip of a residual sum and none on its convolution, where the skip is: ${skip}`, async () => {
    const { exported: { graph } } = await exportFor("tensorrt", () => residual(skip));
    const sum = graph.nodes.find(({ op }) => op === "Add")!;
    const [main, other] = [0, 1].map((i) => before(graph, sum, i)!);
    assert.deepEqual([main.op, main.layer, other.op], ["Conv", "second", "DequantizeLinear"]);
    const [behind] = graph.nodes.filter(({ inputs }) => inputs.includes(sum.outputs[0]));
    const [quantize] = graph.nodes.filter(({ inputs }) => inputs.includes(behind.outputs[0]));
    assert.deepEqual([behind.op, quantize.op], ["Relu", "QuantizeLinear"]);
  });
}

Deno.test('target "tensorrt" spreads a range over 127 steps on either side, and saturates at -128', async () => {
  const { prepared: { model }, x } = await exportFor("tensorrt", NETS.conv);
  const codes = codesOf(predict(model, [x])[0], model);
  assert.ok(Math.max(...codes.map(Math.abs)) === 127, `${Math.max(...codes)}`);
  const beyond = codesOf(predict(model, [tf.mul(x, 8)])[0], model);
  assert.deepEqual([Math.min(...beyond), Math.max(...beyond)], [-128, 127]);
});
