/** Puts together what a job without training found. */
import { resourceUsage } from "node:process";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { OnnxModel } from "../../export/to_onnx.ts";
import type { Validation } from "../../export/validate.ts";
import type { PtqReport, Report } from "../../report/schema.ts";
import type { Rewrite } from "../../src/rewrite/mod.ts";
import type { Evaluation } from "../../train/evaluate.ts";
import { reportDevice } from "../_engine.ts";
import type { JudgedStep } from "../_job.ts";
import { describeLayers } from "../_layers_report.ts";
import { describeModels } from "../_metrics_report.ts";
import { describePairing } from "../_pairing.ts";
import { describeQuantization } from "../_quantization_report.ts";
import {
  describeAgreements,
  describeFile,
  describeFusion,
  describeIslands,
  describeOrigin,
  describeRewrite,
  describeSections,
  describeTask,
  factsOf,
  type ShownModels,
} from "../_report_parts.ts";
import type { PtqData } from "./data.ts";
import type { PtqJob } from "./job.ts";
import { describeSqnr } from "./sqnr.ts";
import type { QuantizedModel } from "./static.ts";

/** A file that was run. */
export interface RunFile {
  /** Its name in the job's folder. */
  readonly name: string;
  readonly file: OnnxModel;
  readonly deployed: Evaluation;
  readonly validation: Validation;
}

/** What the report is made of. */
export interface PtqParts {
  readonly job: PtqJob;
  readonly data: PtqData;
  /** The model as it was loaded. */
  readonly original: LayersModel;
  readonly rewrites: readonly Rewrite[];
  /** The float models, the first of which is what is measured against. */
  readonly float: readonly JudgedStep[];
  /** Absent where the target has no file. */
  readonly run?: RunFile;
  /** Absent where nothing is simulated. */
  readonly quantized?: QuantizedModel & { readonly simulated: Evaluation };
  readonly seconds: number;
  readonly command: string;
}

/** Builds the report. */
export async function buildPtqReport(parts: PtqParts): Promise<Report> {
  const { job, data: { judged, of }, original, float, run, quantized, command } = parts;
  const [{ judged: reference }] = float;
  const models = {
    ...(quantized === undefined ? {} : { simulated: quantized.simulated }),
    ...(run === undefined ? {} : { deployed: run.deployed }),
  };
  const { metrics, floatBefore, kept } = describeModels({ float, ...models });
  const answers = Object.fromEntries(Object.entries(models).map(([name, { answers }]) => [name, answers]));
  return {
    ...describeOrigin(job, { model: original, command }),
    task: describeTask(reference.task),
    metrics,
    sqnr: describeSqnr(reference.answers, { of, ...answers }),
    ...reference.task.fields(metrics),
    ptq: describeMethod(parts),
    ...(of === "test" ? describePairing(kept, judged.test) : {}),
    ...(run === undefined ? {} : {
      deploy: run.name,
      ...describeFile(run.file, run.validation),
      ...describeRun(run.validation, job),
    }),
    ...(quantized === undefined || run === undefined ? {} : describeAgreements(run.validation)),
    train: { epochs: [], firstStepMs: null, stepMs: null, peakRssMb: resourceUsage().maxRSS / 1024 },
    rewrites: [...parts.rewrites, ...quantized?.prepared.rewrites ?? []].map(describeRewrite),
    ...(of === "test" ? { data: { name: judged.name, test: judged.test.count, facts: factsOf(judged) } } : {}),
    device: run === undefined ? job.engine.device : reportDevice(job.engine.device, run.file.bytes),
    ...(metrics.length === 0 ? {} : { floatBefore }),
    ...await describeSections(shownOf(parts), { data: judged }),
    ...(quantized === undefined ? targetOf(job) : describePrepared(quantized, run)),
  };
}

/** Operators of other methods are in float on purpose: only integers are counted against those of float. */
function describeRun({ fusion }: Validation, { options: { method } }: PtqJob): Partial<Report> {
  const described = describeFusion(fusion);
  return method === "static" || method === "dynamic" ? described : { graph: described.graph };
}

/** Beside the model that is deployed the float model as it was loaded, and its simulation. */
function shownOf({ float: [{ judged: float }], run, quantized }: PtqParts): ShownModels {
  if (run !== undefined) {
    return { judged: run.deployed, others: { float, ...(quantized && { simulated: quantized.simulated }) } };
  }
  return quantized === undefined ? { judged: float, others: {} } : { judged: quantized.simulated, others: { float } };
}

function describePrepared({ prepared }: QuantizedModel, run: RunFile | undefined): Partial<Report> {
  return {
    ...describeQuantization(prepared),
    layers: describeLayers(prepared),
    islands: describeIslands(prepared.islands, run?.validation.fusion),
  };
}

function targetOf({ quantization: { target } }: PtqJob): Pick<Report, "target"> {
  return target.file === undefined ? {} : { target: { name: target.name, shows: target.file.shows } };
}

function describeMethod({ job: { options }, quantized, seconds }: PtqParts): PtqReport {
  const { method, bits, block } = options;
  return {
    method,
    bits,
    ...(block === undefined ? {} : { block }),
    ...(quantized === undefined ? {} : { calibration: quantized.calibration, steps: quantized.steps }),
    seconds,
  };
}
