import assert from "node:assert/strict";
import { GraphBuilder } from "../../onnx/writer.ts";
import type { Tensor } from "../../onnx/graph.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, quantizedWeights, realConstant } from "../_test_support.ts";
import { moveWeights } from "./move_weights.ts";

const CONV = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };

Deno.test("moveWeights() moves codes to where Conv wants them, channels along axis 0", () => {
  const graph = graphOf([2, 2, 5, 5], (b, x) => {
    const kernel = quantizedWeights(b, [3, 3, 2, 4], { axis: 3 });
    return b.node("Conv", [x, b.node("Transpose", [kernel], { perm: [3, 2, 0, 1] })], CONV);
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv"]);
  assert.equal(after.nodes[0].attrs.axis, 0);
  assert.deepEqual(after.initializers.get(after.nodes[0].inputs[0])?.shape, [4, 2, 3, 3]);
});

Deno.test("moveWeights() moves a depthwise kernel, channels along its third axis", () => {
  const graph = graphOf([2, 4, 5, 5], (b, x) => {
    const moved = b.node("Transpose", [quantizedWeights(b, [3, 3, 4, 1], { axis: 2 })], { perm: [2, 3, 0, 1] });
    return b.node("Conv", [x, b.node("Reshape", [moved, ints(b, [4, 1, 3, 3])])], { ...CONV, group: 4 });
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv"]);
});

Deno.test("moveWeights() merges two axes whose product has a scale each", () => {
  const graph = graphOf([2, 2, 5, 5], (b, x) => {
    // Scales along [in·multiplier] of a kernel [kh, kw, in·multiplier], which is reshaped into its two factors.
    const kernel = b.node("Reshape", [quantizedWeights(b, [3, 3, 6], { axis: 2 }), ints(b, [3, 3, 2, 3])]);
    const moved = b.node("Transpose", [kernel], { perm: [2, 3, 0, 1] });
    return b.node("Conv", [x, b.node("Reshape", [moved, ints(b, [6, 1, 3, 3])])], { ...CONV, group: 2 });
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv"]);
});

Deno.test("moveWeights() keeps one scale one scale", () => {
  const graph = graphOf([4, 3], (b, x) => {
    return b.node("MatMul", [x, b.node("Transpose", [quantizedWeights(b, [5, 3])], { perm: [1, 0] })]);
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "MatMul"]);
  assert.deepEqual(after.initializers.get(after.nodes[0].inputs[1])?.shape, []);
});

Deno.test("moveWeights() reverses the axes where Transpose says nothing", () => {
  const graph = graphOf([4, 3], (b, x) => {
    return b.node("MatMul", [x, b.node("Transpose", [quantizedWeights(b, [5, 3], { axis: 0 })])]);
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "MatMul"]);
});

Deno.test("moveWeights() writes weights for each of their users, in their own form", () => {
  const graph = graphOf([4, 3], (b, x) => {
    const weights = quantizedWeights(b, [3, 3], { axis: 1 });
    const turned = b.node("Transpose", [weights], { perm: [1, 0] });
    return [b.node("MatMul", [x, weights]), b.node("MatMul", [x, turned]), turned];
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after).filter((op) => op === "Transpose"), []);
});

Deno.test("moveWeights() writes weights that are outputs, channels along axis 1 where nothing is said", () => {
  const graph = graphOf([4, 3], (b, x) => {
    const parameters = [b.constant("float32", [2], [1, 2]), b.constant("int8", [2], [0, 0])];
    const weights = b.node("DequantizeLinear", [b.constant("int8", [3, 2], [1, 2, 3, 4, 5, 6]), ...parameters]);
    return [b.node("Transpose", [weights], { perm: [1, 0] }), b.node("Neg", [x])];
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Neg", "DequantizeLinear"]);
});

Deno.test("moveWeights() leaves activations and float weights alone", () => {
  const graph = graphOf([4, 3], (b, x) => {
    const grid = [b.constant("float32", [], [0.5]), b.constant("uint8", [], [3])];
    const codes = b.node("QuantizeLinear", [x, ...grid]);
    const turned = b.node("Transpose", [b.node("DequantizeLinear", [codes, ...grid])], { perm: [1, 0] });
    return b.node("MatMul", [turned, realConstant(b, [4, 5], 1)]);
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), opsOf(graph));
});

Deno.test("moveWeights() refuses weights whose channels end up on no one axis, naming the node", () => {
  const b = new GraphBuilder();
  const turned = b.node("Transpose", [quantizedWeights(b, [2, 3, 4], { axis: 1 })], { perm: [0, 2, 1] });
  // [2, 4, 3] with the channel last → [24], where the channel changes with every element and comes again.
  const flat = b.node("Relu", [b.node("Reshape", [turned, ints(b, [24])])]);
  assert.throws(() => applied(moveWeights, b.build("test", [flat.name])), {
    name: "RangeError",
    message: /^Cannot quantize the weights of "n0": its channels lie along no one axis of \[24\]$/,
  });
});

Deno.test("moveWeights() keeps codes' element type and zero points", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const codes = b.constant("uint8", [4, 3], [0, 255, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const parameters = [b.constant("float32", [4], [1, 2, 3, 4]), b.constant("uint8", [4], [1, 200, 3, 0])];
    const weights = b.node("DequantizeLinear", [codes, ...parameters], { axis: 0 });
    return b.node("MatMul", [x, b.node("Transpose", [weights], { perm: [1, 0] })]);
  });
  const after = applied(moveWeights, graph);
  assertSameNumbers(graph, after);
  const zeroPoint: Tensor | undefined = after.initializers.get(after.nodes[0].inputs[2]);
  assert.deepEqual([...zeroPoint!.data], [1, 200, 3, 0]);
});
