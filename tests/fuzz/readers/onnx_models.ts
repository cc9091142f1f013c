/** ONNX models that are imported. */
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../../../export/to_onnx.ts";
import { loadOnnx } from "../../../models/import/onnx/mod.ts";
import { seedWeights } from "../../_support/small_models.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { startTf } from "./_start.ts";

/** The file of a small model, damaged. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const layers = [
    tfl.layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", inputShape: [6, 4, 3], activation: "relu" }),
    tfl.layers.maxPooling2d({ poolSize: 2 }),
    tfl.layers.flatten(),
    tfl.layers.dense({ units: 3, activation: "softmax" }),
  ];
  const model = seedWeights(tfl.sequential({ layers }));
  const { bytes } = await toOnnx(model, { precision: "float32", inputLayout: "nchw" });
  return async (random) => {
    const { bytes: damaged, what } = mutateBytes(random, bytes);
    await Deno.writeFile(`${dir}/net.onnx`, damaged);
    const read = async () => {
      const loaded = await loadOnnx(`${dir}/net.onnx`);
      check(loaded.outputs.length > 0, "no outputs");
      loaded.dispose();
    };
    return { what, read };
  };
};
