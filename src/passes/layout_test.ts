import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import "@tensorflow/tfjs-layers";
import { registerBackend } from "../backend/mod.ts";
import { batchNormTraining, fakeQuantize, PER_TENSOR, perChannel, registerQuantKernels } from "../quant/mod.ts";
import type { GraphBuilder, Value } from "../onnx/writer.ts";
import type { Graph } from "../onnx/graph.ts";
import { randomGraph, type Step, STEP_COUNT } from "./_test_random_graph.ts";
import {
  applied,
  assertSameNumbers,
  countOps,
  fakeQuantized,
  graphOf,
  ints,
  opsOf,
  quantizedWeights,
  realConstant,
  reals,
} from "./_test_support.ts";
import { channelsFirst } from "./layout.ts";

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.nat(STEP_COUNT - 1),
  pick: fc.tuple(fc.nat(63), fc.nat(63), fc.nat(63)),
});

Deno.test("channelsFirst() changes no number of random graphs", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 16, size: "max" }), (steps) => {
      const graph = randomGraph(steps);
      // Sums in another order: averages and softmaxes round differently, all else is exact.
      assertSameNumbers(graph, applied(channelsFirst, graph), { tolerance: 1e-5 });
    }),
    { seed: 1, numRuns: 500 },
  );
});

/** Transposes between [n, h, w, c] and [n, c, h, w] that move elements. */
function layoutTransposes(graph: Graph): number {
  const perms = graph.nodes.filter(({ op }) => op === "Transpose").map(({ attrs }) => String(attrs.perm));
  return perms.filter((perm) => perm === "0,3,1,2" || perm === "0,2,3,1").length;
}

const FIRST = { perm: [0, 3, 1, 2] };
const LAST = { perm: [0, 2, 3, 1] };

Deno.test("channelsFirst() leaves one Transpose at each end of a stack of quantized convolutions", () => {
  const graph = graphOf([2, 6, 6, 3], (b, x) => {
    const conv = (x: Parameters<typeof fakeQuantized>[1], seed: number) => {
      const kernel = quantizedWeights(b, [4, x.shape[3], 3, 3], { axis: 0, seed });
      const pads = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };
      const y = b.node("Conv", [b.node("Transpose", [x], FIRST), kernel], pads);
      const sum = b.node("Add", [b.node("Transpose", [y], LAST), realConstant(b, [4], seed)]);
      const clipped = b.node("Clip", [sum, b.constant("float32", [], [0]), b.constant("float32", [], [6])]);
      return fakeQuantized(b, clipped, { scale: 0.02 });
    };
    const first = conv(fakeQuantized(b, x, { scale: 0.01, zeroPoint: 128 }), 1);
    const second = conv(first, 2);
    const sum = fakeQuantized(b, b.node("Add", [first, second]), { scale: 0.08 });
    return conv(fakeQuantized(b, b.node("Concat", [sum, second], { axis: 3 }), { scale: 0.08 }), 3);
  });
  const after = applied(channelsFirst, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.equal(layoutTransposes(after), 2);
  const ops = opsOf(after);
  assert.ok(ops.indexOf("Transpose") < ops.indexOf("Conv"));
  assert.equal(ops[ops.length - 1], "Transpose");
  const concat = after.nodes.find(({ op }) => op === "Concat");
  assert.equal(concat?.attrs.axis, 1);
});

Deno.test("channelsFirst() needs no Transpose between the convolutions of a training step, forward and backward", async () => {
  const backend = await registerBackend();
  registerQuantKernels();
  const shapes = [[3, 3, 3, 8], [3, 3, 8, 8], [3, 3, 8, 1], [1, 1, 16, 4], [4, 5]];
  const weights = shapes.map((shape, i) => tf.tensor(reals(shape.reduce((a, b) => a * b, 1), i), shape));
  const [gamma, beta] = [tf.ones([8]), tf.zeros([8])];
  const range = { scale: 0.05, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR };
  const kernel = { scale: new Array(8).fill(0.01), zeroPoint: 0, qmin: -127, qmax: 127, granularity: perChannel(3) };
  const graph = backend.trace([{ name: "x", shape: [4, 8, 8, 3], dtype: "float32" }], ([x]) => {
    const loss = (k1: tf.Tensor, k2: tf.Tensor, k3: tf.Tensor, k4: tf.Tensor, dense: tf.Tensor) => {
      const first = tf.relu(tf.conv2d(x as tf.Tensor4D, fakeQuantize(k1, kernel) as tf.Tensor4D, 1, "same"));
      const normal = batchNormTraining(tf.conv2d(fakeQuantize(first, range), k2 as tf.Tensor4D, 1, "same"), {
        gamma,
        beta,
        epsilon: 1e-3,
      }).y;
      const deep = tf.relu(tf.add(tf.depthwiseConv2d(normal, k3 as tf.Tensor4D, 1, "same"), first));
      const both = tf.concat([
        tf.maxPool(deep as tf.Tensor4D, 2, 2, "same"),
        tf.avgPool(normal as tf.Tensor4D, 2, 2, "same"),
      ], 3);
      const last = tf.mul(tf.sigmoid(tf.conv2d(both as tf.Tensor4D, k4 as tf.Tensor4D, 1, "valid")), 2);
      const logits = tf.matMul(tf.mean(last, [1, 2]), dense as tf.Tensor2D);
      return tf.mean(tf.square(tf.softmax(logits))) as tf.Scalar;
    };
    return tf.grads(loss)(weights);
  });
  const before = layoutTransposes(graph);
  const after = applied(channelsFirst, graph);
  assert.ok(before > 20, `${before} Transposes were recorded`);
  // The picture comes in channels-last, and so does the gradient that TF.js spreads over what was averaged.
  assert.equal(layoutTransposes(after), 2);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  tf.dispose([weights, gamma, beta]);
});

