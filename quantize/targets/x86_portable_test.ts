import assert from "node:assert/strict";
import { canSaturate } from "../target.ts";
import { exportFor, NETS, testTarget } from "./_test_nets.ts";
import { x86Portable } from "./x86_portable.ts";

// Plain sessions: on a CPU without VNNI these are the kernels that add pairs of products in 16 bits.
testTarget("x86-portable", { session: { precise: false } });

Deno.test('target "x86-portable" uses all codes within ±64 and none beyond, for batch norm alone too', async () => {
  const { exported: { graph } } = await exportFor("x86-portable", NETS["batch norm alone"]);
  const convs = graph.nodes.filter(({ op }) => op === "Conv");
  assert.equal(convs.length, 3);
  for (const { inputs } of convs) {
    const weights = graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!;
    const codes = Array.from(graph.initializers.get(weights.inputs[0])!.data, Number);
    assert.equal(codes.reduce((most, code) => Math.max(most, Math.abs(code)), 0), 64);
  }
  assert.ok(!canSaturate(x86Portable));
});
