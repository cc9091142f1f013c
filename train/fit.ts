/**
 * Trains a model, float or prepared for quantization.
 *
 * TF.js's own `model.fit` would do for a float model; this loop adds what quantization-aware training needs: a schedule,
 * a loss on logits, a call after every epoch that may judge the model, and runs that repeat to the byte.
 */
import { resourceUsage } from "node:process";
import type * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { InputShapes } from "../models/ports.ts";
import type { PlanMemory } from "../src/backend/mod.ts";
import { quantizedLayersIn, setQatPhase } from "../src/quant/mod.ts";
import type { Learning } from "../tasks/bind.ts";
import { isBetter, type MetricInfo } from "../tasks/task.ts";
import { describeNotFinite, orderBatch, type OrderedBatch, type SampleBatch } from "./_batch.ts";
import { BestWeights } from "./_best_weights.ts";
import { makeYield } from "../src/events.ts";
import { type EpochInfo, EpochLog, type EpochRecord, median, type Reading } from "./_epoch_log.ts";
import { Fading } from "./_fading.ts";
import { refuseLoss, refuseWeights } from "./_finite.ts";
import { holdStatistics } from "./_hold_statistics.ts";
import { checkCounts, planSteps, refuseUncalibrated } from "./_plan.ts";
import { type StepPlan, takeStep } from "./_step.ts";
import { WeightAverage } from "./_weight_average.ts";
import { type Progress, Saver } from "./_saver.ts";
import type { CheckpointOptions } from "./checkpoint.ts";
import { engineHistory } from "./_tensor_blobs.ts";
import type { LearningRate } from "./learning_rate.ts";
import { learningRateOf, setLearningRate } from "./optimizers.ts";
import { floatSchedule, type Phase, type Schedule, type StepPosition } from "./schedule.ts";
import { type SeededDropout, withSeededDropout } from "./seeded_dropout.ts";
import type { UpdateOptions } from "./updates.ts";

export type { EpochInfo, EpochRecord, Reading, SampleBatch };

/**
 * How a model is trained: what its outputs learn (`task`, or no more than a `loss`), and how. Callbacks see epochs and
 * steps counted from 1.
 */
export interface FitOptions extends Learning, UpdateOptions {
  /** Gives the batches of an epoch, which counts from 0. */
  readonly train: (epoch: number) => Iterable<SampleBatch> | AsyncIterable<SampleBatch>;
  /** Times that `train` is asked for an epoch's batches, at the most. */
  readonly epochs: number;
  /** Ends training after so many epochs of which none was better than the best before them. Default: never. */
  readonly patience?: number;
  /** Batches that `train` gives; schedules and progress are told. */
  readonly stepsPerEpoch: number;
  /** Stays the caller's: its state lives on, to train further, until it is disposed of. */
  readonly optimizer: tf.Optimizer;
  /** What is active when. Default: `floatSchedule`. */
  readonly schedule?: Schedule;
  /**
   * Share of its slope that each FadingReLU has at a step, from 1 to 0: see `fadingSchedule`. An epoch is judged by what the
   * next step would have, and is not chosen before that is 0. Default: slopes stay what they are.
   */
  readonly fading?: (at: StepPosition) => number;
  /** Learning rate at each step. Default: the optimizer's own. */
  readonly learningRate?: LearningRate;
  /** Of dropout's masks. Default: 0. */
  readonly seed?: number;
  /** Shape of one sample, of the only input or by the inputs' names, for models that leave it open. */
  readonly inputShape?: InputShapes;
  /** Stops training before the next step; its state is written first, where there are checkpoints. */
  readonly signal?: AbortSignal;
  /** Where the state is kept, so that another process can go on. Default: nowhere. */
  readonly checkpoint?: CheckpointOptions;
  /** Called after each step. */
  readonly onStep?: (info: StepInfo) => void;
  /**
   * Called after each epoch. A returned score decides which epoch is the best, by the direction of the task's first
   * metric; higher is better where only losses are known.
   */
  readonly onEpochEnd?: (info: EpochInfo) => Promise<number | void> | number | void;
}

