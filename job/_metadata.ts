/** What an exported file says of itself, so that a program which knows nothing of the job can feed and read it. */
import { createHash } from "node:crypto";
import type * as tfl from "@tensorflow/tfjs-layers";
import { describeNormalize } from "../data/normalize.ts";
import { inputShape, type SampleInput } from "../data/samples.ts";
import { inputNames } from "../models/ports.ts";
import type { StepOptions } from "../quantize/methods/mod.ts";
import type { EpochReport } from "../report/schema.ts";
import { lookUp } from "../src/text/nearest.ts";
import { plainText, shorten } from "../src/text/plain.ts";
import type { BoundTask } from "../tasks/task.ts";
import type { JobData } from "./_data.ts";
import type { Quantization } from "./_recipe.ts";
import type { QatOptions } from "./options.ts";
import type { PtqOptions } from "./ptq_options.ts";
import type { SharedJobOptions } from "./shared_options.ts";

/** What is told. */
export interface MetadataParts {
  readonly task: BoundTask;
  readonly data: JobData;
  readonly options: SharedJobOptions;
  readonly quantization: Quantization;
  /** Epochs of quantization-aware training, as the report has them; absent where nothing was trained. */
  readonly epochs?: readonly EpochReport[];
}

/** What a file is told of itself. */
export interface FileMetadata {
  /** By key; docs/design/metadata.md lists them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** For people. */
  readonly doc: string;
}

/**
 * Returns what the files of a job say of themselves. The same job says the same, wherever its model, data and results lie
 * and however their paths are spelled, and says nothing of machine, user and time.
 */
export function metadataFor(model: tfl.LayersModel, parts: MetadataParts): FileMetadata {
  const { task, data, options, quantization, epochs } = parts;
  const names = inputNames(model);
  const inputs = Object.entries(data.train.inputs).map(([own, input], i): readonly [string, object] => [
    names[i],
    describeInput(input, { own, data, options }),
  ]);
  const outputs = Object.entries(task.heads).map(([name, { task, decoding }]) =>
    [name, { task, ...decoding }] as const
  );
  return {
    metadata: {
      ...(task.name === "" ? {} : { task: task.name }),
      inputs: JSON.stringify(Object.fromEntries(inputs)),
      outputs: JSON.stringify(Object.fromEntries(outputs)),
      target: quantization.target.name,
      recipe: JSON.stringify(quantization.recipe),
      options: JSON.stringify(describeOptions(model, options)),
      seed: String(options.seed),
      ...(epochs === undefined ? {} : { trainingSha256: hashOf(epochs) }),
    },
    doc: docOf(model, parts),
  };
}

function describeInput(
  input: SampleInput,
  { own, data, options }: { readonly own: string; readonly data: JobData; readonly options: SharedJobOptions },
): object {
  const shape = inputShape(input);
  if (input.kind === "rows" || input.kind === "series") {
    const { kind, padding = undefined } = input.kind === "rows" ? { kind: "numbers" } : input;
    const columns = data.scalings[own] ?? { columns: input.names };
    return { kind, shape, ...columns, ...(padding === undefined ? {} : { padding }) };
  }
  if (input.kind === "tokens") {
    const { names: vocabulary, padding } = input;
    return { kind: "tokens", shape, vocabulary, ...(padding === undefined ? {} : { padding }) };
  }
  // As in `Normalize`: of pixels from 0 to 1, one number for all channels or one for each.
  const { mean, std } = data.normalize;
  const fit = input.placements === undefined ? {} : { fit: "letterbox" };
  const image = { kind: "image", shape, ...fit, layout: options.inputLayout };
  // The file itself does that to raw pixels.
  return options.input === "uint8" ? { ...image, dtype: "uint8", applied: { mean, std } } : { ...image, mean, std };
}

/** The options of steps: what was done is told instead. */
type OfSteps = keyof StepOptions;

type Telling = "value" | "what" | "not";

