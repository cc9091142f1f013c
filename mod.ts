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
 * const model = buildArchitecture("cifar_cnn", { inputShape: [32, 32, 3], outputs: 10, seed: 0 });
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
 * Parts that stand alone have paths of their own: `@tfjs-qat/tfjs-qat/backend` is the engine, `…/onnx` ONNX as plain
 * data, `…/quant` fake quantization in TF.js.
 *
 * @module
 */

// The jobs: what they are told and what they tell.
export * from "./job/mod.ts";

// What files answer to pictures.
export * from "./predict/mod.ts";

// The engine: TF.js on ONNX Runtime.
export {
  BACKEND_NAMES,
  type BackendName,
  type BackendOptions,
  type BackendStats,
  chooseDevice,
  type Device,
  type DeviceChoice,
  DEVICES,
  type EngineHistory,
  OnnxRuntimeBackend,
  type PlanMemory,
  type PlanStats,
  registerBackend,
  type RepeatedStep,
  selectBackend,
  type SelectOptions,
  type TraceInput,
  type TraceOptions,
} from "./src/backend/mod.ts";
export { type SessionOptions } from "./src/runtime/session.ts";

// Models: files, and the built-in architectures.
export * from "./models/import/mod.ts";
export * from "./models/transfer/mod.ts";
export { OutputError, writeFileAtomic } from "./src/io/atomic.ts";
export {
  type AnchorOptions,
  type Anchors,
  type BoxSize,
  findAnchors,
  meanOverlap,
  PUBLISHED_ANCHORS,
} from "./models/anchors.ts";
export { type Detection, DETECTION_KINDS, type DetectionKind, detectionOf } from "./models/detection.ts";
export {
  ARCH_NAMES,
  type ArchEnd,
  type Architecture,
  ARCHITECTURES,
  type ArchName,
  type ArchOptions,
  BERT_BASE,
  buildArchitecture,
  type HeadOptions,
  type Published,
  type SampleKind,
  SMALL_TRANSFORMER,
  transformer,
  type TransformerOptions,
  type TransformerSize,
  type Vocabulary,
} from "./models/arch/mod.ts";
export * from "./src/channels/mod.ts";
export * from "./src/grouped/mod.ts";
export * from "./src/operations/mod.ts";
export * from "./src/sequences/mod.ts";

// Data: sets by name, own ones, and batches of them.
export { type BadImage } from "./data/sources/folder.ts";
export { type Augment, type Batch, batches, type BatchOptions, type Colour } from "./data/batches.ts";
export { type DataSplit, type ImageSet, imageSet, type ImageShape, type Parts, take } from "./data/dataset.ts";
export { generate, type GeneratedOptions } from "./data/sources/generated.ts";
export { generateShapes, type ShapesToFindOptions } from "./data/sources/shapes_to_find.ts";
export {
  BOX_NUMBERS,
  type Boxes,
  type Columns,
  type Masks,
  type Pictures,
  type Points,
  type SampleInput,
  type SampleSet,
  samplesOf,
  type SampleSplit,
  type SampleTarget,
  type Series,
  type Tokens,
} from "./data/samples.ts";
export { generateBrackets, generateSorting, type SequenceOptions } from "./data/sources/sequences.ts";
export { splitValidation, type ValidationOptions, type ValidationSplit } from "./data/validation.ts";
export { fitTo } from "./data/fit_to.ts";
export { type Normalize, parseNormalize } from "./data/normalize.ts";
export { type CacheOptions, DATA_FORMS, openData, type OpenedData, type OpenOptions } from "./data/open.ts";

