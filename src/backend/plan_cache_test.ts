import assert from "node:assert/strict";
import { GraphBuilder, type Value } from "../onnx/writer.ts";
import type { TypedArray } from "../numbers/dtype.ts";
import type { Graph } from "../onnx/graph.ts";
import { feedsOf, PlanCache } from "./_plan_cache.ts";
import type { Feed } from "./_recorder.ts";

function cache(limit = 8): PlanCache {
  return new PlanCache(limit, (graph) => graph, () => ({ threads: 1 }));
}

/** A graph with its feeds. */
interface Recording {
  readonly graph: Graph;
  readonly feeds: readonly Feed[];
}

/** Records `fn` of inputs that hold `arrays`. */
function record(
  arrays: readonly (readonly number[])[],
  fn: (b: GraphBuilder, inputs: readonly Value[]) => Value,
): Recording {
  const b = new GraphBuilder();
  const feeds = arrays.map((elements, i) => {
    const value = b.input("float32", [elements.length], `x${i}`);
    return { value, buffer: { data: Float32Array.from(elements) as TypedArray, exposed: false } };
  });
  const output = fn(b, feeds.map(({ value }) => value));
  const graph = b.build("step", [b.node("Identity", [output]).name]);
  return { graph, feeds: feeds.filter(({ value }) => graph.inputs.includes(value.name)) };
}

/** Runs a recording and returns its output. */
function run(plans: PlanCache, { graph, feeds }: Recording): readonly number[] {
  const plan = plans.planFor(graph, feeds);
  const [name] = graph.outputs;
  return [...plan.session.run(feedsOf(plan, feeds))[name].data as Float32Array];
}

const sum = (b: GraphBuilder, [x, y]: readonly Value[]) => b.node("Add", [x, y]);

Deno.test("PlanCache compiles equal graphs once", () => {
  const plans = cache();
  for (const x of [1, 2, 3]) assert.deepEqual(run(plans, record([[x, x], [10, 20]], sum)), [x + 10, x + 20]);
  assert.equal(plans.stats.compilations, 1);
  assert.equal(plans.stats.sessions, 1);
  plans.clear();
  assert.equal(plans.stats.sessions, 0);
});

Deno.test("PlanCache frees a large graph that ran once when the next is compiled, and keeps it if it comes again", () => {
  const plans = new PlanCache(8, (graph) => graph, () => ({ threads: 1 }), 0);
  const product = (b: GraphBuilder, [x, y]: readonly Value[]) => b.node("Mul", [x, y]);
  const inputs = [[1, 2], [3, 4]];
  const once = () => run(plans, record(inputs, sum));
  once();
  run(plans, record(inputs, product));
  run(plans, record(inputs, product));
  assert.equal(plans.stats.sessions, 1);
  assert.deepEqual(once(), [4, 6]);
  assert.equal(plans.stats.compilations, 3);
  run(plans, record(inputs, (b, [x, y]) => b.node("Sub", [x, y])));
  assert.equal(plans.stats.sessions, 3);
  once();
  assert.equal(plans.stats.compilations, 4);
  plans.clear();
});

Deno.test("PlanCache knows the numbers that change of a graph that comes again", () => {
  const plans = new PlanCache(8, (graph) => graph, () => ({ threads: 1 }), 0);
  const { graph, feeds } = record([[1, 2], [5]], sum);
  plans.planFor(graph, feeds, () => true);
  run(plans, record([[1, 2]], (b, [x]) => b.node("Neg", [x])));
  assert.equal(plans.stats.sessions, 1);
  for (const y of [6, 7, 8]) assert.deepEqual(run(plans, record([[1, 2], [y]], sum)), [1 + y, 2 + y]);
  assert.equal(plans.stats.compilations, 3);
  plans.clear();
});

/** A sum over 15 million numbers: an arena of 60 MB. */
function large(op: string): Recording {
  return record([[4]], (b, [x]) => {
    const filled = b.node("Expand", [b.node(op, [x]), b.constant("int64", [1], [15_000_000])]);
    return b.node("ReduceMax", [filled], { keepdims: 0 });
  });
}

Deno.test("PlanCache keeps sessions of 128 MB, and gives up large ones unused for longest beyond", () => {
  const plans = cache();
  const [step, evaluation, nextStep] = ["Abs", "Sqrt", "Neg"].map(large);
  const twice = (recording: Recording) => [run(plans, recording), run(plans, recording)].flat();
  for (let i = 0; i < 2; i++) assert.deepEqual([step, evaluation].map(twice), [[4, 4], [2, 2]]);
  assert.equal(plans.stats.compilations, 2);
  for (let i = 0; i < 2; i++) assert.deepEqual([nextStep, evaluation].map(twice), [[-4, -4], [2, 2]]);
  assert.deepEqual([plans.stats.sessions, plans.stats.compilations], [2, 3]);
  plans.clear();
});

