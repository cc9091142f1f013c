/** The proof of a job's files: how the int8 file of a prepared model answers in ONNX Runtime, and how fast. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { mapValues } from "../data/samples.ts";
import { lastGridsOf } from "../export/last_grids.ts";
import { leftInPairs, leftUnpacked, type OnnxModel, toOnnx } from "../export/to_onnx.ts";
import { toOrt } from "../export/to_ort.ts";
import { type ValidateOptions, validating } from "../export/validate.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import type { TargetFile } from "../quantize/target.ts";
import { boxesToAppend } from "../tasks/mod.ts";
import type { BoundTask } from "../tasks/task.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { answersOf, type FilesProof, inTurnsOf, type Job, judgeAnswers, pauseOf, samples, writingOf } from "./_job.ts";
import { evaluationBatch } from "./_data.ts";
import type { FileMetadata } from "./_metadata.ts";

/** What is exported and proven. */
export interface ToProve {
  readonly prepared: Pick<PreparedModel, "model" | "islands">;
  /** What is known of its target's file. */
  readonly file: TargetFile;
  /** What the model itself answered to the test samples. */
  readonly simulated: Evaluation;
  /** The float file that it is timed beside. */
  readonly float: OnnxModel;
  /** What the file says of itself. */
  readonly about: FileMetadata;
}

/** Exports the int8 file of a prepared model, and compares it with its simulation and with a float file. */
export async function proveInt8(job: Job, { prepared, file, simulated, float, about }: ToProve): Promise<FilesProof> {
  const { model, islands } = prepared;
  const { precise } = job.options;
  await pauseOf(job);
  const int8 = await toOnnx(model, { ...writingOf(job), ...about });
  logDeclined(int8, job);
  await pauseOf(job);
  const work = validating({
    int8,
    float,
    batches: samples(job, "test"),
    simulated: simulated.answers,
    ...await showLastGrids(model, { job, task: simulated.task }),
    task: simulated.task,
    islands,
    device: job.engine.device.ran,
    precise,
    ...file.session,
    latency: threadsOf(job),
  });
  const validation = await inTurnsOf(job, work);
  const { notShown } = validation;
  if (notShown !== undefined) {
    job.log(`Codes before outputs in float were not compared: the file that shows them runs otherwise, ${notShown}.`);
  }
  const deployed = judgeAnswers(simulated, validation.deployed);
  const boxes = await withBoxes(model, { job, task: simulated.task, about });
  return {
    int8,
    float,
    ort: toOrt(int8.bytes, file.session),
    ...(boxes === undefined ? {} : { boxes }),
    deployed,
    validation,
  };
}

/** Exports the file once more, with what makes boxes of its outputs behind them, where that is asked for. */
async function withBoxes(
  model: tfl.LayersModel,
  { job, task, about }: { readonly job: Job; readonly task: BoundTask; readonly about: FileMetadata },
): Promise<OnnxModel | undefined> {
  const { appendDecoding, appendNms } = job.options;
  const boxes = appendDecoding || appendNms ? boxesToAppend(task.heads, { suppresses: appendNms }) : undefined;
  if (boxes === undefined) return undefined;
  const outputs = mapValues(boxes.decoding, (decoding) => ({ task: task.name, ...decoding }));
  const metadata = { ...about.metadata, outputs: JSON.stringify(outputs) };
  return await toOnnx(model, { ...writingOf(job), ...about, metadata, boxes });
}

/** Says what a file of operators on codes computes between Q/DQ pairs, and which pixels stay apart. */
function logDeclined(file: OnnxModel, { log }: Job): void {
  for (const { op, node, because } of leftInPairs(file)) {
    log(`  "${node}" (${op}) stays between Q/DQ pairs: ${because}`);
  }
  for (const { node, op, because } of leftUnpacked(file)) {
    log(
      op === "Conv" ? `  "${node}" reads pixels one by one: ${because}` : `  --pack-pixels changes nothing: ${because}`,
    );
  }
}

/** The threads that were asked for, as sessions take them. */
export function threadsOf({ options: { threads } }: Job): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
}

/** Simulates the codes before outputs in float, and exports a file that shows them. */
async function showLastGrids(
  model: tfl.LayersModel,
  { job, task }: { readonly job: Job; readonly task: BoundTask },
): Promise<Pick<ValidateOptions, "lastGrids">> {
  const grids = lastGridsOf(model);
  if (grids === undefined) return {};
  const file = await toOnnx(grids.whole, writingOf(job));
  const batches = batchesWithin(grids.model, evaluationBatch(job.data.test));
  const simulated = await answersOf(grids.model, { job, task, batches });
  return { lastGrids: { before: grids.before, file, simulated, batches } };
}

/** Most bytes that codes of one side may take: those before a detector's heads are a megabyte a picture. */
const MOST_BYTES = 2 ** 28;

/** Returns how many batches of `size` answers of `model` take no more than they may; one may always be. */
function batchesWithin({ outputs }: tfl.LayersModel, size: number): number {
  const sample = outputs.reduce((sum, { shape }) => sum + shape.reduce<number>((n, dim) => n * (dim ?? 1), 4), 0);
  return Math.max(1, Math.floor(MOST_BYTES / (sample * size)));
}
