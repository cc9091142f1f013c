import assert from "node:assert/strict";
import { registerBackend } from "../../../src/backend/mod.ts";
import { openModel } from "../open_model.ts";
import { GraphWriter } from "./_test_graph.ts";
import { OPERATOR_CASES } from "./_test_operators.ts";
import { GRAPH_OPERATORS, REFUSED_OPERATORS } from "./operators.ts";

/** Those that are in graphs of the cases all the same, that are one with another, or that other tests have. */
const ELSEWHERE =
  "Const Placeholder NoOp Shape ShapeN Size Rank PlaceholderWithDefault _FusedConv2D FusedDepthwiseConv2dNative _FusedMatMul " +
  "DepthwiseConv2d FusedBatchNormV2 Select Concat Gather Reverse Fill Range EnsureShape SelectV2";

// Each is compared with TensorFlow.js as it is imported.
Deno.test("openModel() makes layers of every operator of TensorFlow.js that is listed, whatever its attributes", async (t) => {
  await registerBackend();
  const dir = Deno.makeTempDirSync();
  try {
    for (const [i, { op, what, shape = [-1, 6, 8, 4], write }] of OPERATOR_CASES.entries()) {
      await t.step(what === undefined ? op : `${op}, ${what}`, async () => {
        const graph = new GraphWriter();
        write(graph, graph.input("x", shape));
        graph.save(`${dir}/${i}`);
        const model = await openModel(`${dir}/${i}`, { outputs: ["y"] });
        assert.deepEqual(model.outputNames, ["y"]);
        model.dispose();
      });
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("GRAPH_OPERATORS lists the operators that cases import, and none that is refused", () => {
  const listed = Object.values(GRAPH_OPERATORS).flat();
  assert.deepEqual([...new Set(listed)].toSorted(), listed.toSorted());
  assert.deepEqual(listed.filter((op) => REFUSED_OPERATORS.has(op)), []);
  const known = new Set([...OPERATOR_CASES.map(({ op }) => op), ...ELSEWHERE.split(" ")]);
  assert.deepEqual([...known].toSorted(), listed.toSorted());
});

Deno.test("openModel() says why it refuses an operator, whatever that reads", async () => {
  await registerBackend();
  const dir = Deno.makeTempDirSync();
  try {
    const graph = new GraphWriter();
    const x = graph.input("x", [-1, 4]);
    const ops = [...REFUSED_OPERATORS.keys()];
    graph.add("Pack", "y", ops.map((op) => graph.add(op, `n_${op}`, [x])), { N: { i: String(ops.length) } });
    graph.save(dir + "/net");
    await assert.rejects(openModel(`${dir}/net`), (error: Error) => {
      assert.equal(error.name, "ModelFileError");
      assert.match(error.message, new RegExp(`: ${ops.length} of its nodes cannot be imported: "n_`));
      return true;
    });
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