// Tasks: what is learned and how it is judged; answers: what models say, wherever they run.
export { type Answer, type Answers, type Digest } from "./models/answers.ts";
export { AnswersJoin, joinAnswers, type Keeping } from "./models/join_answers.ts";
export { type InputShapes, type InputValues, type Port } from "./models/ports.ts";
export {
  type BoundMetric,
  type BoundTask,
  type ComparedMetric,
  type CutActivation,
  type DrawMeasure,
  formatMetric,
  type Head,
  type Judged,
  type JudgedAll,
  type Loss,
  type LossInput,
  measureAll,
  type Metric,
  type MetricInfo,
  type MetricValue,
  type Running,
  type Shown,
  type Targets,
  type TargetSpec,
  type TargetValues,
  type Task,
  type TaskAgreement,
} from "./tasks/task.ts";
export type * from "./tasks/section.ts";
export type { AppendBoxesOptions, BoxGrid, SuppressOptions } from "./src/passes/deploy/append_boxes.ts";
export type * from "./tasks/settings.ts";
export { type BindOptions, bindTasks, type Learning } from "./tasks/bind.ts";
export { type OutputOptions, type OutputTask, outputTask } from "./tasks/output_task.ts";
export {
  compareModels,
  type CompareOptions,
  type ConfidenceInterval,
  type MeasuredAnswers,
  type MetricChange,
  type Uncertainty,
} from "./tasks/uncertainty/mod.ts";
export { meanSquaredError } from "./tasks/loss.ts";
export * from "./tasks/mod.ts";
export { type CheckedRow, type TargetKind, type TargetOf, type TaskRow, type TrainingDefaults } from "./tasks/row.ts";

// Rewriting: models as graphs, and rules over them.
export {
  ConstantValue,
  type ConstantValueArgs,
  fixInputShape,
  formatRewrite,
  type LayerConfig,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
  parseSwap,
  qatRules,
  type Rewrite,
  rewriteModel,
  type Rule,
  type RuleResult,
  type Swap,
  SWAP_FROM,
  SWAP_TO,
  swapActivation,
  type SwapFrom,
  type SwapTo,
  unfoldBatchNorms,
  type Unfolded,
  withOutputs,
} from "./src/rewrite/mod.ts";

// Numbers: schemes and grids.
export {
  CODE_TYPES,
  type CodeRange,
  type CodeType,
  type Granularity,
  type Grid,
  INT8_SYMMETRIC,
  INT8_SYMMETRIC_PER_CHANNEL,
  type Interval,
  type ObserverName,
  OBSERVERS,
  PER_TENSOR,
  perChannel,
  type PerSlice,
  type QParams,
  type QuantScheme,
  type Range,
  UINT8_AFFINE,
  WEIGHT_OBSERVER_NAMES,
  type WeightObserverName,
} from "./src/quant/mod.ts";

// Quantized layers.
export {
  type Alone,
  type BiasFolding,
  CALL_AT,
  type Callable,
  type CallArgs,
  FakeQuantize,
  type FakeQuantizeArgs,
  FreezableBatchNormalization,
  type FreezableBatchNormalizationArgs,
  type Layer,
  type LayerArgs,
  type NamedGrid,
  type QatPhase,
  QUANTIZED,
  type QuantizedLayer,
  quantizedLayer,
  QuantizedLayerError,
  type QuantizedWeight,
  QuantizedWeights,
  type QuantizedWeightsArgs,
  registerQuantKernels,
  registerQuantLayers,
  setQatPhase,
  type Shapes,
} from "./src/quant/mod.ts";

// Quantization: targets, recipes and the record of what they came to.
export {
  FILE_FORMS,
  type FileForm,
  type Method,
  PTQ_METHODS,
  type PtqMethod,
  type Role,
  type Target,
  type TargetFile,
} from "./quantize/target.ts";
export { targetOf, TARGETS } from "./quantize/targets/mod.ts";
export {
  keepFloat,
  type LayerMatch,
  type LayerSettings,
  loadRecipe,
  PER_CHANNEL_WEIGHTS,
  PER_TENSOR_WEIGHTS,
  readRecipe,
  type Recipe,
  type RecipeRule,
  type SchemeChoice,
  type WeightsChoice,
} from "./quantize/recipe.ts";
export { presetOf, PRESETS } from "./quantize/presets/mod.ts";
export { type Choice } from "./quantize/resolve.ts";
export { type PlacedQuantizer, type QuantizationRecord, recordOf, type ResolvedLayer } from "./quantize/record.ts";

