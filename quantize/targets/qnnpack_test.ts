import assert from "node:assert/strict";
import { exportFor, NETS, testTarget } from "./_test_nets.ts";

testTarget("qnnpack", { session: { precise: true }, float: { "batch norm alone": ["bn"] } });

Deno.test('target "qnnpack" has one scale a weight tensor, batch norm folded into it before', async () => {
  const { prepared, exported: { graph } } = await exportFor("qnnpack", NETS["batch norm"]);
  assert.ok(prepared.rewrites.some(({ rule, ok }) => rule === "fold_batch_norm" && ok));
  for (const { inputs } of graph.nodes.filter(({ op }) => op === "Conv")) {
    const weights = graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!;
    const [codes, scale] = weights.inputs.map((name) => graph.initializers.get(name)!.data);
    assert.equal(scale.length, 1);
    assert.ok(Array.from(codes, Number).some((code) => Math.abs(code) >= 127));
  }
  const [island] = (await exportFor("qnnpack", NETS["batch norm alone"])).prepared.islands;
  assert.match(island.because, /"qnnpack" has one scale a weight tensor/);
});
