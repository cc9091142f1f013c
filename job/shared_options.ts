/** Options that several jobs have in common, declared once, in groups: what they are, their defaults, what is allowed. */
import { parseNormalize } from "../data/normalize.ts";
import { BACKEND_NAMES, type BackendName, type Device, DEVICES } from "../src/backend/mod.ts";
import { FILE_FORMS, type FileForm } from "../quantize/target.ts";
import { parseSwap } from "../src/rewrite/mod.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";
import { TASK_NAMES } from "../tasks/mod.ts";
import { flagOf } from "./_flags.ts";
import type { Kinds } from "./_option_kinds.ts";
import { parseShapes } from "./_shapes.ts";
import { TASK_KINDS, TASK_OPTIONS, type TaskOptionRow, type TaskOptions } from "./task_options.ts";

/** Which model, and what of it. */
export interface ModelOptions {
  /**
   * A TF.js layers-model or graph-model (model.json, its folder, or the folder of a job that wrote one), an ONNX file, or a
   * net of darknet (NAME.cfg, NAME.weights).
   */
  readonly model?: string;
  /** Outputs of the model that are used. Default: the last. */
  readonly outputs?: readonly string[];
  /** Shapes of inputs that the model leaves open, the batch first and the axes as its file has them: "image=1,224,224,3". */
  readonly shape?: readonly string[];
}

/** Which samples, and how they go into the model. */
export interface DataOptions {
  /** Samples, such as "generated" or "folder:DIR": see `DATA_FORMS`. */
  readonly data?: string;
  /** What is learned: see `TASK_NAMES`. Default: that of a prepared model, else the first. */
  readonly task?: string;
  /** Target columns of a table. Default: told from its header. */
  readonly targets?: readonly string[];
  /** Column of a table in which all lines of a sequence have the same. Default: "sequence", if there is one. */
  readonly sequenceColumn?: string;
  /**
   * Lines of a sequence: of a column's sequences longer ones are cut off behind so many; without a column so many consecutive
   * lines are one. Default: those of the column's longest; without one a line is a sample.
   */
  readonly sequenceLength?: number;
  /** What the model's input expects: see `parseNormalize`. Default: what suits the data. */
  readonly normalize?: string;
  /** Images used at the most, of each part of the data. Default: all. */
  readonly limit?: number;
  /** Leaves out images that cannot be read, and boxes that are none, instead of failing. Default false. */
  readonly skipBadImages?: boolean;
  /**
   * A folder that pictures are decoded to, once, where later runs find them. Default: they are held in memory; those that a
   * training takes more than 2 GiB of are decoded into the folder of its run, until it ends.
   */
  readonly cache?: string;
}

/** How a model is quantized. */
export interface QuantizationOptions {
  /** Activations to swap, "from:to", or "none". */
  readonly swap?: string;
  /** What the file is for: see `TARGETS`. Default "x86". */
  readonly target?: string;
  /** What is wanted of layers: a JSON file, or a preset's name. Default: what the target has by default. */
  readonly recipe?: string;
  /** Whether a rule of the recipe that no layer matches is an error; otherwise it is a warning. Default false. */
  readonly strict?: boolean;
  /** One weight scale an output channel, or one a tensor: a rule before the recipe's. Default: the target's. */
  readonly perChannel?: boolean;
  /** Whether weights are kept within ±64, where products in pairs cannot saturate: a rule before the recipe's. Default false. */
  readonly reduceRange?: boolean;
  /** Layers to keep in float: rules before the recipe's. Default: none. */
  readonly keepFloat?: readonly string[];
}

