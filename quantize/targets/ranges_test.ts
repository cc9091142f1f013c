/** Ranges that recipes ask for, whatever the layer is: the file answers as simulated, in both forms. */
import assert from "node:assert/strict";
import { runExported } from "../../export/_test_support.ts";
import { toOnnx } from "../../export/to_onnx.ts";
import { verifyFusion } from "../../export/verify.ts";
import { predict } from "../../tests/_support/small_models.ts";
import type { RecipeRule } from "../recipe.ts";
import { assertSameCodes, codesOf, exportFor, NETS } from "./_test_nets.ts";

const RANGES = [[0, 0.1], [0, 0.5], [-1, 1], [0, 1], [0, 20], [0, 1e-3]] as const;
const SESSIONS = { x86: { precise: true }, arm: { int8Activations: true } } as const;

function rulesFor([min, max]: typeof RANGES[number]): readonly RecipeRule[] {
  const then = { range: { min, max } };
  return [{ match: { kind: "fixed" }, then }, { match: { pattern: "hardSigmoid" }, then }];
}

for (const target of ["x86", "arm"] as const) {
  for (const net of ["softmax", "softmax inside", "sigmoid", "hard sigmoid", "tanh", "swish"]) {
    Deno.test(`target "${target}" answers as simulated whatever range a recipe asks for, when the net is: ${net}`, async () => {
      for (const range of RANGES) {
        const { prepared: { model }, exported, x } = await exportFor(target, NETS[net], { rules: rulesFor(range) });
        const expected = codesOf(predict(model, [x])[0], model);
        const onCodes = await toOnnx(model, { format: "qoperator" });
        for (const file of [exported, onCodes]) {
          assertSameCodes(net, codesOf(runExported(file, [x], SESSIONS[target])[0], model), expected);
        }
      }
    });
  }

  Deno.test(`target "${target}" leaves a softmax in float whose range no int8 kernel has, and says why`, async () => {
    const { exported } = await exportFor(target, NETS.softmax, { rules: rulesFor([0, 0.1]) });
    const { declined } = exported;
    const { float } = verifyFusion(exported.bytes, exported.graph, { declined, int8Activations: target === "arm" });
    assert.deepEqual([...new Set(float.map(({ layer }) => layer))], ["softmax"]);
    assert.match(float[0].because, /int8 kernel is wrong on its grid, steps of 1\/256 or 1\/128 are needed/);
  });

  Deno.test(`target "${target}" answers as simulated when a softmax between grids is asked to stay in float`, async () => {
    const rules = [{ match: { name: "softmax" }, then: { float: true } }];
    const { prepared: { model }, exported, x } = await exportFor(target, NETS["softmax inside"], { rules });
    const deployed = codesOf(runExported(exported, [x], SESSIONS[target])[0], model);
    assertSameCodes("softmax", deployed, codesOf(predict(model, [x])[0], model));
  });
}
