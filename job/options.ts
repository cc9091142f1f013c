/** Options of the main job: defaults, and what is allowed. */
import { ARCH_NAMES } from "../models/arch/mod.ts";
import { TASK_NAMES, taskRow } from "../tasks/mod.ts";
import type { TrainingDefaults } from "../tasks/row.ts";
import { RATE_CURVES } from "../train/learning_rate.ts";
import { OPTIMIZER_NAMES } from "../train/optimizers.ts";
import { CHECKPOINT_MINUTES } from "../train/checkpoint.ts";
import { showValue } from "../src/text/plain.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { checkNumbers } from "./_number_rules.ts";
import { checkKinds, type Kinds } from "./_option_kinds.ts";
import {
  checkChoices,
  type ResolvedShared,
  resolveShared,
  SHARED_KINDS,
  type SharedOptions,
} from "./shared_options.ts";

/**
 * Options of {@linkcode runQat}; each is also a flag of the command line. Without `data` it is "generated", without `swap`
 * "leaky_relu:relu".
 */
export interface QatOptions extends SharedOptions {
  /** A built-in architecture: see `ARCHITECTURES`. Default: what suits data and task, such as "cifar_cnn". */
  readonly arch?: string;
  /** How many times as many channels a mobile net has as in its paper; other architectures come in one width. Default 1. */
  readonly width?: number;
  /**
   * A file of weights that the `arch` begins with, of a net that is built alike: a layers-model or graph-model of TF.js, the
   * folder of a job, an ONNX file, or darknet's. Default: fresh ones.
   */
  readonly weights?: string;
  /**
   * Numbers of a new last layer, with fresh weights, in the place of the one that the model, or the file of weights, has;
   * "data": as many as the data needs. Default: the last layer is kept.
   */
  readonly head?: number | "data";
  /**
   * The layer up to which nothing trains, in the order of the model's summary; "none": layers train that were frozen so
   * before. Default: as the model has it.
   */
  readonly freezeUntil?: string;
  /** Whether training images are flipped and shifted at random. Default: where it suits the data. */
  readonly augment?: boolean;
  /**
   * Epochs of float training before quantization: of an `arch` with its own activations, of a `model` after they were
   * swapped. Default: 16 for fresh weights, those of a new `head` among them, else 0.
   */
  readonly floatEpochs?: number;
  /**
   * Epochs of float training after activations were swapped. Default: a quarter of `floatEpochs`, rounded up, for
   * `arch`; `floatEpochs` for `model`.
   */
  readonly adaptEpochs?: number;
  /**
   * Epochs of adapting over which the slope of LeakyReLU goes to 0, instead of being cut off at once. Default 0: it is cut off.
   */
  readonly swapEpochs?: number;
  /** Epochs of quantization-aware training. Default 8. */
  readonly epochs?: number;
  /**
   * Whether the float model is trained on for as many epochs too, as what the int8 file is measured against. Default: for
   * `arch` yes, for `model` no.
   */
  readonly control?: boolean;
  /**
   * Share of the training samples that is put aside to choose the best epoch by, of each class alike; 0: the last epoch
   * is taken. Default: 0.1, or the data's own validation samples.
   */
  readonly validation?: number;
  /**
   * Height and width of the images that models are judged and files are made for, where they are trained at others, of nets
   * that take any. The best epoch is chosen at the size of training. Default: the same.
   */
  readonly evalSize?: number;
  /** Images a step. Default 64; for detection 8, for segmentation 16, for landmarks 32. */
  readonly batchSize?: number;
  /** Peak learning rate of quantization-aware training. Default 5e-4; for landmarks 1e-4. */
  readonly lr?: number;
  /** Peak learning rate of float training. Default 2e-3; for landmarks 5e-4. */
  readonly floatLr?: number;
  /** How learning rates go on from their peaks: see `RATE_CURVES`. Default "cosine". */
  readonly schedule?: string;
  /**
   * Epochs over which learning rates first rise to their peaks, in every training but that which adapts to swapped
   * activations. Default 0; for landmarks 1, or half of the epochs of a training that has fewer than two.
   */
  readonly warmupEpochs?: number;
  /** A `tf.train` optimizer by name. Default "adam". */
  readonly optimizer?: string;
  /** Share of kernels that a step takes away, times the learning rate, beside the optimizer's step. Default 0. */
  readonly weightDecay?: number;
  /** Most that the norm of all gradients of a step may be; 0: as it is. Default 0. */
  readonly clipNorm?: number;
  /**
   * Share of the moving average of weights that a step of float training keeps; judged and gone on with are the averages.
   * Default 0: none.
   */
  readonly ema?: number;
  /**
   * Ends a training after so many epochs of which none was better than the best before; the control takes as many as
   * quantization-aware training did. Default: all epochs are taken.
   */
  readonly patience?: number;
  /**
   * How much each class counts in the loss: "balanced" (the rarer, the more), numbers between commas, one a class, or a
   * JSON file of them by name. Default: all alike.
   */
  readonly classWeights?: string;
  /** Epochs after which ranges no longer change. Default 4. */
  readonly freezeObserversAfter?: number;
  /** Epochs after which batch norm uses its running statistics. Default 3. */
  readonly freezeBnAfter?: number;
  /**
   * Epochs of quantization-aware training, and of the control, after which no picture is put together of parts of several, as
   * those of boxes are; for detection, unless `augment` is false. Default: half of `epochs`, rounded down.
   */
  readonly mosaicUntil?: number;
  /** The folder of a run to go on with: its options are taken from there. */
  readonly resume?: string;
  /** Minutes after which the state of training is written within an epoch; after each it is anyway. Default 5. */
  readonly checkpointMinutes?: number;
}

