/** Registration of this room's TF.js kernels and gradients. */
import { registerBatchNormTrainingGradient } from "./batch_norm_training.ts";
import { registerBatchNormTrainingKernels } from "./batch_norm_training_kernel.ts";
import { registerFakeQuantizeGradient } from "./fake_quantize.ts";
import { registerFakeQuantizeKernels } from "./fake_quantize_kernel.ts";

/**
 * Registers the kernels "FakeQuantize", "FakeQuantizeGrad", "BatchNormTraining" and "BatchNormTrainingGrad" for a TF.js
 * backend, and the gradients of the first and third for every backend. Calling it again is harmless.
 *
 * @param backendName A backend that can be read synchronously: the kernels compute on typed arrays.
 */
export function registerQuantKernels(backendName = "cpu"): void {
  registerFakeQuantizeGradient();
  registerBatchNormTrainingGradient();
  registerFakeQuantizeKernels(backendName);
  registerBatchNormTrainingKernels(backendName);
}
