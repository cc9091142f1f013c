/**
 * What makes a model better without training it: the contract of the steps that `mod.ts` lists.
 *
 * A step either rewrites the float model into one that answers alike and loses less when it is rounded, or changes the
 * prepared model once its ranges are known.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { NamedBatch } from "../calibrate.ts";
import type { Target } from "../target.ts";

/** What a step may use. */
export interface StepContext {
  /** The calibration samples, the same in the same order at every call. */
  readonly batches: () => AsyncIterable<NamedBatch>;
  /** How many samples that is in all. */
  readonly samples: number;
  /** Seed of whatever a step draws. */
  readonly seed: number;
  /** What the model is quantized for. */
  readonly target: Target;
  /** Told how much of the step is done, in any unit. */
  readonly onProgress?: (done: number, of: number) => void;
  /** Ends the step: it throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a step did to a layer, or to a group of layers that belong together. */
export interface StepEffect {
  /** The layer, or the layers, as "conv1 → conv2". */
  readonly layer: string;
  /** What was measured, such as "ratio of the widest channel to the narrowest". */
  readonly what: string;
  readonly before: number;
  readonly after: number;
  /** What is written behind the numbers. */
  readonly unit?: string;
}

/** A layer that a step could have been for, and why it was left as it is. */
export interface StepLeft {
  readonly layer: string;
  /** The rest of a sentence: "its activation is swish, which is not homogeneous". */
  readonly because: string;
}

/** What came of a step. */
export interface StepOutcome {
  /** Empty where there was nothing to do. */
  readonly effects: readonly StepEffect[];
  readonly left: readonly StepLeft[];
  /** What else is worth a line in the report. */
  readonly facts?: readonly string[];
}

/** What every step says of itself. */
export interface StepRow<Name extends string> {
  /** What its flag is called: "correct-bias" is `--correct-bias`, and `correctBias` among the options. */
  readonly name: Name;
  /** The help of the flag: one line that starts with a verb in the imperative. */
  readonly description: string;
  /** Whether it is done where no flag says otherwise. */
  readonly byDefault: boolean;
}

/** Rewrites the float model before it is prepared: the function it computes stays the same. */
export interface FloatStep<Name extends string> extends StepRow<Name> {
  readonly when: "float";
  /**
   * Returns the rewritten model, which owns its weights and is not compiled. `model` stays as it is, and the caller's.
   *
   * @throws {Error} Whatever keeps it from its work; nothing to do is no error.
   */
  apply(model: LayersModel, context: StepContext): Promise<StepOutcome & { readonly model: LayersModel }>;
}

/** Changes a prepared, calibrated model in place. */
export interface PreparedStep<Name extends string> extends StepRow<Name> {
  readonly when: "prepared";
  /**
   * @param model The prepared model, with its ranges.
   * @param float The same layers under the same names, with quantization off: what every one of them should answer.
   * @throws {Error} Whatever keeps it from its work; nothing to do is no error.
   */
  apply(model: LayersModel, float: LayersModel, context: StepContext): Promise<StepOutcome>;
}

/** A step of post-training quantization. */
export type PtqStep = FloatStep<string> | PreparedStep<string>;
