/** Writes the results of a job. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { renderHtml } from "../export/report/html.ts";
import type { Report } from "../export/report/report.ts";
import { commitFiles, ensureWritableDirectory } from "../src/io/atomic.ts";
import { saveLayersModel } from "../src/io/layers_model.ts";

/** What a job leaves behind. */
export interface Outputs {
  readonly int8: Uint8Array;
  readonly float: Uint8Array;
  readonly model: tfl.LayersModel;
  readonly report: Report;
}

/**
 * Writes everything into `dir`; each file is whole at any moment, the report comes last.
 *
 * @throws {OutputError} If something cannot be written.
 */
export async function writeOutputs(dir: string, { int8, float, model, report }: Outputs): Promise<void> {
  ensureWritableDirectory(`${dir}/qat`);
  await saveLayersModel(model, `${dir}/qat`);
  commitFiles([
    { path: `${dir}/model.int8.onnx`, bytes: int8 },
    { path: `${dir}/model.float.onnx`, bytes: float },
    { path: `${dir}/report.html`, bytes: renderHtml(report) },
    { path: `${dir}/report.json`, bytes: `${JSON.stringify(report, null, 2)}\n` },
  ]);
}
