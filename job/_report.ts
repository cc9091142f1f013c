/** Puts together what the job found. */
import { version_core } from "@tensorflow/tfjs-core";
import { version_layers } from "@tensorflow/tfjs-layers";
import { describeNormalize } from "../data/normalize.ts";
import { describeTarget } from "../data/samples.ts";
import { type Agreement, compareAnswers } from "../export/agreement.ts";
import type { Fusion } from "../export/verify.ts";
import { inputNames, inputShapesOf } from "../models/ports.ts";
import { type AgreementReport, type EpochReport, type Report, SCHEMA, type TaskReport } from "../report/schema.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import type { BoundTask } from "../tasks/task.ts";
import { hasImages } from "./_data.ts";
import { reportDevice } from "./_engine.ts";
import type { FilesProof, JobStart, Proof, TrainingJob } from "./_job.ts";
import { describeLayers, parameterCount } from "./_layers_report.ts";
import { describeModels, measured } from "./_metrics_report.ts";
import { describeQuantization } from "./_quantization_report.ts";
import type { ResolvedOptions } from "./options.ts";
import type { StageEpoch, StageResult } from "./_stage.ts";

/** What the report is made of. */
export interface ReportParts {
  readonly job: TrainingJob;
  readonly start: JobStart;
  readonly training: StageResult;
  readonly proof: Proof;
  readonly command: string;
}

/** Builds the report of a finished job. */
export function buildReport({ job, start, training, proof, command }: ReportParts): Report {
  const { options, data } = job;
  const { prepared } = start;
  const { history, epochs } = training;
  const { files, simulated: { task } } = proof;
  const { metrics, floatBefore } = describeModels({
    float: proof.float,
    simulated: proof.simulated,
    ...(files === undefined ? {} : { deployed: files.deployed }),
    ...(files?.unrounded === undefined ? {} : { unrounded: files.unrounded }),
  }, options.seed);
  return {
    schema: SCHEMA,
    task: describeTask(task),
    metrics,
    ...task.fields(metrics),
    ...(files === undefined ? {} : describeFiles(files)),
    ...describeTraining(proof),
    train: {
      epochs: epochs.map(describeEpoch),
      firstStepMs: history.firstStepMs,
      stepMs: history.stepMs,
      peakRssMb: history.peakRssMb,
    },
    rewrites: [...start.rewrites, ...prepared.rewrites].map(describeRewrite),
    seed: options.seed,
    versions: {
      deno: Deno.version.deno,
      tfjs: version_core,
      "tfjs-layers": version_layers,
      "onnxruntime-node": ORT_VERSION,
    },
    model: {
      name: options.model ?? prepared.model.name,
      inputs: inputNames(prepared.model).map((name, i) => ({ name, shape: inputShapesOf(prepared.model)[i] })),
      layers: prepared.model.layers.length,
      parameters: parameterCount(prepared.model),
    },
    data: {
      name: data.name,
      train: data.train.count,
      ...(data.validation === undefined ? {} : { validation: data.validation.count }),
      test: data.test.count,
      facts: [
        ...Object.values(data.test.targets).map(describeTarget),
        ...(hasImages(data) ? [`images ${describeNormalize(data.normalize)}`] : []),
      ],
    },
    command,
    options: describeOptions(options),
    machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
    backend: job.engine.backend,
    device: files === undefined ? job.engine.device : reportDevice(job.engine.device, files.int8.bytes),
    ...describeQuantization(prepared),
    floatBefore,
    ...describeSections(proof),
    layers: describeLayers(prepared),
    ...(history.bestEpoch === undefined ? {} : { bestEpoch: history.bestEpoch }),
    freeze: { observersAfter: options.freezeObserversAfter, batchNormAfter: options.freezeBnAfter },
    islands: prepared.islands.filter(({ layer }) => !runsInInt8(layer, files?.validation.fusion)),
  };
}

/** What was found of the exported files. */
function describeFiles({ int8: { declined }, validation }: FilesProof) {
  const { agreement, latencyMs, bytes, fusion } = validation;
  return {
    agreement: describeAgreement(agreement),
    latencyMs,
    bytes,
    fusion: { int8: fusion.int8, moved: fusion.moved, float: fusion.float },
    graph: { nodes: fusion.nodes },
    ...(declined.length === 0 ? {} : { declined }),
  };
}

/** How evaluation differs from training. */
function describeTraining({ asTrained, simulated: { answers, task } }: Proof): Pick<Report, "trainingAgreement"> {
  if (asTrained === undefined) return {};
  return { trainingAgreement: describeAgreement(compareAnswers(answers, asTrained, task)) };
}

/**
 * Whether ONNX Runtime runs a layer on integers all the same. A pool or an Add that was asked to stay in float stands
 * between grids, and is computed there with the same result.
 */
function runsInInt8(layer: string, fusion: Fusion | undefined): boolean {
  if (fusion === undefined) return false;
  const { nodes, float } = fusion;
  return nodes.some((node) => node.layer === layer && node.int8) && !float.some((node) => node.layer === layer);
}

function describeTask({ name, heads, left }: BoundTask): TaskReport {
  const outputs = Object.entries(heads).map(([name, { task, decoding }]) => ({ name, task, decoding }));
  return { name, outputs, ...(left.length === 0 ? {} : { left }) };
}

/** Describes an epoch of quantization-aware training. */
export function describeEpoch(epoch: StageEpoch): EpochReport {
  const { simulated = [], deployed, loss, observing, trainingBatchNorm, stepMs } = epoch;
  return {
    epoch: epoch.epoch,
    loss,
    metrics: simulated.map(({ name, output, value }, i) => ({
      name,
      output,
      simulated: measured(value),
      ...(deployed === undefined ? {} : { deployed: measured(deployed[i].value) }),
    })),
    observing,
    trainingBatchNorm,
    stepMs,
  };
}

function describeAgreement(agreement: Agreement): readonly AgreementReport[] {
  return agreement.map(({ output, same, compared }) => {
    const common = { output, count: compared.count, ...(same === undefined ? {} : { alike: same }) };
    if (compared.kind === "codes") {
      const { different, maxDifference } = compared;
      return { ...common, compared: "codes", different, maxDifference };
    }
    const { maxDifference, rmsDifference, lastGrids } = compared;
    return {
      ...common,
      compared: "values",
      maxError: maxDifference,
      rmsError: rmsDifference,
      ...(lastGrids === undefined ? {} : { lastGrids }),
    };
  });
}

/** What the task shows of the deployed file's answers, or of the simulated model's where there is none. */
function describeSections({ simulated, files }: Proof): Pick<Report, "sections"> {
  const { task, answers, targets } = files?.deployed ?? simulated;
  const sections = task.sections({ answers, targets });
  return sections.length === 0 ? {} : { sections };
}

function describeRewrite(entry: Rewrite): Report["rewrites"][number] {
  const { rule, layer, ok } = entry;
  return { rule, layer, ok, because: entry.ok ? entry.what : entry.because };
}

function describeOptions(options: ResolvedOptions): NonNullable<Report["options"]> {
  // Lists are written as on the command line.
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, typeof value === "object" ? value.join(", ") : value]),
  );
}