/** A step that was taken. */
export interface StepInfo {
  /** Counts from 1. */
  readonly epoch: number;
  /** Step of the epoch, counts from 1. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** Loss of this batch. */
  readonly loss: number;
  /** Mean loss of the epoch so far. */
  readonly meanLoss: number;
  /** What the task counts while it trains, over the epoch so far; each sample by the weights of its step. */
  readonly metrics: readonly Reading[];
  /** Of the epoch so far. */
  readonly samplesPerSecond: number;
  /** Time of this step, in ms. */
  readonly stepMs: number;
}

/** What happened. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Epoch whose weights the model has now, counted from 1; absent if no epoch was scored: then it has the last one's. */
  readonly bestEpoch?: number;
  /** Time of the very first step, which also builds the graph, in ms. */
  readonly firstStepMs: number;
  /** Median time of all other steps, in ms (of the first, if there is no other). */
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  /** Largest resident memory of the process so far, in MB (2^20 bytes). */
  readonly peakRssMb: number;
}

/**
 * Trains `model`, in place.
 *
 * Every output has one loss or is said to be left. A cross-entropy sees what is before its output's softmax or sigmoid
 * (see `lossView`); losses are summed by their tasks' weights, and regularization losses of the layers are added. The
 * model needs not be compiled. Of a prepared model the schedule switches the parts; they stay as the last step left
 * them. If epochs are scored, the model ends with the weights of the best one, the last of equals; with `averageDecay`
 * scored and taken are averages of the weights. Default task: that of `--task`.
 *
 * With one seed, on one machine and backend, two runs give the same weights: batches, dropout and initializers are then
 * all seeded. So do a run and one that was killed, any number of times, and went on from its `checkpoint`; `train` must
 * give an epoch's batches anew then, and those already learned are passed over. Prints nothing.
 *
 * @throws {RangeError} If a number of epochs or steps is not a positive integer, an epoch has no batch, a name is no
 *   input's or output's, or a target is out of range.
 * @throws {TypeError} If an output has no loss or two, batches do not fit the model, or nothing in it can be trained.
 * @throws {CheckpointError} If the checkpoint is damaged, or of another training.
 * @throws {OutputError} If a checkpoint cannot be written.
 * @throws {Error} If the loss or, after an epoch, a weight is not finite, or ranges are neither observed nor calibrated.
 * @throws The signal's reason, if it is aborted.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { fit } from "./fit.ts";
 *
 * tf.env().set("PROD", true);
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [1], kernelInitializer: "zeros" })] });
 * const batch = { inputs: { x: Float32Array.of(-1, 1) }, targets: { y: Int32Array.of(0, 1) }, size: 2 };
 * const history = await fit(model, {
 *   train: () => [batch],
 *   epochs: 5,
 *   stepsPerEpoch: 1,
 *   optimizer: tf.train.sgd(1),
 * });
 * assert.ok(history.epochs[4].loss < history.epochs[0].loss);
 * assert.equal(history.epochs[4].metrics[0].value, 1); // all answers are right
 * ```
 */
export async function fit(model: tfl.LayersModel, options: FitOptions): Promise<History> {
  checkCounts(model, options);
  const { averageDecay } = options;
  const average = averageDecay === undefined ? undefined : new WeightAverage(model, averageDecay);
  const { task, plan } = planSteps(model, options, average);
  const dropout = withSeededDropout(model, options.seed ?? 0);
  const release = holdStatistics(model);
  const better = task.metrics[0]?.better ?? "higher";
  const best = new BestWeights(model, better);
  const progress: Progress = {
    epoch: 0,
    records: [],
    samples: 0,
    elapsedMs: 0,
    stepTimes: [],
    peakRssMb: 0,
    isFinished: false,
  };
  const run: Run = {
    model,
    options,
    plan,
    dropout,
    best,
    better,
    progress,
    phase: undefined,
    fading: new Fading(model, options.fading),
    canFreeze: quantizedLayersIn(model).some(({ phase }) => phase.trainingBatchNorm !== undefined),
    handleEvents: makeYield(),
  };
  try {
    await goOn(run);
    while (!isOver(run)) await completeEpoch(run, await trainEpoch(run));
    if (!progress.isFinished) await finish(run);
    return summarize(run);
  } finally {
    run.saver?.close();
    best.dispose();
    average?.dispose();
    dropout.restore();
    release();
  }
}

