import assert from "node:assert/strict";
import { runExported } from "../../export/_test_support.ts";
import { toOnnx } from "../../export/to_onnx.ts";
import { verifyFusion } from "../../export/verify.ts";
import { predict } from "../../tests/_support/small_models.ts";
import { prepareQat } from "../prepare.ts";
import { AFFINE_WEIGHTS, exportFor, NETS, testTarget } from "./_test_nets.ts";

testTarget("arm", { session: { int8Activations: true, precise: true } });
testTarget("arm", { session: { int8Activations: true, precise: true }, weights: AFFINE_WEIGHTS });

Deno.test('target "arm" leaves x86 operators in float that it does not when int8 activations are allowed', async () => {
  const { exported: { bytes, graph } } = await exportFor("arm", NETS.add);
  assert.ok(verifyFusion(bytes, graph).float.length > 0);
});

Deno.test('target "arm" has all codes for softmax, and answers 0.9 with 0.9', async () => {
  const { prepared: { model }, x } = await exportFor("arm", NETS.softmax);
  const largest = predict(model, [x])[0].reduce((a, b) => Math.max(a, b));
  assert.ok(largest > 0.6, `${largest}`);
});

Deno.test('target "arm" refuses symmetric activations, with the reason and a target that holds them', () => {
  const rules = [{ match: {}, then: { activations: { symmetric: true } } }];
  assert.throws(() => prepareQat(NETS.conv(), { target: "arm", recipe: { rules } }), {
    name: "RangeError",
    message:
      'Cannot quantize the activations of "image" as int8 -127 to 127, symmetric, per tensor for target "arm": ' +
      "its activations are int8 -128 to 127, affine, per tensor: a ReLU is absorbed only where the smallest code of the " +
      'type stands for 0, which is not so on a symmetric grid; target "simulation" can hold them',
  });
});

Deno.test('target "arm" has files of operators on codes that run on int8 kernels in any session', async () => {
  for (const net of [NETS.add, NETS.dense, NETS["average pool"]]) {
    const { prepared: { model }, exported, x } = await exportFor("arm", net);
    const onCodes = await toOnnx(model, { format: "qoperator" });
    const expected = runExported(exported, [x], { int8Activations: true });
    assert.deepEqual(runExported(onCodes, [x], { precise: false }), expected);
    assert.deepEqual(verifyFusion(onCodes.bytes, onCodes.graph).float, []);
  }
});
