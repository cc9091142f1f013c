/** Transformers for every target whose files this machine runs as they are: held to the codes that were simulated. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { toOnnx, type ToOnnxOptions } from "../export/to_onnx.ts";
import { predictAll } from "../export/validate.ts";
import { verifyFusion } from "../export/verify.ts";
import { transformer } from "../models/arch/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { quantizedLayer } from "../src/quant/mod.ts";

const [SAMPLES, TIME, TOKENS] = [64, 7, 11];

/** Sequences whose ends are padding, token 0. */
const IDS = Int32Array.from({ length: SAMPLES * TIME }, (_, i) => {
  const [sample, at] = [Math.floor(i / TIME), i % TIME];
  return at > 2 + sample % 5 ? 0 : 1 + (i * 7 + sample) % (TOKENS - 1);
});

const FORMS: readonly ToOnnxOptions[] = [{ debug: true }, { format: "qoperator" }, { opset: 13 }];

for (const name of ["x86", "x86-u8u8", "fbgemm", "qnnpack", "arm"]) {
  for (const activation of ["relu", "gelu"] as const) {
    Deno.test(`a transformer with ${activation} answers in codes as simulated, for target "${name}"`, async () => {
      await registerBackend();
      const size = { layers: 1, width: 16, heads: 2, hidden: 32, activation };
      const perPosition = activation === "relu";
      const tokens = { size: TOKENS, padding: 0 };
      const model = transformer({ inputShape: [TIME], tokens, outputs: 3, seed: 0, perPosition, size });
      const { model: prepared, islands } = prepareQat(model, { target: name });
      await calibrate(prepared, [{ inputs: { tokens: IDS }, size: SAMPLES }]);
      const simulated = tf.tidy(() =>
        (prepared.predict(tf.tensor2d(IDS, [SAMPLES, TIME], "int32")) as tf.Tensor).dataSync<"float32">()
      );
      const { session = {} } = targetOf(name).file ?? {};
      for (const options of FORMS) {
        const file = await toOnnx(prepared, options);
        const [{ values, grid }] = Object.values(
          predictAll(file.bytes, [{ tokens: IDS }], { precise: true, ...session }),
        );
        const step = grid?.scale ?? 1 / 256;
        const differing = values.findIndex((value, i) => Math.abs(value - simulated[i]) > step / 2);
        assert.equal(differing, -1, `${JSON.stringify(options)}: element ${differing}`);
        if (options.debug !== true) continue;
        const fusion = verifyFusion(file.bytes, file.graph, { islands, ...session });
        assert.deepEqual(fusion.float.filter(({ op }) => /MatMul|Gemm/.test(op)), []);
        assert.equal(Object.entries(fusion.int8).reduce((n, [op, count]) => /MatMul$/.test(op) ? n + count : n, 0), 2);
        const table = file.graph.nodes.find(({ op }) => op === "Gather");
        assert.match(file.graph.initializers.get(table!.inputs[0])!.dtype, /^u?int8$/, "the table is held as codes");
      }
      assert.equal(quantizedLayer(prepared.getLayer("embedding"))?.role, "weights");
      model.dispose();
      prepared.dispose();
    });
  }
}
