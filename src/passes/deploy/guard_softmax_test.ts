import assert from "node:assert/strict";
import { decodeModel, encodeModel } from "../../onnx/file/mod.ts";
import type { Graph } from "../../onnx/graph.ts";
import { Session, type SessionOptions } from "../../runtime/session.ts";
import { applied, countOps, fakeQuantized, graphOf, opsOf, reals } from "../_test_support.ts";
import { guardSoftmax } from "./guard_softmax.ts";

type Dtype = "uint8" | "int8";

const SHAPE = [64, 10];

interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
}

function softmaxOn({ scale, zeroPoint }: Grid, dtype: Dtype): Graph {
  const logits = { scale: 0.06, zeroPoint: dtype === "uint8" ? 128 : 0, dtype };
  return graphOf(SHAPE, (b, x) => {
    const grid = { scale: Math.fround(scale), zeroPoint: dtype === "uint8" ? zeroPoint : zeroPoint - 128, dtype };
    return fakeQuantized(b, b.node("Softmax", [fakeQuantized(b, x, logits)], { axis: -1 }), grid);
  });
}

const X = Float32Array.from(reals(640, 3), (value) => 7 * value);

function run(graph: Graph, options: SessionOptions = {}): readonly number[] {
  const session = new Session(encodeModel(graph), { threads: 1, int8Activations: true, ...options });
  try {
    const answers = session.run({ x: { dtype: "float32", shape: SHAPE, data: X } });
    return [...answers[graph.outputs[0]].data as Float32Array];
  } finally {
    session.dispose();
  }
}

/** What ONNX Runtime runs when it loads `graph`. */
function runs(graph: Graph): readonly string[] {
  const path = Deno.makeTempFileSync();
  try {
    const options = { optimization: "extended", optimizedModelPath: path, int8Activations: true } as const;
    new Session(encodeModel(graph), options).dispose();
    return opsOf(decodeModel(Deno.readFileSync(path)).graph);
  } finally {
    Deno.removeSync(path);
  }
}

const UNFUSED = { optimization: "disabled", keepQdq: true } as const;

/** Zero points of uint8. */
const OTHERS: readonly Grid[] = [
  { scale: 0.1 / 255, zeroPoint: 0 },
  { scale: 0.5 / 255, zeroPoint: 0 },
  { scale: 1 / 255, zeroPoint: 0 },
  { scale: 2 / 255, zeroPoint: 128 },
  { scale: 20 / 255, zeroPoint: 0 },
  { scale: 1e-3 / 255, zeroPoint: 0 },
];

const OWN: readonly Grid[] = [
  { scale: 1 / 256, zeroPoint: 0 },
  { scale: 1 / 128, zeroPoint: 0 },
  { scale: 1 / 128, zeroPoint: 128 },
];

for (const dtype of ["uint8", "int8"] as const) {
  Deno.test(`guardSoftmax() keeps a softmax of ${dtype} in float on grids that its kernel is wrong on`, () => {
    let wrong = 0;
    for (const grid of OTHERS) {
      const graph = softmaxOn(grid, dtype);
      const after = applied(guardSoftmax, graph);
      const expected = run(graph, UNFUSED);
      wrong += run(graph).filter((value, i) => value !== expected[i]).length;
      assert.deepEqual(run(after), expected, JSON.stringify(grid));
      assert.equal(countOps(after).Max, 1);
      assert.ok(!runs(after).includes("QLinearSoftmax"), JSON.stringify(grid));
      assert.match(guardSoftmax.run(graph).declined[0].because, /int8 kernel is wrong on its grid/);
    }
    assert.ok(wrong > 0, "the kernel is right on them by now");
  });

  Deno.test(`guardSoftmax() leaves a softmax of ${dtype} to its kernel on that one's own grids`, () => {
    for (const grid of OWN) {
      const graph = softmaxOn(grid, dtype);
      assert.deepEqual(opsOf(applied(guardSoftmax, graph)), opsOf(graph));
      assert.ok(runs(graph).includes("QLinearSoftmax"));
      assert.deepEqual(run(graph), run(graph, UNFUSED));
    }
  });
}

Deno.test("guardSoftmax() leaves a softmax of real values, and one that gives them", () => {
  const graphs = [
    graphOf(SHAPE, (b, x) => fakeQuantized(b, b.node("Softmax", [x]), { scale: 0.1 })),
    graphOf(SHAPE, (b, x) => b.node("Softmax", [fakeQuantized(b, x, { scale: 0.1 })])),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(guardSoftmax, graph)), opsOf(graph));
});