Deno.test("PlanCache tells graphs apart by both halves of their hashes", () => {
  const plans = cache();
  for (const alpha of [0.1, 0.2, 0.3]) {
    run(plans, record([[1, -1]], (b, [x]) => b.node("Abs", [b.node("LeakyRelu", [x], { alpha })])));
  }
  const hashes = Object.keys(plans.memory).map((hash) => hash.split("/"));
  for (const half of [0, 1]) assert.equal(new Set(hashes.map((parts) => parts[half])).size, 3);
  plans.clear();
});

Deno.test("PlanCache does not take a run's result for a constant", () => {
  const plans = cache();
  for (const y of [5, 6]) {
    const recording = record([[1, 2], [y]], sum);
    const feeds = recording.feeds.map(({ value, buffer }) => ({ value, buffer: { ...buffer, computed: true } }));
    assert.deepEqual(run(plans, { ...recording, feeds }), [1 + y, 2 + y]);
  }
  assert.equal(plans.stats.compilations, 1);
  plans.clear();
});

Deno.test("PlanCache takes a number for a constant until it changes", () => {
  const plans = cache();
  for (const y of [5, 5, 5]) assert.deepEqual(run(plans, record([[1, 2], [y]], sum)), [1 + y, 2 + y]);
  assert.equal(plans.stats.compilations, 1);
  for (const y of [6, 7, 5, 6]) assert.deepEqual(run(plans, record([[1, 2], [y]], sum)), [1 + y, 2 + y]);
  assert.equal(plans.stats.compilations, 2);
  assert.equal(plans.stats.sessions, 1);
  plans.clear();
});

Deno.test("PlanCache folds what another cache would fold, once it has that one's memory", () => {
  const both = (b: GraphBuilder, [x, y, z]: readonly Value[]) => b.node("Div", [b.node("Add", [x, y]), z]);
  const numbers = [[5, 3], [6, 3], [7, 3], [8, 3], [9, 2], [9, 2]];
  const foldedBy = (plans: PlanCache, [y, z]: readonly number[]) => {
    const { graph, feeds } = record([[1, 2], [y], [z]], both);
    return [...plans.planFor(graph, feeds).constants];
  };
  const undisturbed = cache();
  const expected = numbers.map((pair) => foldedBy(undisturbed, pair));
  assert.deepEqual(expected.map((constants) => constants.length), [2, 1, 1, 1, 0, 0]);
  for (let killed = 1; killed < numbers.length; killed++) {
    const first = cache();
    numbers.slice(0, killed).forEach((pair) => foldedBy(first, pair));
    const memory = JSON.parse(JSON.stringify(first.memory));
    first.clear();
    const second = cache();
    foldedBy(second, [6, 3]); // of another process, before it goes on
    second.memory = memory;
    assert.deepEqual(numbers.slice(killed).map((pair) => foldedBy(second, pair)), expected.slice(killed));
    assert.deepEqual(second.memory, undisturbed.memory);
    second.clear();
  }
  // A result of a run that was restored from memory is no constant, as it was none.
  const computed = cache();
  const { graph, feeds } = record([[1, 2], [4], [2]], both);
  const plan = computed.planFor(graph, feeds.map((feed) => ({ ...feed, buffer: { ...feed.buffer, computed: true } })));
  assert.deepEqual([...plan.constants], []);
  const { memory } = computed;
  computed.memory = memory;
  assert.deepEqual([...computed.planFor(graph, feeds).constants], []);
  computed.clear();
  undisturbed.clear();
});

Deno.test("PlanCache folds the same constants whether a session was given up in between or not", () => {
  const folded = [0, Infinity].map((largeBytes) => {
    const plans = new PlanCache(8, (graph) => graph, () => ({ threads: 1 }), largeBytes);
    return [5, 6, 6, 7].map((y) => {
      const { graph, feeds } = record([[1, 2], [y]], sum);
      const { constants } = plans.planFor(graph, feeds);
      run(plans, record([[1, 2]], (b, [x]) => b.node("Neg", [x])));
      return [...constants];
    });
  });
  assert.deepEqual(folded[0], folded[1]);
  assert.deepEqual(folded[0], [[["x1", 5]], [], [], []]);
});

