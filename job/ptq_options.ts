/** Options of quantization without training: defaults, and what is allowed. */
import { type StepName, type StepOptions, STEPS } from "../quantize/methods/mod.ts";
import { PTQ_METHODS, type PtqMethod } from "../quantize/target.ts";
import { OBSERVER_NAMES, type ObserverName } from "../src/quant/mod.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { argumentOf, flagOf, optionOf } from "./_flags.ts";
import { checkNumbers } from "./_number_rules.ts";
import { checkKinds, type Kinds } from "./_option_kinds.ts";
import {
  checkChoices,
  NO_SWAP,
  type ResolvedShared,
  resolveShared,
  SHARED_KINDS,
  type SharedOptions,
} from "./shared_options.ts";

/**
 * Options of {@linkcode runPtq}; each is also a flag of the command line. `model` is needed. Without `data` nothing is
 * judged by what should have been answered; without `swap` activations stay as they are.
 */
export interface PtqOptions extends SharedOptions, StepOptions {
  /**
   * "static" (default): int8, all ranges found beforehand. "dynamic": int8, those of activations found at run time.
   * "weights": only weights are codes. "float16": half the bits.
   */
  readonly method?: PtqMethod;
  /** Samples that ranges are found on: as `data`, or "dummy" for random ones. Default: the training samples of `data`. */
  readonly calibrate?: string;
  /** How many of them. Default 512. */
  readonly samples?: number;
  /**
   * What finds the ranges of activations for which no rule names an observer; "auto": of two the one that keeps the samples'
   * answers nearer. Default: "histogram".
   */
  readonly observer?: ObserverName | "auto";
  /**
   * Whether ranges of activations reach as far below 0 as above it, but for those behind a ReLU, which start at 0. Default
   * false.
   */
  readonly symmetric?: boolean;
  /** What `smooth` moves: 0 as weights have it, 1 all of the range into the weights. Default 0.5. */
  readonly smoothAlpha?: number;
  /** Whether `smooth` is for convolutions too. Default false: for dense layers. */
  readonly smoothConvolutions?: boolean;
  /** Bits of a weight: 8, or 4 with the method "weights". Default 8. */
  readonly bits?: number;
  /** Weights that share a scale, a power of 2 from 16 to 256. Default: 32 of 4 bits, all of a channel of 8. */
  readonly block?: number;
}

type Own = Omit<PtqOptions, keyof SharedOptions | keyof StepOptions>;

/** Options with every default filled in. */
export type ResolvedPtq =
  & ResolvedShared
  & Required<Pick<Own, "method" | "samples" | "bits" | "symmetric">>
  & Pick<Own, "calibrate" | "observer" | "block" | "smoothAlpha" | "smoothConvolutions">
  & {
    readonly model: string;
    /** The steps that are done, in their order. */
    readonly steps: readonly StepName[];
  };

/** Options of a job whose task is known. */
export type PtqJobOptions = ResolvedPtq & { readonly task: string };

/** Random samples, where `--calibrate` names no data. */
export const DUMMY = "dummy";

const STEP_OPTIONS: readonly string[] = STEPS.map(({ name }) => optionOf(name));

/** What each option is. */
export const PTQ_KINDS: Kinds<PtqOptions> = {
  ...SHARED_KINDS,
  // Every step has an entry: the type has the names of the table.
  ...Object.fromEntries(STEP_OPTIONS.map((option) => [option, "flag"])) as Kinds<StepOptions>,
  method: "text",
  calibrate: "text",
  samples: "number",
  observer: "text",
  symmetric: "flag",
  smoothAlpha: "number",
  smoothConvolutions: "flag",
  bits: "number",
  block: "number",
};

/** Options of a step that say how it is done. */
const OF_SMOOTH = ["smoothAlpha", "smoothConvolutions"] as const;

/** What `--observer` says to have one chosen. */
export const AUTO = "auto";

const ALL = PTQ_METHODS;
const STATIC: readonly PtqMethod[] = ["static"];

