/** What numbers the options take. */
import { flagOf } from "./_flags.ts";
import type { QatOptions } from "./options.ts";

/** An option's name and the numbers that it takes. */
interface NumberRule {
  readonly key: keyof QatOptions;
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

const RULES: readonly NumberRule[] = [
  { key: "floatEpochs", least: 0, most: MOST_EPOCHS, whole: true },
  { key: "adaptEpochs", least: 0, most: MOST_EPOCHS, whole: true },
  { key: "epochs", least: 1, most: MOST_EPOCHS, whole: true },
  { key: "batchSize", least: 1, most: MOST_IMAGES, whole: true },
  { key: "lr", least: 0, most: 1000, whole: false, above: true },
  { key: "floatLr", least: 0, most: 1000, whole: false, above: true },
  { key: "seed", least: 0, most: 2 ** 32 - 1, whole: true },
  { key: "freezeObserversAfter", least: 0, most: MOST_EPOCHS, whole: false },
  { key: "freezeBnAfter", least: 0, most: MOST_EPOCHS, whole: false },
  { key: "threads", least: 1, most: 256, whole: true },
  { key: "limit", least: 1, most: MOST_IMAGES, whole: true },
  { key: "opset", least: 13, most: 17, whole: true },
];

/** @throws {RangeError} If a number of `options` is not one that its option takes. */
export function checkNumbers(options: QatOptions): void {
  for (const rule of RULES) {
    const value = options[rule.key];
    if (value === undefined || fits(value, rule)) continue;
    throw new RangeError(`Cannot use ${flagOf(rule.key)} ${value}: it must be ${describe(rule)}`);
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