// Quantization: placing quantizers and finding their ranges.
export { type PreparedModel, type PrepareOptions, prepareQat } from "./quantize/prepare.ts";
export { adoptPrepared } from "./quantize/adopt.ts";
export { type OnGrids, prepareOnGrids } from "./quantize/on_grids.ts";
export { type FloatModel, floatModelOf, type OwnLayer } from "./quantize/float_model.ts";
export { registerLayers } from "./layers.ts";
export { type Island, type Quantizer } from "./quantize/placement.ts";
export { type LayerKind, type LayerRule } from "./src/layers/mod.ts";
export { type Declined } from "./src/passes/pass.ts";
export { type Ungrouped, type Unit } from "./src/rewrite/mod.ts";
export { chooseObserver, type ChooseObserverOptions, type ObserverTrial } from "./quantize/methods/choose_observer.ts";
export { calibrate, type CalibrateOptions, type CalibrationBatch, type NamedBatch } from "./quantize/calibrate.ts";

// Quantization: steps without training.
export { type OptionOf, type StepName, type StepOptions, STEPS } from "./quantize/methods/mod.ts";
export type * from "./quantize/methods/step.ts";

// Training: schedules and optimizers.
export {
  floatSchedule,
  type Phase,
  qatSchedule,
  type QatScheduleOptions,
  type Schedule,
  type StepPosition,
} from "./train/schedule.ts";
export {
  cosineRate,
  type CurveOptions,
  type LearningRate,
  RATE_CURVES,
  type RateCurve,
  rateFor,
} from "./train/learning_rate.ts";
export { optimizerFor, type OptimizerOptions } from "./train/optimizers.ts";
export { type UpdateOptions } from "./train/updates.ts";
export {
  type EpochInfo,
  type EpochRecord,
  fit,
  type FitOptions,
  type History,
  type Reading,
  type SampleBatch,
  type StepInfo,
} from "./train/fit.ts";
export {
  CheckpointError,
  type CheckpointOptions,
  type CheckpointPlace,
  type CheckpointWritten,
} from "./train/checkpoint.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./train/evaluate.ts";

// Export and proof.
export {
  type FormOptions,
  type OnnxModel,
  type Ports,
  type Precision,
  PRECISIONS,
  toOnnx,
  type ToOnnxOptions,
} from "./export/to_onnx.ts";
export { toOrt } from "./export/to_ort.ts";
export { DeployedModel, type Samples, type SampleValues } from "./export/deployed.ts";
export { type Pixels } from "./src/passes/deploy/mod.ts";
export {
  type Agreement,
  compareAnswers,
  type Compared,
  type GridAgreement,
  type OutputAgreement,
} from "./export/agreement.ts";
export { compareLatency, type LatencyComparison, type LatencyOptions, type Percentiles } from "./export/latency.ts";
export type { Work } from "./export/work.ts";
export {
  type FloatOp,
  type FusedNode,
  type Fusion,
  type KnownFloat,
  verifyFusion,
  type VerifyOptions,
} from "./export/verify.ts";
export { type LastGrids, lastGridsOf } from "./export/last_grids.ts";
export * from "./debug/mod.ts";
export { keepInFloat } from "./quantize/keep_float.ts";
export { type LastGridsProof, predictAll, validate, type ValidateOptions, type Validation } from "./export/validate.ts";

// ONNX as plain data; the rest of it is at "@tfjs-qat/tfjs-qat/onnx".
export {
  type Attr,
  type AttrKind,
  type Attrs,
  type Dim,
  type DType,
  type Graph,
  type Node,
  printGraph,
  type Tensor,
  type TypedArray,
  type ValueType,
} from "./src/onnx/mod.ts";

// Reports.
export * from "./report/mod.ts";
export { type Codes, type LayerSummary, type ModelSummary, summarize } from "./models/summary.ts";
