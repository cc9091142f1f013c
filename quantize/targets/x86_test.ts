import assert from "node:assert/strict";
import { saturates } from "../../export/saturation.ts";
import { runExported } from "../../export/_test_support.ts";
import { predict } from "../../tests/_support/small_models.ts";
import { canSaturate } from "../target.ts";
import { AFFINE_WEIGHTS, codesOf, exportFor, NETS, testTarget } from "./_test_nets.ts";
import { x86 } from "./x86.ts";

testTarget("x86", { session: { precise: true } });
testTarget("x86", { session: { precise: true }, weights: AFFINE_WEIGHTS });

Deno.test('target "x86" has files that saturate on CPUs without VNNI, and says so', async () => {
  const { prepared: { model }, exported, x } = await exportFor("x86", NETS.conv);
  const deployed = codesOf(runExported(exported, [x], { precise: false })[0], model);
  const simulated = codesOf(predict(model, [x])[0], model);
  const different = deployed.filter((code, i) => code !== simulated[i]).length;
  assert.equal(different > 0, saturates());
  assert.ok(canSaturate(x86));
});
