/** Quantized ONNX models that are imported with their grids. */
import { calibrate } from "../../../quantize/calibrate.ts";
import { toOnnx } from "../../../export/to_onnx.ts";
import type { ImportFacts } from "../../../models/import/imported.ts";
import { loadOnnx } from "../../../models/import/onnx/mod.ts";
import { prepareOnGrids } from "../../../quantize/on_grids.ts";
import { prepareQat } from "../../../quantize/prepare.ts";
import { inputFor, sequentialModel } from "../../_support/small_models.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { startTf } from "./_start.ts";

/** The int8 files of a small model, Q/DQ pairs or operators on codes, damaged. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const { model } = prepareQat(sequentialModel());
  await calibrate(model, [inputFor(model)]);
  const files: Uint8Array[] = [];
  for (const format of ["qdq", "qoperator"] as const) files.push((await toOnnx(model, { format })).bytes);
  model.dispose();
  return async (random) => {
    const { bytes, what } = mutateBytes(random, random.pick(files));
    await Deno.writeFile(`${dir}/net.onnx`, bytes);
    const read = async () => {
      let facts: ImportFacts | undefined;
      const loaded = await loadOnnx(`${dir}/net.onnx`, { onImport: (told) => facts = told });
      check(loaded.outputs.length > 0, "no outputs");
      if (facts?.grids !== undefined) prepareOnGrids(loaded, facts.grids).model.dispose();
      loaded.dispose();
    };
    return { what, read };
  };
};
