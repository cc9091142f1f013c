import assert from "node:assert/strict";
import { canSaturate } from "../target.ts";
import { AFFINE_WEIGHTS, exportFor, NETS, testTarget } from "./_test_nets.ts";
import { x86U8u8 } from "./x86_u8u8.ts";

// No kernel of uint8 weights saturates: a plain session will do.
testTarget("x86-u8u8", { session: { precise: false } });
testTarget("x86-u8u8", { session: { precise: false }, weights: AFFINE_WEIGHTS });

Deno.test('target "x86-u8u8" writes all weights as uint8 around 128, those of batch norm alone too', async () => {
  const { exported: { graph } } = await exportFor("x86-u8u8", NETS["batch norm alone"]);
  const weights = graph.nodes.filter(({ op }) => op === "Conv").map(({ inputs }) =>
    graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!.inputs.map((name) => graph.initializers.get(name)!)
  );
  assert.equal(weights.length, 3);
  for (const [codes, , zeroPoint] of weights) {
    assert.equal(codes.dtype, "uint8");
    assert.ok(Array.from(codes.data, Number).every((code) => code >= 1));
    assert.ok(Array.from(zeroPoint.data, Number).every((zero) => zero === 128));
  }
  assert.ok(!canSaturate(x86U8u8));
});