/** Options that mean something of their own where they are left out. */
type Open =
  | "arch"
  | "width"
  | "weights"
  | "head"
  | "freezeUntil"
  | "validation"
  | "augment"
  | "evalSize"
  | "patience"
  | "classWeights"
  | "mosaicUntil";

type Own = Omit<QatOptions, keyof SharedOptions>;

/** Options with every default filled in. */
export type ResolvedOptions =
  & ResolvedShared
  & { readonly data: string }
  & Required<Omit<Own, Open | "resume">>
  & Pick<Own, Open>;

/** Options of a job whose task is known. */
export type JobOptions = ResolvedOptions & { readonly task: string };

/** What each option is. */
export const KINDS: Kinds<QatOptions> = {
  ...SHARED_KINDS,
  arch: "text",
  width: "number",
  weights: "text",
  head: "count",
  freezeUntil: "text",
  augment: "flag",
  floatEpochs: "number",
  adaptEpochs: "number",
  swapEpochs: "number",
  epochs: "number",
  control: "flag",
  validation: "number",
  evalSize: "number",
  batchSize: "number",
  lr: "number",
  floatLr: "number",
  schedule: "text",
  warmupEpochs: "number",
  optimizer: "text",
  weightDecay: "number",
  clipNorm: "number",
  ema: "number",
  patience: "number",
  classWeights: "text",
  freezeObserversAfter: "number",
  freezeBnAfter: "number",
  mosaicUntil: "number",
  resume: "text",
  checkpointMinutes: "number",
};

/** What is swapped where `--swap` does not say. */
export const DEFAULT_SWAP = "leaky_relu:relu";

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or options contradict each other.
 */
export function resolveOptions(options: QatOptions): ResolvedOptions {
  return inPlainWordsSync(() => resolve(options));
}

function resolve(given: QatOptions): ResolvedOptions {
  checkKinds(given, KINDS);
  const { resume: _, overwrite: __, ...options } = given;
  checkNumbers(options);
  const { model, arch, weights, head, optimizer, epochs = 8 } = options;
  const isTrained = (model !== undefined || weights !== undefined) && head === undefined;
  const floatEpochs = options.floatEpochs ?? (isTrained ? 0 : 16);
  checkChoices({
    arch: [arch, ARCH_NAMES],
    optimizer: [optimizer, OPTIMIZER_NAMES],
    schedule: [options.schedule, RATE_CURVES],
  });
  const shared = resolveShared(options, { swap: DEFAULT_SWAP });
  const usual = { ...TRAINING, ...(options.task === undefined ? {} : taskRow(options.task).training) };
  const shortest = Math.min(...[floatEpochs, epochs].filter((count) => count > 0));
  if (model === undefined && options.outputs !== undefined) {
    throw new RangeError(`Cannot use --outputs without --model: an architecture has one output`);
  }
  if (model !== undefined && arch !== undefined) {
    throw new RangeError(`Cannot use --model and --arch together: "${arch}" is trained from nothing`);
  }
  if (model !== undefined && options.width !== undefined) {
    throw new RangeError(`Cannot use --width ${options.width} with --model: it has channels of its own`);
  }
  checkTransfer(options);
  const resolved = {
    ...options,
    ...shared,
    data: options.data ?? "generated",
    floatEpochs,
    adaptEpochs: options.adaptEpochs ?? (model === undefined ? Math.ceil(floatEpochs / 4) : floatEpochs),
    swapEpochs: options.swapEpochs ?? 0,
    epochs,
    control: options.control ?? model === undefined,
    batchSize: options.batchSize ?? usual.batchSize,
    lr: options.lr ?? usual.lr,
    floatLr: options.floatLr ?? usual.floatLr,
    schedule: options.schedule ?? "cosine",
    warmupEpochs: options.warmupEpochs ?? Math.min(usual.warmupEpochs, shortest / 2),
    optimizer: options.optimizer ?? "adam",
    weightDecay: options.weightDecay ?? 0,
    clipNorm: options.clipNorm ?? 0,
    ema: options.ema ?? 0,
    freezeObserversAfter: options.freezeObserversAfter ?? 4,
    freezeBnAfter: options.freezeBnAfter ?? 3,
    checkpointMinutes: options.checkpointMinutes ?? CHECKPOINT_MINUTES,
  };
  checkEpochs(resolved);
  checkGradualSwap(resolved);
  return resolved.task === undefined ? resolved : withMosaics({ ...resolved, task: resolved.task });
}

