/** Training of a job, stage by stage: each goes through one function, which knows what sets the stages apart. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { countOf } from "../src/text/plain.ts";
import type { Batch } from "../data/batches.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { predicting } from "../export/validate.ts";
import { calibrate, uncalibratedIn } from "../quantize/calibrate.ts";
import { keepingOf } from "../tasks/keeping.ts";
import type { CheckpointPlace } from "../train/checkpoint.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { fit, type FitOptions, type History } from "../train/fit.ts";
import { rateFor } from "../train/learning_rate.ts";
import { optimizerFor } from "../train/optimizers.ts";
import { fadingSchedule, floatSchedule, qatSchedule, type Schedule } from "../train/schedule.ts";
import { type JobData, learnedBatches, stepsPerEpoch, trainingBatches } from "./_data.ts";
import type { EpochMetric, EpochMetrics, StageEpoch } from "./_stage_epoch.ts";
import type { StageName } from "./events.ts";
import {
  describeMetrics,
  inTurnsOf,
  judge,
  judgeAnswers,
  samples,
  signalOf,
  type TrainingJob,
  writingOf,
} from "./_job.ts";
import { tasksFor } from "./_task.ts";

/** A stretch of training. */
export interface Stage {
  readonly name: StageName;
  /** Trained in place. */
  readonly model: tfl.LayersModel;
  /** Epochs that the learning rate is planned for. */
  readonly epochs: number;
  /** Epochs that are taken of them, neither more nor less. Default: all, unless patience ends before. */
  readonly ran?: number;
}

/** What a stage gave besides the model's weights; plain data. */
export interface StageResult {
  /** Its best epoch is the one whose weights the model has. */
  readonly history: History;
  readonly epochs: readonly StageEpoch[];
}

/** How a stage trains. */
export interface Plan {
  /** Peak of the learning rate. */
  readonly rate: number;
  /** Epochs over which it first rises. */
  readonly warmUp: number;
  /** Share that the moving average of weights keeps at a step; 0: there is none. */
  readonly averageDecay: number;
  readonly schedule: Schedule;
  /** Epochs whose orders and changes of the data belong to other stages. */
  readonly firstEpoch: number;
  /** Epochs of its own after which pictures are no longer put together of parts of several. Default: none. */
  readonly mosaicUntil?: number;
  /** Share of their slopes that activations have which are swapped gradually. Default: none are. */
  readonly fading?: NonNullable<FitOptions["fading"]>;
  /** What is measured after an epoch. */
  readonly measure: (model: tfl.LayersModel, job: TrainingJob) => Promise<EpochMetrics>;
}

/**
 * Trains the model of a stage in place: every training of a job goes through here.
 *
 * The name of the stage and the options of the job decide optimizer, learning rate, schedule, order of the data and how
 * the best epoch is chosen, whose weights the model ends with: on the validation samples; without any the last epoch is
 * taken. A model that is to be trained with fake quantization and has no ranges yet gets them first.
 */
export async function trainStage(job: TrainingJob, { name, model, epochs, ran }: Stage): Promise<StageResult> {
  const { options, events, data, log, record } = job;
  const { rate, warmUp, schedule, firstEpoch, mosaicUntil = Infinity, measure, averageDecay, fading } = planOf(
    name,
    job,
  );
  if (name === "qat" && uncalibratedIn(model).length > 0) {
    await calibrate(model, calibrationBatches(model, data), { beforeTraining: true });
  }
  if (job.run?.begin()) events.onBegin?.(job.run.dir);
  const steps = stepsPerEpoch(data);
  const optimizer = optimizerFor(options.optimizer, { learningRate: rate });
  const records: StageEpoch[] = [];
  const asked = ran ?? epochs;
  events.onPhase?.({ name, epochs: asked, stepsPerEpoch: steps });
  try {
    const history = await fit(model, {
      task: tasksFor(model, options, data),
      train: (epoch) =>
        learnedBatches(model, data, { epoch: firstEpoch + epoch, mosaicUntil: firstEpoch + mosaicUntil }),
      epochs: asked,
      stepsPerEpoch: steps,
      optimizer,
      learningRate: rateFor(options.schedule, rate, { epochs, warmUp }),
      ...updatesOf(options, { averageDecay, patience: ran === undefined ? options.patience : undefined }),
      schedule,
      ...(fading === undefined ? {} : { fading }),
      seed: options.seed,
      ...signalOf(job),
      ...checkpointOf(job, name, records),
      ...(events.onStep === undefined ? {} : { onStep: events.onStep }),
      onEpochEnd: async (info) => {
        const measured = data.validation === undefined ? {} : await measure(model, job);
        records.push({ ...info, ...measured, endedAt: Date.now() });
        record?.set(name, records);
        record?.write(name);
        const scores = Object.entries(measured).map(([name, [own]]) => ({
          ...own,
          // Beside what is counted within the training steps.
          name: name === "float" ? "validation" : name,
        }));
        events.onEpoch?.(info, scores);
        return decidingMetrics(measured)?.[0].value;
      },
    });
    // All of them may be an earlier process's.
    record?.set(name, records);
    const result = { history, epochs: records };
    if (records.length < asked) log(`${name}: ${describeEnd(records.length, asked)}.`);
    log(`${name}: ${describeChoice(result, data)}.`);
    return result;
  } finally {
    events.onPhaseEnd?.();
    optimizer.dispose();
  }
}

