import assert from "node:assert/strict";
import { encodeModel } from "../../onnx/file/mod.ts";
import { type Graph, sizeOf } from "../../onnx/graph.ts";
import { Session, type SessionOptions } from "../../runtime/session.ts";
import {
  applied,
  assertSameNumbers,
  countOps,
  fakeQuantized,
  graphOf,
  opsOf,
  reals,
  seeded,
} from "../_test_support.ts";
import { softmaxOfOne } from "./softmax_of_one.ts";

/** A softmax between grids, and what is asked of it. */
interface Softmax {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly dtype: "uint8" | "int8";
  /** Of the logits. */
  readonly scale: number;
  /** How many codes stand for [0, 1]. */
  readonly steps: 128 | 256;
}

const zeroOf = (dtype: Softmax["dtype"]) => dtype === "uint8" ? 128 : 0;

function graphOfSoftmax({ shape, axis, dtype, scale, steps }: Softmax): Graph {
  return graphOf(shape, (b, x) => {
    const logits = fakeQuantized(b, x, { scale, zeroPoint: zeroOf(dtype), dtype });
    const zeroPoint = dtype === "uint8" ? 0 : -128;
    return fakeQuantized(b, b.node("Softmax", [logits], { axis }), { scale: 1 / steps, zeroPoint, dtype });
  });
}

/** Softmax in float64 of the values that the codes of `x` stand for. */
function softmax64(x: Float32Array, { shape, axis, dtype, scale }: Softmax): Float64Array {
  const zero = zeroOf(dtype);
  const real = Float64Array.from(x, (value) => {
    const code = Math.min(Math.max(Math.round(value / scale) + zero, zero - 128), zero + 127);
    return (code - zero) * Math.fround(scale);
  });
  const at = axis < 0 ? axis + shape.length : axis;
  const [length, inner] = [shape[at], sizeOf(shape.slice(at + 1))];
  const rows = Map.groupBy(real.keys(), (i) => Math.floor(i / inner / length) * inner + i % inner);
  const result = new Float64Array(real.length);
  for (const places of rows.values()) {
    const most = Math.max(...places.map((i) => real[i]));
    const sum = places.reduce((sum, i) => sum + Math.exp(real[i] - most), 0);
    for (const i of places) result[i] = Math.exp(real[i] - most) / sum;
  }
  return result;
}

function run(graph: Graph, x: Float32Array, options: SessionOptions): Float32Array {
  const session = new Session(encodeModel(graph), { threads: 1, int8Activations: true, ...options });
  try {
    const shape = graph.types.get("x")!.shape as number[];
    return session.run({ x: { dtype: "float32", shape, data: x } })[graph.outputs[0]].data as Float32Array;
  } finally {
    session.dispose();
  }
}

const UNFUSED = { optimization: "disabled", keepQdq: true } as const;

/** Seeded softmaxes over every axis of ranks 2 to 5, a third of them over 1 to 3 values, the others over up to 300. */
function* softmaxes(count: number): Generator<Softmax> {
  const next = seeded(11);
  const upTo = (most: number) => 1 + Math.floor(next() * most);
  for (let i = 0; i < count; i++) {
    const shape = Array.from({ length: 1 + upTo(4) }, () => upTo(4));
    const axis = upTo(shape.length) - 1;
    shape[axis] = i % 3 === 0 ? upTo(3) : upTo(300);
    yield {
      shape,
      axis: next() < 0.5 ? axis : axis - shape.length,
      dtype: next() < 0.5 ? "uint8" : "int8",
      // From even odds to a sure answer.
      scale: Math.fround(10 ** (next() * 4 - 3)),
      steps: next() < 0.8 ? 256 : 128,
    };
  }
}

Deno.test("ONNX Runtime's int8 softmax is right over any axis, with any length but 1, and softmaxOfOne() over that", () => {
  let ones = 0;
  for (const softmax of softmaxes(240)) {
    const { shape, axis, scale, steps } = softmax;
    const graph = applied(softmaxOfOne, graphOfSoftmax(softmax));
    const x = Float32Array.from(reals(sizeOf(shape), sizeOf(shape)), (value) => value * 140 * scale);
    const [fused, unfused] = [run(graph, x, {}), run(graph, x, UNFUSED)];
    const last = (softmax.steps === 256 ? 255 : 128) / steps;
    softmax64(x, softmax).forEach((exact, i) => {
      const place = `${JSON.stringify(softmax)} at ${i}: ${exact} became ${fused[i]} and ${unfused[i]}`;
      // On a tie the one may be a step beside the other.
      assert.ok(Math.abs(fused[i] - Math.min(exact, last)) * steps < 0.5 + 1e-3, place);
      assert.ok(Math.abs(unfused[i] - Math.min(exact, last)) * steps < 0.5 + 1e-3, place);
    });
    if (shape.at(axis) !== 1) continue;
    ones++;
    assert.deepEqual(new Set(fused), new Set([last]));
    assert.equal(countOps(graph).Softmax, undefined);
  }
  assert.ok(ones > 10);
});

Deno.test("ONNX Runtime's int8 softmax of one value is still wrong, for which softmaxOfOne() is there", () => {
  const graph = graphOfSoftmax({ shape: [2, 1], axis: 1, dtype: "uint8", scale: 0.1, steps: 256 });
  assert.deepEqual([...run(graph, Float32Array.of(1, -1), {})], [0, 0]);
});

Deno.test("softmaxOfOne() keeps numbers, infinite and NaN logits aside, and other softmaxes", () => {
  const one = graphOf([3, 1, 4], (b, x) => b.node("Softmax", [x], { axis: 1 }));
  const after = applied(softmaxOfOne, one);
  assertSameNumbers(one, after, { real: true });
  assert.deepEqual(opsOf(after), ["Pow"]);
  const [power] = after.nodes;
  assert.match(softmaxOfOne.run(one).declined[0].because, /a softmax of one value/);
  assert.deepEqual([...run(after, Float32Array.of(0, -0, 1e38, -1e38, 1, 2, 3, 4, 5, 6, 7, 8), {})], Array(12).fill(1));
  assert.equal(power.attrs.axis, undefined);
  for (
    const graph of [
      graphOf([3, 1, 4], (b, x) => b.node("Softmax", [x], { axis: -1 })),
      graphOf([3, 1, 4], (b, x) => b.node("Softmax", [x])),
      graphOf([3, 1], (b, x) => b.node("LogSoftmax", [x])),
    ]
  ) assert.deepEqual(opsOf(applied(softmaxOfOne, graph)), opsOf(graph));
});
