/** Samples that an imported model's answers are compared on. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { batches } from "../data/batches.ts";
import { describeNormalize } from "../data/normalize.ts";
import { describeSkipped, openData } from "../data/open.ts";
import { selectSamples } from "../data/samples.ts";
import { inputNames, inputShapesOf, pickByName } from "../models/ports.ts";
import { TASK_NAMES, taskRow } from "../tasks/mod.ts";
import { checkInputs, columnsOf, dataOf, hasImages } from "./_data.ts";
import { imageShapeOf } from "./_model.ts";
import type { ResolvedImport } from "./import_options.ts";

/** What is read of the data. */
interface Reading extends ResolvedImport {
  readonly data: string;
  readonly log: (line: string) => void;
}

/** Samples as a model takes them. */
export interface ImportData {
  /** One for each input of the model. */
  readonly inputs: readonly tf.Tensor[];
  readonly count: number;
}

/**
 * Opens the first samples of the data that fit the model.
 *
 * @throws {TypeError} If they do not.
 */
export async function openImportData(
  model: tfl.LayersModel,
  { log, ...options }: Reading,
): Promise<ImportData> {
  const { data, model: path, task = TASK_NAMES[0], limit, seed, skipBadImages, normalize } = options;
  const shape = imageShapeOf(model);
  const opened = await openData(data, {
    seed,
    skipBadImages,
    limit,
    targets: taskRow(task).targets,
    unlabelled: true,
    ...columnsOf(options),
    ...(shape === undefined ? {} : { shape }),
  });
  for (const line of [...describeSkipped(opened.skipped), ...opened.notes]) log(line);
  const settings = { model: path, seed, batchSize: 1, input: "float32" as const };
  const known = dataOf(
    { ...opened, train: { ...opened.train, targets: {} }, test: { ...opened.test, targets: {} } },
    model,
    { ...settings, ...(normalize === undefined ? {} : { normalize }) },
  );
  checkInputs(model, known, path);
  if (hasImages(known)) log(`Images go in ${describeNormalize(known.normalize)}.`);
  const count = Math.min(limit, known.train.count);
  const first = selectSamples(known.train, { indices: Array.from({ length: count }, (_, i) => i), name: data });
  const [batch] = batches(first, { batchSize: count, normalize: known.normalize });
  const values = pickByName(inputNames(model), batch.inputs, { what: "input", doing: `feed "${data}" to "${path}"` });
  const shapes = inputShapesOf(model);
  return { inputs: values.map((each, i) => tf.tensor(each, [count, ...shapes[i]])), count };
}
