/** Options of the main job: defaults, and what is allowed. */

/** Options of {@linkcode runQat}; each is also a flag of the command line. */
export interface QatOptions {
  /** A TF.js layers-model: model.json or its folder. Without one, `arch` is trained from nothing. */
  readonly model?: string;
  /** A built-in architecture: see `ARCHITECTURES`. Default "cifar_cnn". */
  readonly arch?: string;
  /** Images: "generated" (default), "mnist:DIR", "cifar10:DIR" or "folder:DIR". */
  readonly data?: string;
  /** What the model's input expects: see `parseNormalize`. Default: what suits the data. */
  readonly normalize?: string;
  /** Whether training images are flipped and shifted at random. Default: where it suits the data. */
  readonly augment?: boolean;
  /** Epochs of float training before quantization. Default: 8 for `arch`, 0 for `model`. */
  readonly floatEpochs?: number;
  /** Epochs of float training after activations were swapped. Default: a quarter of `floatEpochs`, rounded up. */
  readonly adaptEpochs?: number;
  /** Epochs of quantization-aware training. Default 8. */
  readonly epochs?: number;
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
  /** One weight scale an output channel (default) or one a tensor. */
  readonly perChannel?: boolean;
  /** Layers to keep in float. Default: none. */
  readonly keepFloat?: readonly string[];
  /** Threads of ONNX Runtime. Default: its choice, one a physical core. */
  readonly threads?: number;
  /** Where the results go. Default "out". */
  readonly out?: string;
  /** Images used at the most, for training and for testing each. Default: all. */
  readonly limit?: number;
  /** Leaves out images that cannot be read instead of failing. Default false. */
  readonly skipBadImages?: boolean;
  /** Layout of the exported graph's input. Default "nhwc", as in TF.js. */
  readonly inputLayout?: "nhwc" | "nchw";
  /** Opset of the exported files, 13 to 17. Default 17. */
  readonly opset?: number;
}

/** Options with every default filled in. */
export type ResolvedOptions =
  & Required<Omit<QatOptions, "model" | "normalize" | "augment" | "threads" | "limit">>
  & Pick<QatOptions, "model" | "normalize" | "augment" | "threads" | "limit">;

/** A flag's name and the numbers that it takes. */
interface NumberRule {
  readonly key: keyof QatOptions;
  readonly least: number;
  readonly whole: boolean;
  readonly most?: number;
  /** Whether `least` itself is too little. */
  readonly above?: boolean;
}

const RULES: readonly NumberRule[] = [
  { key: "floatEpochs", least: 0, whole: true },
  { key: "adaptEpochs", least: 0, whole: true },
  { key: "epochs", least: 1, whole: true },
  { key: "batchSize", least: 1, whole: true },
  { key: "lr", least: 0, whole: false, above: true },
  { key: "floatLr", least: 0, whole: false, above: true },
  { key: "seed", least: 0, whole: true, most: 2 ** 32 - 1 },
  { key: "freezeObserversAfter", least: 0, whole: false },
  { key: "freezeBnAfter", least: 0, whole: false },
  { key: "threads", least: 1, whole: true, most: 256 },
  { key: "limit", least: 1, whole: true },
  { key: "opset", least: 13, whole: true, most: 17 },
];

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If a number is out of range, or both a model and an architecture are given.
 */
export function resolveOptions(options: QatOptions): ResolvedOptions {
  for (const rule of RULES) checkNumber(options[rule.key], rule);
  if (options.model !== undefined && options.arch !== undefined) {
    throw new RangeError(`Cannot use --model and --arch together: "${options.arch}" is trained from nothing`);
  }
  const { inputLayout = "nhwc" } = options;
  if (inputLayout !== "nhwc" && inputLayout !== "nchw") {
    throw new RangeError(`Cannot use --input-layout ${inputLayout}: it must be nhwc or nchw`);
  }
  const floatEpochs = options.floatEpochs ?? (options.model === undefined ? 8 : 0);
  return {
    ...options,
    arch: options.arch ?? "cifar_cnn",
    data: options.data ?? "generated",
    floatEpochs,
    adaptEpochs: options.adaptEpochs ?? Math.ceil(floatEpochs / 4),
    epochs: options.epochs ?? 8,
    batchSize: options.batchSize ?? 64,
    lr: options.lr ?? 5e-4,
    floatLr: options.floatLr ?? 2e-3,
    optimizer: options.optimizer ?? "adam",
    seed: options.seed ?? 0,
    swap: options.swap ?? "leaky_relu:relu",
    freezeObserversAfter: options.freezeObserversAfter ?? 4,
    freezeBnAfter: options.freezeBnAfter ?? 3,
    perChannel: options.perChannel ?? true,
    keepFloat: options.keepFloat ?? [],
    out: options.out ?? "out",
    skipBadImages: options.skipBadImages ?? false,
    inputLayout,
    opset: options.opset ?? 17,
  };
}

function checkNumber(value: unknown, { key, least, most = Infinity, whole, above = false }: NumberRule): void {
  if (value === undefined) return;
  const number = value as number;
  const fits = (above ? number > least : number >= least) && number <= most && (!whole || Number.isInteger(number));
  if (fits) return;
  const kind = whole ? "a whole number" : "a number";
  const range = most < Infinity ? `from ${least} to ${most}` : above ? `above ${least}` : `of at least ${least}`;
  throw new RangeError(`Cannot use ${flagOf(key)} ${number}: it must be ${kind} ${range}`);
}

/** "freezeBnAfter" → "--freeze-bn-after". */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
