/** Inputs and attributes of this room's TF.js kernels, as interfaces. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { CodeRange, Granularity } from "../numbers/scheme.ts";

/** Inputs of kernel "FakeQuantize". Output: y, of x's shape, float32. */
export interface FakeQuantizeInputs {
  /** Real values, float32, any shape. */
  readonly x: TensorInfo;
  /** Scales above 0, float32, shape [], or [channels] per channel. */
  readonly scale: TensorInfo;
  /** Zero points: whole numbers as float32, of scale's shape. */
  readonly zeroPoint: TensorInfo;
}

/** Attributes of kernels "FakeQuantize" and "FakeQuantizeGrad". */
export interface FakeQuantizeAttrs extends CodeRange {
  /** How many scales there are; an axis is counted from the front. */
  readonly granularity: Granularity;
}

/** Inputs of kernel "FakeQuantizeGrad". Output: dx, of x's shape. */
export interface FakeQuantizeGradInputs extends FakeQuantizeInputs {
  /** Gradient by y, of x's shape. */
  readonly dy: TensorInfo;
}

/** Inputs of kernel "BatchNormTraining". Outputs: y, of x's shape; mean and biased variance, [channels]. */
export interface BatchNormTrainingInputs {
  /** Values with channels last: [n, h, w, c] or [n, c], float32. */
  readonly x: TensorInfo;
  /** Factors, [c]. */
  readonly gamma: TensorInfo;
  /** Offsets, [c]. */
  readonly beta: TensorInfo;
}

/** Attributes of kernels "BatchNormTraining" and "BatchNormTrainingGrad". */
export interface BatchNormTrainingAttrs {
  /** Added to the variance before its root is taken. */
  readonly epsilon: number;
}

/** Inputs of kernel "BatchNormTrainingGrad". Outputs: dx, of x's shape; dgamma and dbeta, [channels]. */
export interface BatchNormTrainingGradInputs {
  /** What was normalized, channels last. */
  readonly x: TensorInfo;
  /** Gradient by y, of x's shape. */
  readonly dy: TensorInfo;
  /** Factors, [c]. */
  readonly gamma: TensorInfo;
  /** The batch's mean, as BatchNormTraining returned it, [c]; taken from x anew, where float32 is too coarse for it. */
  readonly mean: TensorInfo;
  /** The batch's biased variance, as BatchNormTraining returned it, [c]. */
  readonly variance: TensorInfo;
}