/** Whether all epochs are behind, or so many of them without a better one that patience is at its end. */
function isOver({ options: { epochs, patience = Infinity }, progress, better }: Run): boolean {
  if (progress.epoch >= epochs || progress.isFinished) return true;
  let [best, since] = [NaN, 0];
  for (const { score = NaN } of progress.records) {
    const isFirst = Number.isNaN(best) && !Number.isNaN(score);
    if (isFirst || isBetter(score, best, better)) [best, since] = [score, 0];
    else since++;
  }
  return !Number.isNaN(best) && since >= patience;
}

/** What changes while training runs. */
interface Run {
  readonly model: tfl.LayersModel;
  readonly options: FitOptions;
  readonly plan: StepPlan;
  readonly dropout: SeededDropout;
  readonly best: BestWeights;
  /** Direction of scores. */
  readonly better: MetricInfo["better"];
  readonly progress: Progress;
  saver?: Saver;
  phase: Phase | undefined;
  readonly fading: Fading;
  /** Whether there is batch normalization that the schedule freezes. */
  readonly canFreeze: boolean;
  /** Lets a signal be heard. */
  readonly handleEvents: () => Promise<void>;
}

/** Starts, or goes on from a checkpoint if there is one. */
async function goOn(run: Run): Promise<void> {
  const { options, plan: { optimizer, updates: { average } }, progress } = run;
  if (options.checkpoint === undefined) return;
  run.saver = await Saver.open(options.checkpoint, { ...run, optimizer, average }, identityOf(options));
  // Model and optimizer are as the last step left them.
  if (progress.last !== undefined) enterStep(run, progress.last);
}

/** What a state must be of, besides model and optimizer. */
function identityOf({ epochs, stepsPerEpoch, seed = 0, patience, ...updates }: FitOptions) {
  const { clipNorm, weightDecay, averageDecay } = updates;
  const asked = { patience, "norm of gradients": clipNorm, "weight decay": weightDecay, "average": averageDecay };
  const given = Object.entries(asked).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const]);
  return { epochs, "steps per epoch": stepsPerEpoch, seed, ...Object.fromEntries(given) };
}

async function trainEpoch(run: Run): Promise<EpochInfo> {
  const { options, plan, progress } = run;
  const { stepsPerEpoch, epochs } = options;
  const { epoch } = progress;
  const { batches } = plan;
  const log = progress.log = new EpochLog(countedBy(plan), progress.log?.state);
  const behind = log.steps;
  let index = 0;
  for await (const given of options.train(epoch)) {
    await run.handleEvents();
    await stopIfAborted(run);
    if (index++ < behind) continue;
    const batch = orderBatch(given, batches);
    const start = performance.now();
    const at = { epoch, step: log.steps, stepsPerEpoch };
    const phase = enterStep(run, at);
    const masks = run.dropout.startStep(progress.stepTimes.length, batch.size);
    const result = await takeStep(batch, plan, masks);
    const stepMs = performance.now() - start;
    const step = at.step + 1;
    refuseLossOf(run, { batch, loss: result.loss, where: `epoch ${epoch + 1}, step ${step}` });
    const trainingBatchNorm = phase.trainingBatchNorm || !run.canFreeze;
    log.add(result, { phase: { ...phase, trainingBatchNorm }, stepMs, size: batch.size });
    progress.stepTimes.push(stepMs);
    progress.last = at;
    options.onStep?.({ epoch: epoch + 1, step, stepsPerEpoch, epochs, loss: result.loss, stepMs, ...log.running() });
    if (run.saver?.isDue) await run.saver.write();
  }
  if (log.steps === 0) {
    throw new RangeError(`Cannot ${batches.doing}: epoch ${epoch + 1} has no batch, at least 1 is needed`);
  }
  await refuseWeights({ ...run, ...options, where: `the end of epoch ${epoch + 1}` });
  const learningRate = learningRateOf(options.optimizer);
  return { epoch: epoch + 1, epochs, ...log.summary(), ...(learningRate === undefined ? {} : { learningRate }) };
}

