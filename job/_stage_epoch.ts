/** What is known of an epoch of a stage. */
import type { MetricValue } from "../tasks/task.ts";
import type { EpochInfo } from "../train/fit.ts";

/** A metric's value after an epoch. */
export type EpochMetric = Omit<MetricValue, "scores">;

/** Metrics on the validation samples after an epoch, by what was measured; the first of each is the task's own. */
export interface EpochMetrics {
  /** Of a float model. */
  readonly float?: readonly EpochMetric[];
  /** Of the fake-quantized model in TF.js. */
  readonly simulated?: readonly EpochMetric[];
  /** Of its int8 file in ONNX Runtime, in the same order; absent where the target has none. */
  readonly deployed?: readonly EpochMetric[];
}

/** An epoch of training, with what was measured after it. */
export interface StageEpoch extends EpochInfo, EpochMetrics {
  /** When it had been judged, in ms since 1970. */
  readonly endedAt: number;
}