Deno.test("PlanCache compiles once for each number that changes, whenever it does", () => {
  const plans = cache();
  const both = (b: GraphBuilder, [x, y, z]: readonly Value[]) => b.node("Mul", [b.node("Add", [x, y]), z]);
  const numbers = [[5, 2], [6, 2], [7, 2], [7, 3], [8, 4], [9, 2]];
  for (const [y, z] of numbers) {
    assert.deepEqual(run(plans, record([[1, 2], [y], [z]], both)), [(1 + y) * z, (2 + y) * z]);
  }
  assert.equal(plans.stats.compilations, 3);
  plans.clear();
});

Deno.test("PlanCache tells numbers 0 and -0 apart, and takes NaN for itself", () => {
  const plans = cache();
  const quotient = (b: GraphBuilder, [x, y]: readonly Value[]) => b.node("Div", [x, y]);
  assert.deepEqual(run(plans, record([[1, 1], [0]], quotient)), [Infinity, Infinity]);
  assert.deepEqual(run(plans, record([[1, 1], [-0]], quotient)), [-Infinity, -Infinity]);
  const { compilations } = plans.stats;
  for (let i = 0; i < 2; i++) run(plans, record([[1, 1, 1], [NaN]], quotient));
  assert.equal(plans.stats.compilations, compilations + 1);
  plans.clear();
});

/** Pairs of graphs that look alike. */
const ALIKE: Readonly<Record<string, readonly [Recording, Recording]>> = {
  "attributes": [
    record([[1, -1]], (b, [x]) => b.node("LeakyRelu", [x], { alpha: 0.1 })),
    record([[1, -1]], (b, [x]) => b.node("LeakyRelu", [x], { alpha: 0.2 })),
  ],
  "tensor attributes": [1, 2].map((fill) =>
    record([[1, -1]], (b, [x]) => {
      const value = { dtype: "float32", shape: [1], data: Float32Array.of(fill) } as const;
      return b.node("Add", [x, b.node("ConstantOfShape", [b.constant("int64", [1], [2])], { value })]);
    })
  ) as [Recording, Recording],
  "constants": [1, 2].map((c) =>
    record([[1, -1]], (b, [x]) => b.node("Mul", [x, b.constant("float32", [2], [1, c])]))
  ) as [
    Recording,
    Recording,
  ],
  "constants 0 and -0": [0, -0].map((c) =>
    record([[1, -1]], (b, [x]) => b.node("Div", [x, b.constant("float32", [2], [c, c])]))
  ) as [Recording, Recording],
  "constants' shapes": [[1, 4], [4, 1]].map((shape) =>
    record(
      [[1, 2, 3, 4]],
      (b, [x]) =>
        b.node("ReduceSum", [b.node("Mul", [x, b.constant("float32", shape, [1, 2, 3, 4])])], { keepdims: 0 }),
    )
  ) as [Recording, Recording],
  "wiring": [
    record([[1, 2], [5, 7]], (b, [x, y]) => b.node("Sub", [x, y])),
    record([[1, 2], [5, 7]], (b, [x, y]) => b.node("Sub", [y, x])),
  ],
  "operators": [
    record([[1, 2], [5, 7]], (b, [x, y]) => b.node("Min", [x, y])),
    record([[1, 2], [5, 7]], (b, [x, y]) => b.node("Max", [x, y])),
  ],
  "input shapes": [record([[1, 2], [5, 7]], sum), record([[1, 2, 3], [5, 7, 9]], sum)],
};

for (const [name, [a, b]] of Object.entries(ALIKE)) {
  Deno.test(`PlanCache keeps graphs of different ${name} apart`, () => {
    const [both, one, other] = [cache(), cache(), cache()];
    const expected = [run(one, a), run(other, b)];
    assert.notDeepEqual(expected[0], expected[1]);
    assert.deepEqual([run(both, a), run(both, b)], expected);
    for (const plans of [both, one, other]) plans.clear();
  });
}

Deno.test("PlanCache keeps the sessions used last", () => {
  const plans = cache(2);
  const graphs = [1, 2, 3].map((size) => record([new Array(size + 1).fill(1)], (b, [x]) => b.node("Neg", [x])));
  for (const i of [0, 1, 0, 2, 0]) run(plans, graphs[i]);
  assert.equal(plans.stats.sessions, 2);
  assert.equal(plans.stats.compilations, 3);
  run(plans, graphs[1]);
  assert.equal(plans.stats.compilations, 4);
  assert.equal(plans.stats.sessions, 2);
  plans.clear();
});
