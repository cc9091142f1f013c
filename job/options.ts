/** Options of the main job: defaults, and what is allowed. */
import { parseNormalize } from "../data/normalize.ts";
import { parseSwap } from "../src/rewrite/mod.ts";
import { BACKEND_NAMES, type BackendName, type Device, DEVICES } from "../src/backend/mod.ts";
import { ARCH_NAMES } from "../models/arch/mod.ts";
import { TASK_NAMES } from "../tasks/mod.ts";
import { OPTIMIZER_NAMES } from "../train/optimizers.ts";
import { CHECKPOINT_MINUTES } from "../train/checkpoint.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { flagOf } from "./_flags.ts";
import { checkNumbers, type NumberOption } from "./_number_rules.ts";
import { checkKinds, type Kind } from "./_option_kinds.ts";

/** Options of {@linkcode runQat}; each is also a flag of the command line. */
export interface QatOptions {
  /** A TF.js layers-model: model.json or its folder. Without one, `arch` is trained from nothing. */
  readonly model?: string;
  /** A built-in architecture: see `ARCHITECTURES`. Default "cifar_cnn", for rows of numbers "mlp". */
  readonly arch?: string;
  /** Samples: "generated" (default), "mnist:DIR", "cifar10:DIR", "folder:DIR" or "csv:FILE". */
  readonly data?: string;
  /** What is learned: see `TASK_NAMES`. Default: that of a prepared model, else the first. */
  readonly task?: string;
  /** Target columns of a table. Default: told from its header. */
  readonly targets?: readonly string[];
  /** Outputs of the model that are trained. Default: the last. */
  readonly outputs?: readonly string[];
  /** What the model's input expects: see `parseNormalize`. Default: what suits the data. */
  readonly normalize?: string;
  /** Whether training images are flipped and shifted at random. Default: where it suits the data. */
  readonly augment?: boolean;
  /**
   * Epochs of float training before quantization: of an `arch` with its own activations, of a `model` after they were
   * swapped. Default: 16 for `arch`, 0 for `model`.
   */
  readonly floatEpochs?: number;
  /**
   * Epochs of float training after activations were swapped. Default: a quarter of `floatEpochs`, rounded up, for
   * `arch`; `floatEpochs` for `model`.
   */
  readonly adaptEpochs?: number;
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
  /** Images a step. Default 64. */
  readonly batchSize?: number;
  /** Peak learning rate of quantization-aware training; it falls to 0 along a cosine. Default 5e-4. */
  readonly lr?: number;
  /** Peak learning rate of float training. Default 2e-3. */
  readonly floatLr?: number;
  /** A `tf.train` optimizer by name. Default "adam". */
  readonly optimizer?: string;
  /** Seed of everything random: initial weights, generated images, order, augmentation, dropout. Default 0. */
  readonly seed?: number;
  /** Activations to swap, "from:to", or "none". Default "leaky_relu:relu". */
  readonly swap?: string;
  /** Epochs after which ranges no longer change. Default 4. */
  readonly freezeObserversAfter?: number;
  /** Epochs after which batch norm uses its running statistics. Default 3. */
  readonly freezeBnAfter?: number;
  /** What the int8 file is for: see `TARGETS`. Default "x86". */
  readonly target?: string;
  /** What is wanted of layers: a JSON file, or a preset's name. Default: what the target has by default. */
  readonly recipe?: string;
  /** Whether a rule of the recipe that no layer matches is an error; otherwise it is a warning. Default false. */
  readonly strict?: boolean;
  /** One weight scale an output channel, or one a tensor: a rule before the recipe's. Default: the target's. */
  readonly perChannel?: boolean;
  /** Layers to keep in float: rules before the recipe's. Default: none. */
  readonly keepFloat?: readonly string[];
  /** Threads of ONNX Runtime. Default: its choice, one a physical core. */
  readonly threads?: number;
  /**
   * What TF.js trains on: "onnxruntime" ("auto", the default, is the same), "tensorflow" (libtensorflow, which must be
   * installed) or "cpu" (TF.js's own, slow). Exported files run in ONNX Runtime whatever it is.
   */
  readonly backend?: BackendName;
  /** Where ONNX Runtime runs; where it cannot, the CPU is used, with a warning. Default "cpu". */
  readonly device?: Device;
  /**
   * Whether int8 files are judged on exact kernels where this CPU's saturate (x86 without VNNI): as they run on other
   * CPUs. Latency is this CPU's own. Default false.
   */
  readonly precise?: boolean;
  /** Whether every pass over a graph is checked for what it needs and promises: slower, to find faults of ours. Default false. */
  readonly debug?: boolean;
  /** Where the results go. Default: "out", or the first of "out-2", "out-3" … that has none yet. */
  readonly out?: string;
  /** Whether results that are in `out` already are replaced, once there are new ones. Default false: they are refused. */
  readonly overwrite?: boolean;
  /** The folder of a run to go on with: its options are taken from there. */
  readonly resume?: string;
  /** Minutes after which the state of training is written within an epoch; after each it is anyway. Default 5. */
  readonly checkpointMinutes?: number;
  /** Images used at the most, for training and for testing each. Default: all. */
  readonly limit?: number;
  /** Leaves out images that cannot be read instead of failing. Default false. */
  readonly skipBadImages?: boolean;
  /** Layout of the exported graph's input. Default "nhwc", as in TF.js. */
  readonly inputLayout?: "nhwc" | "nchw";
  /** Opset of the exported files, 13 to 17. Default 17. */
  readonly opset?: number;
}

