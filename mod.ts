/**
 * Quantization-aware training for TensorFlow.js models, ending in an int8 ONNX file that is proven in ONNX Runtime.
 *
 * {@linkcode runQat} does the whole job; every step of it is here too, to be called alone: load or build a model,
 * rewrite it, prepare it, train it, export it, validate it, report.
 *
 * @example From a TF.js model to an int8 file, with ranges found on a few images and no training
 * ```ts
 * import assert from "node:assert/strict";
 * import { batches, buildArchitecture, calibrate, generate, parseNormalize, prepareQat } from "./mod.ts";
 * import { registerBackend, toOnnx, verifyFusion } from "./mod.ts";
 *
 * await registerBackend(); // TF.js on ONNX Runtime
 * const model = buildArchitecture("cifar_cnn", { inputShape: [32, 32, 3], classes: 10, seed: 0 });
 * const { train } = generate({ train: 20, test: 10, seed: 0 });
 *
 * const prepared = prepareQat(model);
 * await calibrate(prepared.model, batches(train, { batchSize: 10, normalize: parseNormalize("-1..1") }));
 * const { bytes, graph } = await toOnnx(prepared.model);
 *
 * const { int8, float } = verifyFusion(bytes, graph);
 * assert.equal(int8.QLinearConv, 6);
 * assert.deepEqual(float, []);
 * ```
 *
 * @module
 */

// The job.
export { type JobEvents, type JobPhase } from "./job/events.ts";
export { type FloatAccuracies, type QatEpoch, runQat } from "./job/qat.ts";
export { type QatOptions } from "./job/options.ts";
export { createProgress, type Progress, type ProgressOptions } from "./cli/progress.ts";

// The engine.
export {
  type BackendOptions,
  chooseDevice,
  type Device,
  type DeviceChoice,
  OnnxRuntimeBackend,
  registerBackend,
} from "./src/backend/mod.ts";
export { type BackendName, selectBackend, type SelectOptions } from "./src/backend/select.ts";

// Models and data.
export { loadLayersModel, ModelFileError, type ModelSource, saveLayersModel } from "./models/import/layers_model.ts";
export { OutputError, writeFileAtomic } from "./src/io/atomic.ts";
export { ARCHITECTURES, buildArchitecture } from "./models/arch/mod.ts";
export { type Batch, batches, type BatchOptions } from "./data/batches.ts";
export { type DataSplit, type ImageSet, take } from "./data/dataset.ts";
export { generate } from "./data/sources/generated.ts";
export { fitTo } from "./data/fit_to.ts";
export { type Normalize, parseNormalize } from "./data/normalize.ts";
export { openData, type OpenedData, type OpenOptions } from "./data/open.ts";

// Rewriting.
export {
  fixInputShape,
  formatRewrite,
  parseSwap,
  qatRules,
  type Rewrite,
  rewriteModel,
  type Rule,
  type Swap,
  withOutputs,
} from "./src/rewrite/mod.ts";

// Quantization-aware training.
export {
  FakeQuantize,
  FreezableBatchNormalization,
  QuantizedWeights,
  type QuantScheme,
  registerQuantKernels,
  registerQuantLayers,
} from "./src/quant/mod.ts";
export { type PreparedModel, type PrepareOptions, prepareQat } from "./quantize/prepare.ts";
export { calibrate } from "./quantize/calibrate.ts";
export { setQatPhase } from "./quantize/phase.ts";
export { floatSchedule, qatSchedule, type Schedule } from "./train/schedule.ts";
export { cosineRate, optimizerFor } from "./train/optimizers.ts";
export { type Loss, softmaxCrossEntropy } from "./train/losses.ts";
export { accuracy, type Metric, topKAccuracy } from "./train/metrics.ts";
export { type EpochInfo, fit, type FitOptions, type History, type StepInfo } from "./train/fit.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./train/evaluate.ts";

// Export and proof.
export { type OnnxModel, toOnnx, type ToOnnxOptions } from "./export/to_onnx.ts";
export { DeployedModel, type Prediction } from "./export/deployed.ts";
export { type Agreement, compareAnswers, type OutputGrid } from "./export/agreement.ts";
export { compareLatency, type LatencyOptions, type Percentiles } from "./export/latency.ts";
export { type FloatOp, type Fusion, type KnownFloat, verifyFusion, type VerifyOptions } from "./export/verify.ts";
export { predictAll, validate, type ValidateOptions, type Validation } from "./export/validate.ts";
export { printGraph } from "./src/onnx/text.ts";
export { type Report } from "./report/schema.ts";
export { formatReport, type TerminalOptions } from "./report/terminal/terminal.ts";
export { renderHtml } from "./report/html/html.ts";
