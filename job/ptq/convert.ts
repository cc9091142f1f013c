/** Files that are made of the float model alone: nothing is calibrated, and nothing can be simulated. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { countOf } from "../../src/text/plain.ts";
import { type OnnxModel, type Precision, toOnnx } from "../../export/to_onnx.ts";
import { validating, type Validation } from "../../export/validate.ts";
import type { Evaluation } from "../../train/evaluate.ts";
import { inTurnsOf, judgeAnswers, pauseOf, samples, writingOf } from "../_job.ts";
import type { FileMetadata } from "../_metadata.ts";
import { threadsOf } from "../_prove.ts";
import type { ResolvedPtq } from "../ptq_options.ts";
import type { PtqJob } from "./job.ts";

/** A file, and what was found of it. */
export interface Converted {
  readonly file: OnnxModel;
  readonly deployed: Evaluation;
  readonly validation: Validation;
  /** Of making the file. */
  readonly seconds: number;
}

/** What a file is made of and held against. */
interface Conversion {
  readonly job: PtqJob;
  /** The float file that it is timed beside. */
  readonly float: OnnxModel;
  /** What the model itself answers. */
  readonly judged: Evaluation;
  readonly about: FileMetadata;
}

/** Returns the precision that a method's file has. */
export function precisionOf({ method, bits }: Pick<ResolvedPtq, "method" | "bits">): Precision {
  switch (method) {
    case "static":
      return "int8";
    case "dynamic":
      return "dynamic";
    case "weights":
      return bits === 4 ? "weights4" : "weights8";
    case "float16":
      return "float16";
  }
}

/**
 * Exports a float model by the job's method, and runs the file.
 *
 * @throws {RangeError} If the model has nothing that the method could round.
 */
export async function convert(model: LayersModel, { job, float, judged, about }: Conversion): Promise<Converted> {
  const { options, quantization: { target }, engine } = job;
  const started = performance.now();
  const file = await toOnnx(model, {
    ...writingOf(job),
    ...about,
    precision: precisionOf(options),
    target: target.name,
    ...(options.block === undefined ? {} : { block: options.block }),
  });
  const seconds = (performance.now() - started) / 1000;
  if (options.method === "dynamic") warnOfConvolutions(file, job.log);
  await pauseOf(job);
  const work = validating({
    int8: file,
    float,
    batches: samples(job, "test"),
    simulated: judged.answers,
    task: judged.task,
    device: engine.device.ran,
    precise: options.precise,
    ...target.file?.session,
    latency: threadsOf(job),
  });
  const validation = await inTurnsOf(job, work);
  return { file, deployed: judgeAnswers(judged, validation.deployed), validation, seconds };
}

/** Convolutions have no kernel on ranges of run time that would be faster than the float one. */
function warnOfConvolutions({ graph }: OnnxModel, log: (line: string) => void): void {
  const count = graph.nodes.filter(({ op }) => op === "Conv" || op === "ConvTranspose").length;
  if (count === 0) return;
  log(
    `Warning: ${countOf(count, "convolution stays", "convolutions stay")} in float: ranges that are found at ` +
      "run time make convolutions slower. --method static runs them on integers.",
  );
}