/** What steps do besides the optimizer's, as `fit` takes it: 0 stands for nothing. */
function updatesOf(
  { clipNorm, weightDecay }: TrainingJob["options"],
  { averageDecay, patience }: { readonly averageDecay: number; readonly patience: number | undefined },
): Pick<FitOptions, "clipNorm" | "weightDecay" | "averageDecay" | "patience"> {
  return {
    ...(clipNorm === 0 ? {} : { clipNorm }),
    ...(weightDecay === 0 ? {} : { weightDecay }),
    ...(averageDecay === 0 ? {} : { averageDecay }),
    ...(patience === undefined ? {} : { patience }),
  };
}

/** Where the state of a stage is kept. */
function checkpointOf(
  { run, options, log }: TrainingJob,
  stage: StageName,
  records: StageEpoch[],
): Pick<FitOptions, "checkpoint"> {
  if (run === undefined) return {};
  const checkpoint = {
    dir: run.stageDir(stage),
    minutes: options.checkpointMinutes,
    own: {
      save: () => records,
      // It was saved by the line above.
      restore: (saved: unknown) => void records.splice(0, records.length, ...saved as StageEpoch[]),
    },
    onResume: ({ epochs, steps, isFinished }: CheckpointPlace) =>
      log(
        `Training "${stage}" ${
          isFinished ? "has ended before" : `goes on after ${countOf(epochs, "epoch")} and ${countOf(steps, "step")}`
        }.`,
      ),
    onFailure: ({ message }: Error) =>
      log(`Warning: the state of training was not saved, the one before it is kept: ${message}.`),
  };
  return { checkpoint };
}

/** Returns how a stage of a job trains. */
export function planOf(name: StageName, { options }: Pick<TrainingJob, "options">): Plan {
  const { floatLr, lr, floatEpochs, adaptEpochs, freezeObserversAfter, freezeBnAfter, mosaicUntil } = options;
  const { warmupEpochs, ema, swapEpochs } = options;
  const float = { schedule: floatSchedule, measure: measureFloat, averageDecay: ema };
  // Other orders and changes than those of the stages before.
  const last = { rate: lr, warmUp: warmupEpochs, firstEpoch: floatEpochs + adaptEpochs, mosaicUntil };
  switch (name) {
    case "float":
      return { ...float, rate: floatLr, warmUp: warmupEpochs, firstEpoch: 0 };
    case "adapted":
    case "own-adapted": {
      const fading = name === "adapted" && swapEpochs > 0 ? { fading: fadingSchedule(swapEpochs) } : {};
      // What has been learned is not far from what is to be.
      return { ...float, ...fading, rate: floatLr, warmUp: 0, firstEpoch: floatEpochs };
    }
    case "control":
    case "own-control":
      return { ...float, ...last };
    case "qat": {
      const schedule = qatSchedule({ freezeObserversAfter, freezeBatchNormAfter: freezeBnAfter });
      // Averages of weights lie between the grid's points, see docs/design/weight_average.md.
      return { ...last, schedule, measure: measureQuantized, averageDecay: 0 };
    }
  }
}

/** Returns what decides which epoch is the best: the file that would be deployed, if there is one. */
export function decidingMetrics({ float, simulated, deployed }: EpochMetrics): readonly EpochMetric[] | undefined {
  return deployed ?? simulated ?? float;
}

function describeEnd(epochs: number, of: number): string {
  return `ended after ${epochs} of ${countOf(of, "epoch")}, the last of which were no better`;
}

/** Says which epoch's weights the model ends with, and why. */
function describeChoice({ history: { bestEpoch }, epochs }: StageResult, { validation }: JobData): string {
  if (bestEpoch === undefined || validation === undefined) {
    return `the last of ${countOf(epochs.length, "epoch")} is taken`;
  }
  const metrics = describeMetrics(decidingMetrics(epochs[bestEpoch - 1]) ?? []);
  return `epoch ${bestEpoch} of ${epochs.length} is the best on ${
    countOf(validation.count, "validation sample")
  }, ${metrics}`;
}

/** Batches that ranges are set from before training starts. */
const CALIBRATION_BATCHES = 4;

function* calibrationBatches(model: tfl.LayersModel, data: JobData): Iterable<Batch> {
  let count = 0;
  for (const batch of trainingBatches(model, data, { epoch: 0, mosaicUntil: 0 })) {
    if (count++ === CALIBRATION_BATCHES) return;
    yield batch;
  }
}

async function measureFloat(model: tfl.LayersModel, job: TrainingJob): Promise<EpochMetrics> {
  return { float: plain(await judge(model, { job, by: "validation" })) };
}

/** Measures the model as simulated, and its int8 file in ONNX Runtime if there is one. */
async function measureQuantized(model: tfl.LayersModel, job: TrainingJob): Promise<EpochMetrics> {
  const { threads, precise } = job.options;
  const simulated = await judge(model, { job, by: "validation" });
  const { file } = job.quantization.target;
  if (file === undefined) return { simulated: plain(simulated) };
  const threaded = threads === undefined ? {} : { threads };
  const keeping = keepingOf(simulated.task.heads);
  const session = { device: job.engine.device.ran, precise, ...file.session, ...threaded, keeping };
  const { bytes } = await toOnnx(model, writingOf(job));
  const deployed = judgeAnswers(
    simulated,
    await inTurnsOf(job, predicting(bytes, samples(job, "validation"), session)),
  );
  return { simulated: plain(simulated), deployed: plain(deployed) };
}

/** A number a sample would be most of what is kept of an epoch. */
function plain({ metrics }: Evaluation): readonly EpochMetric[] {
  return metrics.map(({ scores: _, ...metric }) => metric);
}