Deno.test("channelsFirst() turns [n, 1, 1, c] into [n, c] without a Transpose", () => {
  const graph = graphOf([3, 4, 4, 2], (b, x) => {
    const pooled = b.node("GlobalAveragePool", [b.node("Transpose", [x], FIRST)]);
    const last = b.node("Relu", [b.node("Transpose", [pooled], LAST)]);
    return b.node("Reshape", [last, ints(b, [3, 2])]);
  });
  const after = applied(channelsFirst, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Transpose", "GlobalAveragePool", "Relu", "Reshape"]);
});

Deno.test("channelsFirst() reshapes what has one long axis instead of transposing it", () => {
  const graph = graphOf([3, 4, 4, 2], (b, x) => {
    const pooled = b.node("Transpose", [b.node("GlobalAveragePool", [b.node("Transpose", [x], FIRST)])], LAST);
    return b.node("MatMul", [pooled, realConstant(b, [2, 5], 1)]);
  });
  const after = applied(channelsFirst, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Transpose", "GlobalAveragePool", "Reshape", "MatMul"]);
});

Deno.test("channelsFirst() reads DequantizeLinear's axis as 1 where it is left out", () => {
  const graph = graphOf([1, 3, 2, 4], (b, x) => {
    const pooled = b.node("MaxPool", [b.node("Transpose", [x], FIRST)], { kernel_shape: [1, 1], strides: [1, 1] });
    const scale = b.constant("float32", [3], [0.5, 1, 2]);
    const zeroPoint = b.constant("uint8", [3], [1, 2, 3]);
    return b.node("QuantizeLinear", [b.node("Transpose", [pooled], LAST), scale, zeroPoint]);
  });
  assertSameNumbers(graph, applied(channelsFirst, graph));
});

Deno.test("channelsFirst() puts a Pad behind the Transpose that its convolution needs", () => {
  const graph = graphOf([1, 4, 5, 2], (b, x) => {
    const padded = b.node("Pad", [x, ints(b, [0, 1, 2, 0, 0, 1, 0, 0]), b.constant("float32", [], [0])]);
    const attrs = { kernel_shape: [2, 2], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };
    return b.node("Conv", [b.node("Transpose", [padded], FIRST), realConstant(b, [3, 2, 2, 2], 1)], attrs);
  });
  const after = applied(channelsFirst, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after).slice(0, 3), ["Transpose", "Pad", "Conv"]);
});

for (const rank of [1, 2, 3]) {
  Deno.test(`channelsFirst() leaves a Pad of rank ${rank} alone that nothing reads but the output`, () => {
    const graph = graphOf([3, 2, 4].slice(0, rank), (b, x) => {
      return b.node("Pad", [x, ints(b, new Array(2 * rank).fill(1)), b.constant("float32", [], [0])]);
    });
    assertSameNumbers(graph, applied(channelsFirst, graph));
    assert.deepEqual(countOps(applied(channelsFirst, graph)), { Pad: 1 });
  });
}

Deno.test("channelsFirst() keeps the names and the layouts of inputs and outputs", () => {
  const graph = graphOf([1, 2, 3, 4], (b, x) => {
    const first = b.node("Transpose", [x], FIRST);
    const last = b.node("Transpose", [first], LAST);
    return [first, last, b.node("Relu", [last]), b.node("Transpose", [b.node("Relu", [first])], LAST)];
  });
  assertSameNumbers(graph, applied(channelsFirst, graph));
});

Deno.test("channelsFirst() lets a Reshape between batch and channels stand in either layout", () => {
  const conv = (b: GraphBuilder, x: Value, seed: number) => {
    const attrs = { kernel_shape: [1, 3], pads: [0, 1, 0, 1], strides: [1, 1], dilations: [1, 1], group: 1 };
    const picture = b.node("Reshape", [x, ints(b, [2, 1, 6, 3])]);
    const y = b.node("Conv", [b.node("Transpose", [picture], FIRST), realConstant(b, [3, 3, 1, 3], seed)], attrs);
    const sequence = b.node("Reshape", [b.node("Transpose", [y], LAST), ints(b, [2, 6, 3])]);
    return b.node("Add", [sequence, realConstant(b, [3], seed)]);
  };
  const graph = graphOf([2, 6, 3], (b, x) => conv(b, conv(b, x, 1), 2));
  const after = applied(channelsFirst, graph);
  assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
  assert.equal(countOps(after).Transpose, 2);
});
