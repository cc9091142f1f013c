/** Segmentation from the command line's side: a class for each pixel. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { apply, seedWeights } from "../tests/_support/small_models.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { runQat } from "./qat.ts";
import { save, SMALL, withFolder } from "./_test_support.ts";

const { layers } = tfl;

/** Which layer makes maps larger again. */
type Enlarge = "nearest" | "bilinear" | "transposed";

/** Two scales with a skip between them, as U-Nets have more of. */
function smallUnet(enlarge: Enlarge, { classes = 4, side = 24 } = {}): tfl.LayersModel {
  const conv = (name: string, filters: number) =>
    layers.conv2d({ name, filters, kernelSize: 3, padding: "same", activation: "relu" });
  const input = tfl.input({ shape: [side, side, 3], name: "image" });
  const fine = apply(conv("fine", 8), input);
  const coarse = apply(conv("coarse", 12), apply(layers.maxPooling2d({ name: "pool", poolSize: 2 }), fine));
  const up = enlarge === "transposed"
    ? layers.conv2dTranspose({ name: "up", filters: 8, kernelSize: 2, strides: 2 })
    : layers.upSampling2d({ name: "up", size: [2, 2], interpolation: enlarge });
  const joined = layers.concatenate({ name: "join" }).apply([apply(up, coarse), fine]) as tfl.SymbolicTensor;
  const logits = layers.conv2d({ name: "logits", filters: classes, kernelSize: 1 });
  return seedWeights(
    tfl.model({ inputs: input, outputs: apply(logits, apply(conv("last", 8), joined)), name: "unet" }),
  );
}

const JOB = { ...SMALL, data: "generated:masks", task: "segmentation", floatEpochs: 1, batchSize: 6, limit: 20 };

for (const enlarge of ["nearest", "bilinear", "transposed"] as const) {
  Deno.test(`runQat() segments with a ${enlarge} layer, and proves its file to the last code`, () =>
    withFolder(async (dir) => {
      const model = await save(smallUnet(enlarge), `${dir}/in`);
      const log: string[] = [];
      const report = await runQat({ ...JOB, model, out: `${dir}/out` }, { log: (line) => log.push(line) });
      assertFitsSchema(report, []);
      assert.deepEqual(report.metrics.map(({ name, count }) => [name, count]), [
        ["mIoU", 20],
        ["pixel accuracy", 20],
        ["Dice", 20],
      ]);
      assert.ok(report.metrics.every(({ deployed, intervals }) => deployed! > 0 && intervals?.deployed !== undefined));
      const [{ compared, ...agreement }] = report.agreement ?? [];
      assert.ok(agreement !== undefined && compared === "codes");
      const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
      assert.deepEqual(JSON.parse(metadata.outputs).logits.classNames, ["ground", "disc", "triangle", "cross"]);
    }));
}
