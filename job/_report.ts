/** Puts together what the job found. */
import { compareAnswers } from "../export/agreement.ts";
import type { EpochReport, Report } from "../report/schema.ts";
import { reportDevice } from "./_engine.ts";
import type { JobStart, Proof, TrainingJob } from "./_job.ts";
import { describeLayers } from "./_layers_report.ts";
import { describeModels, measured, referenceOf } from "./_metrics_report.ts";
import { describePairing } from "./_pairing.ts";
import { describeQuantization } from "./_quantization_report.ts";
import {
  describeAgreement,
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
} from "./_report_parts.ts";
import type { StageResult } from "./_stage.ts";
import type { StageEpoch } from "./_stage_epoch.ts";

/** The file to deploy. */
const DEPLOYED = "model.int8.onnx";

/** What the report is made of. */
export interface ReportParts {
  readonly job: TrainingJob;
  readonly start: JobStart;
  readonly training: StageResult;
  readonly proof: Proof;
  readonly command: string;
}

/** Builds the report of a finished job. */
export async function buildReport({ job, start, training, proof, command }: ReportParts): Promise<Report> {
  const { options, data } = job;
  const { prepared } = start;
  const { history, epochs } = training;
  const { files, simulated: { task } } = proof;
  const { metrics, floatBefore, kept } = describeModels({
    float: proof.float,
    simulated: proof.simulated,
    ...(files === undefined ? {} : { deployed: files.deployed }),
    ...(files?.unrounded === undefined ? {} : { unrounded: files.unrounded }),
  });
  return {
    ...describeOrigin(job, { model: prepared.model, command }),
    task: describeTask(task),
    metrics,
    ...task.fields(metrics),
    ...describePairing(kept, data.test),
    ...(files === undefined ? {} : {
      deploy: DEPLOYED,
      ...describeAgreements(files.validation),
      ...describeFile(files.int8, files.validation),
      ...describeFusion(files.validation.fusion),
    }),
    ...describeTraining(proof),
    train: {
      epochs: epochs.map(describeEpoch),
      firstStepMs: history.firstStepMs,
      stepMs: history.stepMs,
      peakRssMb: history.peakRssMb,
    },
    rewrites: [...start.rewrites, ...prepared.rewrites].map(describeRewrite),
    data: {
      name: data.name,
      train: data.train.count,
      ...(data.validation === undefined ? {} : { validation: data.validation.count }),
      test: data.test.count,
      facts: factsOf(data),
    },
    device: files === undefined ? job.engine.device : reportDevice(job.engine.device, files.int8.bytes),
    ...describeQuantization(prepared),
    floatBefore,
    ...await describeSections(shownOf(proof), job),
    layers: describeLayers(prepared),
    ...(history.bestEpoch === undefined ? {} : { bestEpoch: history.bestEpoch }),
    freeze: { observersAfter: options.freezeObserversAfter, batchNormAfter: options.freezeBnAfter },
    islands: describeIslands(prepared.islands, files?.validation.fusion),
  };
}

/** Beside the model that is deployed the float model that it is measured against, and its simulation. */
function shownOf({ float, simulated, files }: Proof): ShownModels {
  const reference = float[referenceOf(float)].judged;
  return files === undefined
    ? { judged: simulated, others: { float: reference } }
    : { judged: files.deployed, others: { float: reference, simulated } };
}

/** How evaluation differs from training. */
function describeTraining({ asTrained, simulated: { answers, task } }: Proof): Pick<Report, "trainingAgreement"> {
  if (asTrained === undefined) return {};
  return { trainingAgreement: describeAgreement(compareAnswers(answers, asTrained, task)) };
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