/** How an option is told: as it is, as what it names, or not, where it is of one machine or one run. */
const TOLD: Readonly<Record<keyof (QatOptions & Omit<PtqOptions, OfSteps>), Telling>> = {
  model: "what",
  arch: "value",
  width: "value",
  // A file.
  weights: "not",
  head: "value",
  freezeUntil: "value",
  data: "what",
  task: "value",
  targets: "value",
  sequenceColumn: "value",
  sequenceLength: "value",
  outputs: "value",
  shape: "value",
  inputSize: "value",
  evalSize: "value",
  // What is read of outputs tells them.
  anchors: "not",
  boxLoss: "value",
  ignoreThreshold: "value",
  scoreThreshold: "value",
  nmsIou: "value",
  diceLoss: "value",
  pointLoss: "value",
  appendDecoding: "value",
  appendNms: "value",
  validation: "value",
  normalize: "value",
  augment: "value",
  control: "value",
  floatEpochs: "value",
  adaptEpochs: "value",
  swapEpochs: "value",
  epochs: "value",
  batchSize: "value",
  lr: "value",
  floatLr: "value",
  schedule: "value",
  warmupEpochs: "value",
  optimizer: "value",
  weightDecay: "value",
  clipNorm: "value",
  ema: "value",
  patience: "value",
  // It may be a file.
  classWeights: "not",
  seed: "value",
  swap: "value",
  freezeObserversAfter: "value",
  freezeBnAfter: "value",
  mosaicUntil: "value",
  target: "value",
  // Its rules are in the metadata.
  recipe: "not",
  strict: "value",
  perChannel: "value",
  reduceRange: "value",
  keepFloat: "value",
  threads: "not",
  backend: "value",
  device: "value",
  precise: "value",
  debug: "not",
  out: "not",
  overwrite: "not",
  cache: "not",
  resume: "not",
  checkpointMinutes: "not",
  limit: "value",
  skipBadImages: "value",
  inputLayout: "value",
  opset: "value",
  format: "value",
  fixedBatch: "value",
  packPixels: "value",
  input: "value",
  method: "value",
  calibrate: "what",
  samples: "value",
  observer: "value",
  symmetric: "value",
  smoothAlpha: "value",
  smoothConvolutions: "value",
  bits: "value",
  block: "value",
};

function describeOptions(model: tfl.LayersModel, options: SharedJobOptions): object {
  const told = Object.entries(options).flatMap(([key, value]) => {
    // Those of steps, which are told as the list of the steps, are in no table.
    const telling = lookUp<Telling>(TOLD, key) ?? "value";
    if (telling === "not" || value === undefined) return [];
    return [[key, telling === "value" ? value : key === "model" ? model.name : String(value).replace(/:.*$/s, "")]];
  });
  return Object.fromEntries(told.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** SHA-256 of the epochs' record without its times: of `JSON.stringify` of the report's `train.epochs`, `stepMs` left out. */
function hashOf(epochs: readonly EpochReport[]): string {
  return createHash("sha256").update(JSON.stringify(epochs.map(({ stepMs: _, ...epoch }) => epoch))).digest("hex");
}

/** More would be a list. */
const LONGEST_NAMES = 200;

function docOf(model: tfl.LayersModel, { task, data, options }: MetadataParts): string {
  const names = inputNames(model);
  const inputs = Object.values(data.train.inputs).map((input, i) => {
    const shape = inputShape(input);
    if (input.kind === "rows") return `Input "${names[i]}": rows of ${shape} numbers.`;
    if (input.kind === "series") return `Input "${names[i]}": sequences of ${shape[0]} rows of ${shape[1]} numbers.`;
    if (input.kind === "tokens") {
      return `Input "${names[i]}": sequences of ${shape} tokens: ${shorten(input.names.join(" "), LONGEST_NAMES)}.`;
    }
    const image = `Input "${names[i]}": images of ${shape.join("x")} (${options.inputLayout} in the file)`;
    const done = describeNormalize(data.normalize);
    return options.input === "uint8"
      ? `${image}, raw pixels from 0 to 255; the file takes them ${done}.`
      : `${image}, ${done}.`;
  });
  const outputs = Object.entries(task.heads).map(([name, { task, names }]) =>
    `Output "${name}": ${task}${names === undefined ? "" : `: ${shorten(names.join(", "), LONGEST_NAMES)}`}.`
  );
  return [
    ...inputs,
    ...outputs,
    "The metadata has these as JSON, and what the file was made with.",
  ].map(plainText).join("\n");
}