/** Options that mean something of their own where they are left out. */
type Open =
  | "model"
  | "arch"
  | "task"
  | "targets"
  | "outputs"
  | "target"
  | "recipe"
  | "perChannel"
  | "validation"
  | "normalize"
  | "augment"
  | "threads"
  | "limit";

/** Options with every default filled in. */
export type ResolvedOptions = Required<Omit<QatOptions, Open | "resume" | "overwrite">> & Pick<QatOptions, Open>;

/** Options of a job whose task is known. */
export type JobOptions = ResolvedOptions & { readonly task: string };

/** Layouts that the exported graph's input can have. */
const INPUT_LAYOUTS = ["nhwc", "nchw"] as const;

/** All options that are no numbers. */
export const KINDS: Readonly<Record<Exclude<keyof QatOptions, NumberOption>, Kind>> = {
  model: "text",
  arch: "text",
  data: "text",
  task: "text",
  targets: "names",
  outputs: "names",
  normalize: "text",
  augment: "flag",
  control: "flag",
  optimizer: "text",
  swap: "text",
  target: "text",
  recipe: "text",
  strict: "flag",
  perChannel: "flag",
  keepFloat: "names",
  backend: "text",
  device: "text",
  precise: "flag",
  debug: "flag",
  out: "text",
  overwrite: "flag",
  resume: "text",
  skipBadImages: "flag",
  inputLayout: "text",
};

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
  checkTexts(options);
  const { model, arch, floatEpochs = model === undefined ? 16 : 0 } = options;
  if (model === undefined && options.outputs !== undefined) {
    throw new RangeError(`Cannot use --outputs without --model: an architecture has one output`);
  }
  if (model !== undefined && arch !== undefined) {
    throw new RangeError(`Cannot use --model and --arch together: "${arch}" is trained from nothing`);
  }
  return {
    ...options,
    data: options.data ?? "generated",
    floatEpochs,
    adaptEpochs: options.adaptEpochs ?? (model === undefined ? Math.ceil(floatEpochs / 4) : floatEpochs),
    epochs: options.epochs ?? 8,
    control: options.control ?? model === undefined,
    batchSize: options.batchSize ?? 64,
    lr: options.lr ?? 5e-4,
    floatLr: options.floatLr ?? 2e-3,
    optimizer: options.optimizer ?? "adam",
    seed: options.seed ?? 0,
    swap: options.swap ?? DEFAULT_SWAP,
    freezeObserversAfter: options.freezeObserversAfter ?? 4,
    freezeBnAfter: options.freezeBnAfter ?? 3,
    backend: options.backend ?? "auto",
    device: options.device ?? "cpu",
    precise: options.precise ?? false,
    debug: options.debug ?? false,
    strict: options.strict ?? false,
    keepFloat: options.keepFloat ?? [],
    out: options.out ?? "out",
    checkpointMinutes: options.checkpointMinutes ?? CHECKPOINT_MINUTES,
    skipBadImages: options.skipBadImages ?? false,
    inputLayout: options.inputLayout ?? "nhwc",
    opset: options.opset ?? 17,
  };
}

function checkTexts(options: QatOptions): void {
  const { arch, task, optimizer, inputLayout, swap, normalize, backend, device } = options;
  const choices = {
    arch: [arch, ARCH_NAMES],
    task: [task, TASK_NAMES],
    optimizer: [optimizer, OPTIMIZER_NAMES],
    inputLayout: [inputLayout, INPUT_LAYOUTS],
    backend: [backend, BACKEND_NAMES],
    device: [device, DEVICES],
  } as const;
  for (const [key, [value, of]] of Object.entries(choices)) {
    if (value !== undefined) {
      checkChoice<string>(value, { of, cannot: `Cannot use ${flagOf(key)} ${showValue(value)}` });
    }
  }
  if (swap !== undefined && swap !== NO_SWAP) checkText("swap", swap, parseSwap);
  if (normalize !== undefined) checkText("normalize", normalize, parseNormalize);
}

/** What is swapped where `--swap` does not say. */
export const DEFAULT_SWAP = "leaky_relu:relu";

/** What `--swap` says to leave activations as they are. */
export const NO_SWAP = "none";

/** Names the option where `parse` names the value alone. */
function checkText(key: keyof QatOptions, value: string, parse: (text: string) => unknown): void {
  try {
    parse(value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const because = error.message.replace(/^C/, "c");
    throw new RangeError(`Cannot use ${flagOf(key)} ${showValue(value)}: ${because}`, { cause: error });
  }
}