/** Ends training at the signal, after its state was written. */
async function stopIfAborted({ options: { signal }, saver }: Run, engine?: PlanMemory): Promise<void> {
  if (!signal?.aborted) return;
  await saver?.write(engine);
  signal.throwIfAborted();
}

/** Has an epoch judged, and counts it as completed. */
async function completeEpoch(run: Run, info: EpochInfo): Promise<void> {
  const { options, progress } = run;
  const engine = run.saver === undefined ? undefined : engineHistory()?.read();
  let score: number | void;
  try {
    score = await judgeEpoch(run, info);
  } catch (error) {
    // Whoever goes on has the epoch judged again, by what the engine had seen before it was.
    await stopIfAborted(run, engine);
    throw error;
  }
  progress.records.push(typeof score === "number" ? { ...info, score } : info);
  progress.epoch++;
  progress.samples += progress.log?.state.samples ?? 0;
  progress.elapsedMs += progress.log?.state.elapsedMs ?? 0;
  progress.log = undefined;
  // Kibibytes; the operating system's own count, which needs no permission.
  progress.peakRssMb = Math.max(progress.peakRssMb, resourceUsage().maxRSS / 1024);
  if (progress.epoch < options.epochs) await run.saver?.write();
}

/** Has the weights judged that training would end with now, and keeps them if there were no better ones. */
async function judgeEpoch(run: Run, info: EpochInfo): Promise<number | void> {
  const { options, plan: { updates }, best, fading } = run;
  const share = fading.enter({ epoch: info.epoch, step: 0, stepsPerEpoch: options.stepsPerEpoch });
  const takeBack = updates.average?.lend();
  try {
    const score = await options.onEpochEnd?.(info);
    // It is another model yet than the one that training ends with.
    if (share > 0) return;
    if (typeof score === "number") best.offer(score, info.epoch);
    return score;
  } finally {
    takeBack?.();
  }
}

async function finish({ best, plan: { updates }, progress, saver }: Run): Promise<void> {
  updates.average?.give();
  best.restore();
  progress.isFinished = true;
  await saver?.write();
}

/** Lists what the heads count within a step, named by their outputs where there are several. */
function countedBy({ batches: { heads } }: StepPlan) {
  return heads.flatMap(({ output, head: { running } }) => {
    if (running === undefined) return [];
    const { name, unit, better } = running;
    return [{ name: heads.length === 1 ? name : `${output} ${name}`, unit, better }];
  });
}

/** Refuses a loss that is no number, and names the data where it has the fault. */
function refuseLossOf(
  run: Run,
  { batch, loss, where }: { readonly batch: OrderedBatch; readonly loss: number; readonly where: string },
): void {
  if (Number.isFinite(loss)) return;
  const { batches } = run.plan;
  const because = describeNotFinite(batch, batches);
  if (because !== undefined) throw new RangeError(`Cannot ${batches.doing}: ${because} (${where})`);
  refuseLoss(loss, { ...run, ...run.options, where });
}

/** Makes model and optimizer ready for the step at `at`. */
function enterStep(run: Run, at: Parameters<Schedule>[0]): Phase {
  const { model, options, plan } = run;
  const phase = (options.schedule ?? floatSchedule)(at);
  if (run.phase === undefined) refuseUncalibrated(model, phase);
  if (!samePhase(run.phase, phase)) setQatPhase(model, phase);
  run.phase = phase;
  if (options.learningRate !== undefined) setLearningRate(plan.optimizer, options.learningRate(at));
  run.fading.enter(at);
  return phase;
}

function samePhase(a: Phase | undefined, b: Phase): boolean {
  return a?.observing === b.observing && a.fakeQuantizing === b.fakeQuantizing &&
    a.trainingBatchNorm === b.trainingBatchNorm;
}

function summarize({ best, progress }: Run): History {
  const { stepTimes, samples, elapsedMs, peakRssMb, records: epochs } = progress;
  const bestEpoch = best.epoch;
  const [firstStepMs, ...others] = stepTimes;
  return {
    epochs,
    ...(bestEpoch === undefined ? {} : { bestEpoch }),
    firstStepMs,
    stepMs: others.length > 0 ? median(others) : firstStepMs,
    samplesPerSecond: 1000 * samples / elapsedMs,
    peakRssMb,
  };
}
