/** Prepared models, with quantizers and a record. */
import * as tf from "@tensorflow/tfjs-core";
import { adoptPrepared } from "../../../quantize/adopt.ts";
import { calibrate } from "../../../quantize/calibrate.ts";
import { prepareQat } from "../../../quantize/prepare.ts";
import { attachRecord } from "../../../quantize/record.ts";
import { inputFor, nestedModel, sequentialModel, skipModel } from "../../_support/small_models.ts";
import { check, type Prepare } from "../_case.ts";
import { checkModel, damage, filesOf, type ModelFiles } from "./_model_files.ts";
import { startTf } from "./_start.ts";

const MODELS = { sequentialModel, skipModel, nestedModel };

/** The files of a prepared model, damaged; what is loaded can be taken up again. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const files: ModelFiles[] = [];
  for (const [name, make] of Object.entries(MODELS)) {
    const made = prepareQat(make());
    await calibrate(made.model, [inputFor(made.model), inputFor(made.model, 5)]);
    attachRecord(made.model, made);
    files.push(await filesOf(name, made.model, dir));
    made.model.dispose();
  }
  tf.disposeVariables();
  return async (random) => {
    const damaged = await damage(random, random.pick(files), dir);
    const takeUp = (model: Parameters<typeof adoptPrepared>[0]) => {
      const { quantizers, layers } = adoptPrepared(model);
      check(Array.isArray(quantizers) && Array.isArray(layers), "no record");
    };
    return { ...damaged, read: () => checkModel(dir, takeUp) };
  };
};
