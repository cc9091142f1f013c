/**
 * Quantization-aware training for TensorFlow.js models, ending in an int8 ONNX file that is proven in ONNX Runtime.
 *
 * {@linkcode runQat} does the whole job; every step of it is here too, to be called alone: load or build a model,
 * prepare it, train it, export it, validate it, report.
 *
 * @example
 * ```ts ignore
 * import { calibrate, loadLayersModel, prepareQat, registerBackend, toOnnx, writeFileAtomic } from "./mod.ts";
 *
 * await registerBackend();
 * const { model } = await loadLayersModel("model.json");
 * const prepared = prepareQat(model);
 * await calibrate(prepared.model, batches);
 * const { bytes } = await toOnnx(prepared.model);
 * writeFileAtomic("model.int8.onnx", bytes);
 * ```
 *
 * @module
 */

// The job.
export { type FloatAccuracies, type JobEvents, type JobPhase, type QatEpoch, runQat } from "./job/qat.ts";
export { type QatOptions } from "./job/options.ts";
export { createProgress, type Progress, type ProgressOptions } from "./train/progress.ts";
// The engine.
export { type BackendOptions, OnnxRuntimeBackend, registerBackend } from "./src/backend/mod.ts";

// Models and data.
export { loadLayersModel, ModelFileError, type ModelSource, saveLayersModel } from "./src/io/layers_model.ts";
export { OutputError, writeFileAtomic } from "./src/io/atomic.ts";
export { ARCHITECTURES, buildArchitecture } from "./train/arch/mod.ts";
export { type Batch, batches, type BatchOptions } from "./data/batches.ts";
export { type DataSplit, type ImageSet, take } from "./data/dataset.ts";
export { generate } from "./data/generated.ts";
export { fitTo } from "./data/fit_to.ts";
export { type Normalize, parseNormalize } from "./data/normalize.ts";
export { openData } from "./data/open.ts";

// Quantization-aware training.
export {
  formatRewrite,
  parseSwap,
  qatRules,
  type Rewrite,
  rewriteModel,
  type Swap,
  withOutputs,
} from "./src/rewrite/mod.ts";
export {
  FakeQuantize,
  FreezableBatchNormalization,
  QuantizedWeights,
  type QuantScheme,
  registerQuantKernels,
  registerQuantLayers,
} from "./src/quant/mod.ts";
export { calibrate } from "./train/calibrate.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./train/evaluate.ts";
export { fit, type FitOptions, type History } from "./train/fit.ts";
export { type Loss, softmaxCrossEntropy } from "./train/losses.ts";
export { accuracy, type Metric, topKAccuracy } from "./train/metrics.ts";
export { cosineRate, optimizerFor } from "./train/optimizers.ts";
export { setQatPhase } from "./train/phase.ts";
export { type PreparedModel, type PrepareOptions, prepareQat } from "./train/prepare.ts";
export { floatSchedule, qatSchedule, type Schedule } from "./train/schedule.ts";

// Export and proof.
export { type OnnxModel, toOnnx, type ToOnnxOptions } from "./export/to_onnx.ts";
export { DeployedModel, type Prediction } from "./export/deployed.ts";
export { compareAnswers } from "./export/agreement.ts";
export { compareLatency } from "./export/latency.ts";
export { predictAll, validate, type ValidateOptions, type Validation } from "./export/validate.ts";
export { type Fusion, verifyFusion } from "./export/verify.ts";
export { printGraph } from "./src/onnx/text.ts";
export { renderHtml } from "./export/report/html.ts";
export { type Report } from "./export/report/report.ts";
export { formatReport } from "./export/report/terminal.ts";
