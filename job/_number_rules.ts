/** What numbers the options take. */
import { showValue } from "../src/text/plain.ts";
import { flagOf } from "./_flags.ts";

/** The numbers that an option takes. */
interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
  /** Whether `least` itself is too little. */
  readonly above?: boolean;
}

/** More epochs than this are a slip of the finger: at a second each they would take eleven days. */
const MOST_EPOCHS = 1_000_000;

/** More images or images a step than this fit in no memory. */
const MOST_IMAGES = 1_000_000_000;

/** Longer sequences than this are learned by no recurrent layer. */
const MOST_STEPS = 1_000_000;

/** Pictures with longer sides than this fit in no training. */
const MOST_SIDE = 4096;

/** More samples at once than this are no file for a device. */
const MOST_FIXED = 65_536;

/** Fewer samples than this show no range. */
export const LEAST_SAMPLES = 8;

const RULES = {
  width: { least: 0, most: 8, whole: false, above: true },
  floatEpochs: { least: 0, most: MOST_EPOCHS, whole: true },
  adaptEpochs: { least: 0, most: MOST_EPOCHS, whole: true },
  swapEpochs: { least: 0, most: MOST_EPOCHS, whole: true },
  validation: { least: 0, most: 0.9, whole: false },
  epochs: { least: 1, most: MOST_EPOCHS, whole: true },
  batchSize: { least: 1, most: MOST_IMAGES, whole: true },
  lr: { least: 0, most: 1000, whole: false, above: true },
  floatLr: { least: 0, most: 1000, whole: false, above: true },
  warmupEpochs: { least: 0, most: MOST_EPOCHS, whole: false },
  weightDecay: { least: 0, most: 1, whole: false },
  clipNorm: { least: 0, most: 1_000_000, whole: false },
  ema: { least: 0, most: 0.999999, whole: false },
  patience: { least: 1, most: MOST_EPOCHS, whole: true },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
  freezeObserversAfter: { least: 0, most: MOST_EPOCHS, whole: false },
  freezeBnAfter: { least: 0, most: MOST_EPOCHS, whole: false },
  mosaicUntil: { least: 0, most: MOST_EPOCHS, whole: true },
  threads: { least: 1, most: 256, whole: true },
  sequenceLength: { least: 1, most: MOST_STEPS, whole: true },
  limit: { least: 1, most: MOST_IMAGES, whole: true },
  inputSize: { least: 4, most: MOST_SIDE, whole: true },
  evalSize: { least: 4, most: MOST_SIDE, whole: true },
  ignoreThreshold: { least: 0, most: 1, whole: false, above: true },
  scoreThreshold: { least: 0, most: 1, whole: false },
  nmsIou: { least: 0, most: 1, whole: false },
  diceLoss: { least: 0, most: 1000, whole: false },
  checkpointMinutes: { least: 0, most: 1_000_000, whole: false, above: true },
  fixedBatch: { least: 1, most: MOST_FIXED, whole: true },
  samples: { least: LEAST_SAMPLES, most: MOST_IMAGES, whole: true },
  bits: { least: 4, most: 8, whole: true },
  smoothAlpha: { least: 0, most: 1, whole: false },
  block: { least: 16, most: 256, whole: true },
  tolerance: { least: 0, most: 1_000_000, whole: false },
  speedup: { least: 0, most: 1000, whole: false },
  minutes: { least: 0, most: 1_000_000, whole: false, above: true },
  opset: { least: 13, most: 17, whole: true },
} satisfies Readonly<Record<string, NumberRule>>;

/** Options that are numbers. */
export type NumberOption = keyof typeof RULES;

/** Their values. */
type Numbers = { readonly [Option in keyof typeof RULES]?: number };

/** @throws {RangeError} If a number of `options` is not one that its option takes. */
export function checkNumbers(options: Numbers): void {
  for (const [option, rule] of Object.entries<NumberRule>(RULES)) {
    const value: unknown = Reflect.get(options, option);
    if (value === undefined || fits(value, rule)) continue;
    throw new RangeError(`Cannot use ${flagOf(option)} ${showValue(value)}: it must be ${describe(rule)}`);
  }
}

function fits(value: unknown, { least, most, whole, above = false }: NumberRule): boolean {
  if (typeof value !== "number" || !(value >= least && value <= most)) return false;
  return !(above && value === least) && (!whole || Number.isInteger(value));
}

function describe({ least, most, whole, above = false }: NumberRule): string {
  const kind = whole ? "a whole number" : "a number";
  return above ? `${kind} above ${least}, ${most} at most` : `${kind} from ${least} to ${most}`;
}
