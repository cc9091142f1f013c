import assert from "node:assert/strict";
import fc from "fast-check";
import type { Graph } from "../onnx/graph.ts";
import type { GraphBuilder, Value } from "../onnx/writer.ts";
import { holds } from "./conditions.ts";
import { deployPasses } from "./deploy/mod.ts";
import { definePass, runPasses } from "./pass.ts";
import { stepPasses } from "./step/mod.ts";
import { PAD_BEFORE_POOL, randomGraph, type Step, STEP_COUNT } from "./_test_random_graph.ts";
import {
  assertSameNumbers,
  fakeQuantized,
  graphOf,
  ints,
  quantizedWeights,
  realConstant,
  run,
} from "./_test_support.ts";

const GRID = { scale: 0.5, zeroPoint: 3 };
const codes = (b: GraphBuilder, shape: readonly number[]) => quantizedWeights(b, shape);
const CONV = { kernel_shape: [1, 1] };

/** For each condition, a graph of [2, 3, 4, 4] that breaks it, and the operator of the node that does. */
const BROKEN: Readonly<
  Record<Exclude<keyof typeof holds, "legal">, readonly [string, (b: GraphBuilder, x: Value) => Value]>
> = {
  noIdentity: ["Identity", (b, x) => b.node("Neg", [b.node("Identity", [x])])],
  mergedReshapes: ["Reshape", (b, x) => b.node("Reshape", [b.node("Reshape", [x, ints(b, [96])]), ints(b, [2, 48])])],
  channelsFirst: [
    "Transpose",
    (b, x) => b.node("Transpose", [b.node("Transpose", [x], { perm: [0, 2, 3, 1] })], { perm: [0, 3, 1, 2] }),
  ],
  foldedConstants: ["Sqrt", (b, x) => b.node("Add", [x, b.node("Sqrt", [b.constant("float32", [], [4])])])],
  weightCodes: [
    "Reshape",
    (b, x) => b.node("Conv", [x, b.node("Reshape", [codes(b, [6]), ints(b, [2, 3, 1, 1])])], CONV),
  ],
  knownClips: ["Min", (b, x) => b.node("Min", [b.node("Relu", [x]), b.constant("float32", [], [6])])],
  completeBiases: [
    "Conv",
    (b, x) => b.node("Add", [b.node("Conv", [x, codes(b, [2, 3, 1, 1])], CONV), realConstant(b, [2, 1, 1], 1)]),
  ],
  equalGrids: [
    "MaxPool",
    (b, x) => b.node("Neg", [b.node("MaxPool", [fakeQuantized(b, x, GRID)], { kernel_shape: [2, 2] })]),
  ],
  biasCodes: [
    "Conv",
    (b, x) => b.node("Conv", [fakeQuantized(b, x, GRID), codes(b, [2, 3, 1, 1]), realConstant(b, [2], 1)], CONV),
  ],
  tables: ["QuantizeLinear", (b, x) => fakeQuantized(b, b.node("Relu", [fakeQuantized(b, x, GRID)]), { scale: 0.3 })],
};

for (const [name, [op, make]] of Object.entries(BROKEN)) {
  Deno.test(`the condition "${name}" names the node that breaks it, and holds of a graph that has none`, () => {
    const { brokenBy } = holds[name as keyof typeof BROKEN];
    assert.match(brokenBy(graphOf([2, 3, 4, 4], make)) ?? "", new RegExp(`^node "n\\d+" is ${op}\\(`));
    assert.equal(brokenBy(graphOf([2, 3, 4, 4], (b, x) => b.node("Neg", [x]))), undefined);
  });
}

const renamed = (graph: Graph): Graph => ({ ...graph, outputs: ["nowhere"] });

Deno.test("runPasses() holds passes to their word when it debugs, and only then", () => {
  const graph = graphOf([2], (b, x) => b.node("Neg", [b.node("Identity", [x])]));
  const needy = definePass({ name: "needy", requires: [holds.noIdentity], rewrite: (graph) => graph });
  const idle = definePass({ name: "idle", ensures: [holds.noIdentity], rewrite: (graph) => graph });
  const wild = definePass({ name: "wild", rewrite: renamed });
  for (const pass of [needy, idle, wild]) assert.ok(runPasses([pass], graph).graph);
  assert.throws(() => runPasses([needy], graph, { debug: true }), {
    message:
      'Cannot run pass "needy": node "n0" is Identity(x), needed is that only outputs are copies of another value',
  });
  assert.throws(
    () => runPasses([idle], graph, { debug: true }),
    /^Error: Cannot accept the result of pass "idle": node/,
  );
  assert.throws(() => runPasses([wild], graph, { debug: true }), /"wild": .*"nowhere".*it is a legal graph$/);
});

Deno.test("runPasses() collects what passes decline, once, and not what was done after all", () => {
  const b = graphOf([2], (b, x) => {
    b.layer = "act";
    return b.node("Neg", [x]);
  });
  const lazy = definePass({
    name: "lazy",
    rewrite(graph, decline) {
      decline(graph.nodes[0], "it is too late");
      return graph;
    },
  });
  const { declined } = runPasses([lazy, lazy], b);
  assert.deepEqual(declined, [{ pass: "lazy", node: "n0", op: "Neg", layer: "act", because: "it is too late" }]);
  const late = definePass({
    name: "late",
    rewrite: (graph) => ({ ...graph, nodes: graph.nodes.map((node) => ({ ...node, op: "Abs" })) }),
  });
  assert.deepEqual(runPasses([lazy, late], b).declined, []);
});

/** Runs a graph of constants as the exporter does. */
const evaluate = (graph: Graph) => {
  const tensors = run(graph, {});
  return new Map(
    graph.outputs.map((name, i) => [name, tensors[i] as ReturnType<Graph["initializers"]["get"]> & object]),
  );
};

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.nat(STEP_COUNT - 1).filter((op) => op !== PAD_BEFORE_POOL),
  pick: fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)),
});

for (
  const [what, passes] of [
    ["a step", stepPasses()],
    ["a step in blocks", stepPasses({ block: 16 })],
    ["a deployed graph", deployPasses({ evaluate })],
  ] as const
) {
  Deno.test(`the passes of ${what} keep their word and the numbers of random graphs`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const graph = randomGraph(steps);
        assertSameNumbers(graph, runPasses(passes, graph, { debug: true }).graph, { tolerance: 1e-5 });
      }),
      { numRuns: 60, seed: 4 },
    );
  });
}
