/** What the tests of passes share: graphs run as they stand, and the claim that two graphs compute the same. */
import assert from "node:assert/strict";
import { type HostTensor, Session } from "../runtime/session.ts";
import { GraphBuilder, type Value } from "../onnx/writer.ts";
import { assertLegal } from "../onnx/check/check.ts";
import { allocate, type DType, type TypedArray } from "../numbers/dtype.ts";
import { type Graph, sizeOf } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { type Pass, runPasses } from "./pass.ts";

/** Makes a generator of numbers in [0, 1) that depend on nothing but the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns `length` whole numbers of [-span, span]: float32 sums and products of such are exact in any order. */
export function wholeNumbers(length: number, options: { readonly seed: number; readonly span?: number }): number[] {
  const { seed, span = 4 } = options;
  const next = seeded(seed);
  return Array.from({ length }, () => Math.floor(next() * (2 * span + 1)) - span);
}

/** Returns `length` numbers of [-1, 1). */
export function reals(length: number, seed: number): number[] {
  const next = seeded(seed);
  return Array.from({ length }, () => next() * 2 - 1);
}

/** Adds a constant of seeded real numbers. */
export function realConstant(b: GraphBuilder, shape: readonly number[], seed: number): Value {
  return b.constant("float32", shape, reals(sizeOf(shape), seed));
}

/** Adds an int64 vector. */
export function ints(b: GraphBuilder, values: readonly number[]): Value {
  return b.constant("int64", [values.length], values);
}

/** Adds QuantizeLinear → DequantizeLinear of an activation. */
export function fakeQuantized(
  b: GraphBuilder,
  x: Value,
  grid: { readonly scale: number; readonly zeroPoint?: number; readonly dtype?: "uint8" | "int8" },
): Value {
  const { scale, zeroPoint = 0, dtype = "uint8" } = grid;
  const parameters = [b.constant("float32", [], [scale]), b.constant(dtype, [], [zeroPoint])];
  return b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, ...parameters]), ...parameters]);
}

/** Adds the DequantizeLinear of seeded int8 codes of [-127, 127], with a scale a slice of `axis` if one is given. */
export function quantizedWeights(
  b: GraphBuilder,
  shape: readonly number[],
  options: { readonly axis?: number; readonly seed?: number; readonly scale?: number } = {},
): Value {
  const { axis, seed = 1, scale = 0.01 } = options;
  const codes = b.constant("int8", shape, wholeNumbers(sizeOf(shape), { seed, span: 127 }), `w${seed}_codes`);
  if (axis === undefined) {
    return b.node("DequantizeLinear", [codes, b.constant("float32", [], [scale]), b.constant("int8", [], [0])]);
  }
  const channels = shape[axis];
  const scales = Array.from({ length: channels }, (_, c) => scale * (1 + c / 4));
  const parameters = [
    b.constant("float32", [channels], scales),
    b.constant("int8", [channels], new Array<number>(channels).fill(0)),
  ];
  return b.node("DequantizeLinear", [codes, ...parameters], { axis });
}

/** Builds a graph of one float input and the outputs that `fn` returns. */
export function graphOf(
  shape: readonly number[],
  fn: (b: GraphBuilder, x: Value) => Value | readonly Value[],
): Graph {
  const b = new GraphBuilder();
  const outputs = fn(b, b.input("float32", shape, "x"));
  return b.build("test", ("name" in outputs ? [outputs] : outputs).map(({ name }) => name));
}

/** Elements by value name. */
export type Feeds = Readonly<Record<string, TypedArray>>;

/** Runs `graph` node by node as it stands. */
export function run(graph: Graph, feeds: Feeds): readonly HostTensor[] {
  const session = new Session(encodeModel(graph), { optimization: "disabled", keepQdq: true, threads: 1 });
  try {
    const inputs: Record<string, HostTensor> = {};
    for (const name of graph.inputs) {
      const { dtype, shape } = graph.types.get(name)!;
      inputs[name] = { dtype, shape: shape as number[], data: feeds[name] };
    }
    const outputs = session.run(inputs);
    return graph.outputs.map((name) => outputs[name]);
  } finally {
    session.dispose();
  }
}

/** Whole numbers, or real ones, for every input of `graph`. */
export function feedsFor(graph: Graph, options: { readonly seed?: number; readonly real?: boolean } = {}): Feeds {
  const { seed = 1, real = false } = options;
  return Object.fromEntries(graph.inputs.map((name, i) => {
    const { dtype, shape } = graph.types.get(name)!;
    const size = sizeOf(shape as number[]);
    const data = allocate(dtype as Exclude<DType, "int64">, size);
    data.set((real ? reals(size, seed + i) : wholeNumbers(size, { seed: seed + i })) as number[] & bigint[]);
    return [name, data];
  }));
}

/** How far results may lie apart. */
export interface Closeness {
  /** Share of the largest magnitude of the output. Default 0: exactly equal. */
  readonly tolerance?: number;
  readonly feeds?: Feeds;
  readonly real?: boolean;
}

/** Asserts that `after` is a legal graph and has `before`'s outputs: names, types and elements. */
export function assertSameNumbers(before: Graph, after: Graph, options: Closeness = {}): void {
  assertLegal(after, { opset: 17 });
  assert.deepEqual(after.inputs, before.inputs);
  assert.deepEqual(after.outputs, before.outputs);
  const feeds = options.feeds ?? feedsFor(before, { real: options.real ?? false });
  const [expected, actual] = [run(before, feeds), run(after, feeds)];
  expected.forEach(({ dtype, shape, data }, i) => {
    assert.equal(actual[i].dtype, dtype);
    assert.deepEqual(actual[i].shape, shape, `shape of ${before.outputs[i]}`);
    const [a, e] = [actual[i].data, data].map((list) =>
      Array.from<number | bigint, number>(list as Float32Array, Number)
    );
    assertClose(a, e, options.tolerance ?? 0);
  });
}

function assertClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i] || (Number.isNaN(actual[i]) && Number.isNaN(expected[i]))) continue;
    const difference = Math.abs(actual[i] - expected[i]);
    assert.ok(difference <= tolerance * largest, `element ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}

/** Returns what `pass` makes of `graph`, held to its word. */
export function applied(pass: Pass, graph: Graph): Graph {
  return runPasses([pass], graph, { debug: true }).graph;
}

/** Number of nodes of each operator. */
export function countOps(graph: Graph): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The operators in order. */
export function opsOf(graph: Graph): readonly string[] {
  return graph.nodes.map(({ op }) => op);
}