/**
 * Fills in when mosaics end, of a job that draws some.
 *
 * @throws {RangeError} If that is said of one that draws none.
 */
export function withMosaics(options: JobOptions): JobOptions {
  const { task, augment, mosaicUntil, epochs } = options;
  const isDrawn = drawsMosaics(task) && augment !== false;
  if (isDrawn) return { ...options, mosaicUntil: mosaicUntil ?? Math.floor(epochs / 2) };
  if (mosaicUntil === undefined) return options;
  const because = drawsMosaics(task)
    ? "--no-augment: pictures are taken as they are, none is put together of parts of several"
    : `--task ${task}: it is for --task ${TASK_NAMES.filter(drawsMosaics).join(" or ")}`;
  throw new RangeError(`Cannot use --mosaic-until ${mosaicUntil} with ${because}`);
}

/** Whether pictures are put together of parts of several: those of boxes are, see `augmentFor`. */
function drawsMosaics(task: string): boolean {
  return taskRow(task).targets === "boxes";
}

/**
 * Returns how a model of `task` is trained where `options`, which do not name the task, say nothing else.
 *
 * @throws {RangeError} If they do not go with the task.
 */
export function trainingFor(task: string, options: QatOptions): TrainingDefaults {
  const { batchSize, floatLr, lr, warmupEpochs } = resolveOptions({ ...options, task });
  return { batchSize, floatLr, lr, warmupEpochs };
}

const TRAINING: TrainingDefaults = { batchSize: 64, floatLr: 2e-3, lr: 5e-4, warmupEpochs: 0 };

/** @throws {RangeError} If weights or a head are for a model that has none, or has its own. */
function checkTransfer({ model, weights, head }: QatOptions): void {
  if (model !== undefined && weights !== undefined) {
    throw new RangeError(
      `Cannot use --weights ${
        showValue(weights)
      } with --model: it has weights of its own, --arch names a net that takes them`,
    );
  }
  if (head === undefined || model !== undefined || weights !== undefined) return;
  throw new RangeError(
    `Cannot use --head ${head} without --model or --weights: an architecture has as many answers as the data`,
  );
}

/** @throws {RangeError} If activations are to be swapped gradually that cannot be, or over more epochs than there are. */
function checkGradualSwap({ swapEpochs, adaptEpochs, swap }: ResolvedOptions): void {
  const cannot = `Cannot use --swap-epochs ${swapEpochs}`;
  if (swapEpochs === 0) return;
  if (swap !== DEFAULT_SWAP) {
    throw new RangeError(`${cannot} with --swap ${showValue(swap)}: only ${DEFAULT_SWAP} can go gradually`);
  }
  if (swapEpochs > adaptEpochs) {
    throw new RangeError(`${cannot} with --adapt-epochs ${adaptEpochs}: it must not be more`);
  }
}

/** @throws {RangeError} If a training would warm up to its end, or is to be judged by nothing. */
function checkEpochs({ warmupEpochs, epochs, floatEpochs, patience, validation }: ResolvedOptions): void {
  for (const [flag, count] of [["--epochs", epochs], ["--float-epochs", floatEpochs]] as const) {
    if (count === 0 || warmupEpochs < count) continue;
    throw new RangeError(`Cannot use --warmup-epochs ${warmupEpochs} with ${flag} ${count}: it must be less`);
  }
  if (patience !== undefined && validation === 0) {
    throw new RangeError(
      `Cannot use --patience ${patience} with --validation 0: epochs are compared on validation samples, needed are some`,
    );
  }
}