/** Which methods have a use for each option; the others refuse it. The type leaves none out. */
export const METHODS_OF: { readonly [Option in keyof Required<PtqOptions>]: readonly PtqMethod[] } = {
  model: ALL,
  outputs: ALL,
  shape: ALL,
  data: ALL,
  task: ALL,
  targets: ALL,
  sequenceColumn: ALL,
  sequenceLength: ALL,
  normalize: ALL,
  limit: ALL,
  skipBadImages: ALL,
  cache: ALL,
  inputSize: ALL,
  anchors: ALL,
  boxLoss: ALL,
  ignoreThreshold: ALL,
  scoreThreshold: ALL,
  nmsIou: ALL,
  pointLoss: ALL,
  appendDecoding: STATIC,
  appendNms: STATIC,
  diceLoss: ALL,
  calibrate: STATIC,
  samples: STATIC,
  observer: STATIC,
  symmetric: STATIC,
  method: ALL,
  bits: ["static", "dynamic", "weights"],
  block: ["weights"],
  // Every step has an entry, as in the kinds.
  ...Object.fromEntries(STEP_OPTIONS.map((option) => [option, STATIC])) as Record<
    keyof StepOptions,
    readonly PtqMethod[]
  >,
  smoothAlpha: STATIC,
  smoothConvolutions: STATIC,
  swap: ALL,
  target: ALL,
  recipe: STATIC,
  strict: STATIC,
  perChannel: STATIC,
  reduceRange: STATIC,
  keepFloat: STATIC,
  seed: ALL,
  threads: ALL,
  backend: ALL,
  device: ALL,
  precise: ALL,
  debug: ALL,
  out: ALL,
  overwrite: ALL,
  inputLayout: ALL,
  opset: ALL,
  input: ALL,
  fixedBatch: ALL,
  packPixels: STATIC,
  format: STATIC,
};

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or options contradict each other.
 */
export function resolvePtqOptions(options: PtqOptions): ResolvedPtq {
  return inPlainWordsSync(() => resolve(options));
}

function resolve(given: PtqOptions): ResolvedPtq {
  checkKinds(given, PTQ_KINDS);
  const { overwrite: _, ...options } = given;
  checkNumbers(options);
  const { model, method = "static", calibrate, data, samples = 512, observer, bits, block } = options;
  checkChoices({ method: [method, PTQ_METHODS], observer: [observer, [...OBSERVER_NAMES, AUTO]] });
  if (model === undefined) throw new RangeError("Cannot quantize without --model: a TF.js model is needed");
  refuseOthers(options, method);
  if (method === "static" && calibrate === undefined && data === undefined) {
    throw new RangeError(
      `Cannot quantize "${model}" without --calibrate: samples are needed to find ranges on, or "${DUMMY}" for random ones`,
    );
  }
  const asked = Object.fromEntries(Object.entries(options).filter(([key]) => !STEP_OPTIONS.includes(key)));
  return {
    ...asked,
    ...resolveShared(asked, { swap: NO_SWAP }),
    model,
    method,
    samples,
    symmetric: options.symmetric ?? false,
    ...(method === "static" || calibrate !== undefined ? { calibrate: calibrate ?? data } : {}),
    bits: method === "float16" ? 16 : bits ?? 8,
    ...(block === undefined ? {} : { block }),
    steps: method === "static" ? stepsOf(options) : [],
  };
}

/** @throws {RangeError} If an option is for another method. */
function refuseOthers(options: PtqOptions, method: PtqMethod): void {
  const refuse = (key: string, needed: string): never => {
    throw new RangeError(`Cannot use ${argumentOf(key, Reflect.get(options, key))} with --method ${method}: ${needed}`);
  };
  for (const [key, methods] of Object.entries(METHODS_OF)) {
    if (isAsked(options, key) && !methods.includes(method)) refuse(key, `it is for ${methods.join(" and ")}`);
  }
  const ofSmooth = OF_SMOOTH.find((key) => isAsked(options, key));
  if (ofSmooth !== undefined && options.smooth !== true) {
    throw new RangeError(`Cannot use ${flagOf(ofSmooth)} without --smooth: it says how that is done`);
  }
  if (![undefined, 4, 8].includes(options.bits)) refuse("bits", "it must be 8 or 4");
  if (options.bits === 4 && method !== "weights") {
    refuse("bits", "4 are for weights (target simulation has static ones, by --recipe four-bit-weights)");
  }
}

/** Whether an option asks for something: a flag that is off does not, unless that is a wish of its own. */
function isAsked(options: PtqOptions, key: string): boolean {
  const value: unknown = Reflect.get(options, key);
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return false;
  return value !== false || key === "perChannel";
}

function stepsOf(options: PtqOptions): readonly StepName[] {
  const asked = new Map<string, unknown>(Object.entries(options));
  return STEPS.filter(({ name, byDefault }) => asked.get(optionOf(name)) ?? byDefault).map(({ name }) => name);
}