/** What computes. */
export interface EngineOptions {
  /** Seed of everything random. Default 0. */
  readonly seed?: number;
  /** Threads of ONNX Runtime. Default: its choice, one a physical core. */
  readonly threads?: number;
  /**
   * What TF.js runs on: "onnxruntime" ("auto", the default, is the same), "tensorflow" (libtensorflow, which must be
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
}

/** Where results go, and in which form. */
export interface FileOptions {
  /** Where the results go. Default: "out", or the first of "out-2", "out-3" … that has none yet. */
  readonly out?: string;
  /** Whether results that are in `out` already are replaced, once there are new ones. Default false: they are refused. */
  readonly overwrite?: boolean;
  /** Layout of the exported graph's input. Default "nhwc", as in TF.js. */
  readonly inputLayout?: "nhwc" | "nchw";
  /** Opset of the exported files, 13 to 17. Default 17. */
  readonly opset?: number;
  /**
   * What the files take pictures as: "float32" (default), normalized, or "uint8", raw pixels; the files normalize them then.
   */
  readonly input?: "float32" | "uint8";
  /** Samples that the files take at once. Default: any number. */
  readonly fixedBatch?: number;
  /**
   * Whether the first convolution of the int8 file reads several pixels of a row as one, which is sooner on CPUs and gives the
   * same codes. Default false.
   */
  readonly packPixels?: boolean;
  /** How the int8 file writes integers: "qdq" (default), as Q/DQ pairs, or "qoperator", as operators on codes. */
  readonly format?: FileForm;
}

/** What every job takes that makes files of a model. */
export interface SharedOptions
  extends ModelOptions, DataOptions, TaskOptions, QuantizationOptions, EngineOptions, FileOptions {}

/** Options that mean something of their own where they are left out. */
type Open =
  | keyof ModelOptions
  | Exclude<keyof DataOptions, "skipBadImages">
  | keyof TaskOptions
  | "target"
  | "recipe"
  | "perChannel"
  | "threads"
  | "fixedBatch";

/** Shared options with every default filled in that is the same for all jobs. */
export type ResolvedShared =
  & Required<Omit<SharedOptions, Open | "overwrite" | "swap">>
  & Pick<SharedOptions, Open>
  & { readonly swap: string };

/** Shared options of a job whose task is known. */
export type SharedJobOptions = ResolvedShared & { readonly task: string };

/** What each shared option is. */
export const SHARED_KINDS: Kinds<SharedOptions> = {
  model: "text",
  outputs: "names",
  shape: "names",
  data: "text",
  task: "text",
  targets: "names",
  sequenceColumn: "text",
  sequenceLength: "number",
  normalize: "text",
  limit: "number",
  skipBadImages: "flag",
  cache: "text",
  ...TASK_KINDS,
  swap: "text",
  target: "text",
  recipe: "text",
  strict: "flag",
  perChannel: "flag",
  reduceRange: "flag",
  keepFloat: "names",
  seed: "number",
  threads: "number",
  backend: "text",
  device: "text",
  precise: "flag",
  debug: "flag",
  out: "text",
  overwrite: "flag",
  inputLayout: "text",
  opset: "number",
  format: "text",
  fixedBatch: "number",
  packPixels: "flag",
  input: "text",
};

/** Layouts that the exported graph's input can have. */
const INPUT_LAYOUTS = ["nhwc", "nchw"] as const;

/** What files can take pictures as. */
const INPUT_TYPES = ["float32", "uint8"] as const;

/** What `--swap` says to leave activations as they are. */
export const NO_SWAP = "none";

/**
 * Checks the texts of shared options whose kinds are right, and fills in defaults.
 *
 * @param swap What is swapped where `--swap` does not say.
 * @throws {RangeError} If a text is no choice of its option.
 */
export function resolveShared(
  options: Omit<SharedOptions, "overwrite">,
  { swap }: { readonly swap: string },
): ResolvedShared {
  checkSharedTexts(options);
  checkTaskTexts(options);
  return {
    ...options,
    skipBadImages: options.skipBadImages ?? false,
    packPixels: options.packPixels ?? false,
    swap: options.swap ?? swap,
    strict: options.strict ?? false,
    reduceRange: options.reduceRange ?? false,
    keepFloat: options.keepFloat ?? [],
    seed: options.seed ?? 0,
    backend: options.backend ?? "auto",
    device: options.device ?? "cpu",
    precise: options.precise ?? false,
    debug: options.debug ?? false,
    out: options.out ?? "out",
    inputLayout: options.inputLayout ?? "nhwc",
    opset: options.opset ?? 17,
    format: options.format ?? "qdq",
    input: options.input ?? "float32",
  };
}

function checkSharedTexts(
  { task, swap, normalize, shape, inputLayout, format, input, backend, device }: SharedOptions,
): void {
  checkChoices({
    task: [task, TASK_NAMES],
    inputLayout: [inputLayout, INPUT_LAYOUTS],
    format: [format, FILE_FORMS],
    input: [input, INPUT_TYPES],
    backend: [backend, BACKEND_NAMES],
    device: [device, DEVICES],
  });
  if (swap !== undefined && swap !== NO_SWAP) checkText("swap", swap, parseSwap);
  if (normalize !== undefined) checkText("normalize", normalize, parseNormalize);
  parseShapes(shape ?? []);
}

function checkTaskTexts(options: TaskOptions): void {
  for (const [key, { of }] of Object.entries<TaskOptionRow>(TASK_OPTIONS)) {
    if (of !== undefined) checkChoices({ [key]: [Reflect.get(options, key), of] });
  }
}

/**
 * Checks options that are one of a few words.
 *
 * @throws {RangeError} If one is not; the nearest word is named.
 */
export function checkChoices(
  choices: Readonly<Record<string, readonly [value: string | undefined, of: readonly string[]]>>,
): void {
  for (const [key, [value, of]] of Object.entries(choices)) {
    if (value !== undefined) checkChoice(value, { of, cannot: `Cannot use ${flagOf(key)} ${showValue(value)}` });
  }
}

/** Names the option where `parse` names the value alone. */
function checkText(key: keyof SharedOptions, value: string, parse: (text: string) => unknown): void {
  try {
    parse(value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const because = error.message.replace(/^C/, "c");
    throw new RangeError(`Cannot use ${flagOf(key)} ${showValue(value)}: ${because}`, { cause: error });
  }
}
