/**
 * Kernels "BatchNormTraining" and "BatchNormTrainingGrad" on typed arrays: the cpu backend's, and the oracle for others.
 * Sums are kept in float64 and rounded to float32 once.
 */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import { BATCH_NORM_TRAINING, BATCH_NORM_TRAINING_GRAD } from "./batch_norm_training.ts";
import { kernelIO, registerKernelOnce } from "./_kernel.ts";
import type { BatchNormTrainingAttrs, BatchNormTrainingGradInputs, BatchNormTrainingInputs } from "./kernel_types.ts";

/** Registers both kernels for `backendName`; again is harmless. */
export function registerBatchNormTrainingKernels(backendName: string): void {
  registerKernelOnce({ kernelName: BATCH_NORM_TRAINING, backendName, kernelFunc: batchNormTrainingKernel });
  registerKernelOnce({ kernelName: BATCH_NORM_TRAINING_GRAD, backendName, kernelFunc: batchNormTrainingGradKernel });
}

const batchNormTrainingKernel: KernelFunc = (args): TensorInfo[] => {
  // TF.js calls a kernel with the inputs and attributes that `batchNormTraining` passes.
  const inputs = args.inputs as BatchNormTrainingInputs & typeof args.inputs;
  const { epsilon } = args.attrs as BatchNormTrainingAttrs & typeof args.attrs;
  const io = kernelIO(args);
  const [x, gamma, beta] = [io.read(inputs.x), io.read(inputs.gamma), io.read(inputs.beta)];
  const channels = gamma.length;
  const count = x.length / channels;

  const mean = sums(channels, x, (value) => value).map((sum) => sum / count);
  const variance = sums(channels, x, (value, c) => (value - mean[c]) ** 2).map((sum) => sum / count);
  const factor = variance.map((value, c) => gamma[c] / Math.sqrt(value + epsilon));
  const y = x.map((value, i) => {
    const c = i % channels;
    return (value - mean[c]) * factor[c] + beta[c];
  });
  return [
    io.write(y, inputs.x.shape),
    io.write(Float32Array.from(mean), [channels]),
    io.write(Float32Array.from(variance), [channels]),
  ];
};

const batchNormTrainingGradKernel: KernelFunc = (args): TensorInfo[] => {
  // TF.js calls a kernel with the inputs and attributes that the gradient passes.
  const inputs = args.inputs as BatchNormTrainingGradInputs & typeof args.inputs;
  const { epsilon } = args.attrs as BatchNormTrainingAttrs & typeof args.attrs;
  const io = kernelIO(args);
  const [x, dy, gamma] = [io.read(inputs.x), io.read(inputs.dy), io.read(inputs.gamma)];
  const variance = io.read(inputs.variance);
  const channels = gamma.length;
  const count = x.length / channels;

  // Not the mean that it is given: in float32, that is off by a share of the deviation where it is far from 0.
  const mean = sums(channels, x, (value) => value).map((sum) => sum / count);
  const inverse = Float64Array.from(variance, (value) => 1 / Math.sqrt(value + epsilon));
  const dbeta = sums(channels, dy, (value) => value);
  const dgamma = sums(channels, dy, (value, c, i) => value * (x[i] - mean[c]) * inverse[c]);
  const dx = dy.map((value, i) => {
    const c = i % channels;
    const normalized = (x[i] - mean[c]) * inverse[c];
    return gamma[c] * inverse[c] * (value - (dbeta[c] + normalized * dgamma[c]) / count);
  });
  return [
    io.write(dx, inputs.x.shape),
    io.write(Float32Array.from(dgamma), [channels]),
    io.write(Float32Array.from(dbeta), [channels]),
  ];
};

/** Adds `term` of every element to its channel's sum; channels are the last axis. */
function sums(
  channels: number,
  values: Float32Array,
  term: (value: number, channel: number, index: number) => number,
): Float64Array {
  const total = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) total[i % channels] += term(values[i], i % channels, i);
  return total;
}
