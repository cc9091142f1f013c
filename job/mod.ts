/** The jobs, each of which is also a command: what they are told and what they tell. */
export { type JobEvents, type JobPhase, type JobWork, type StageName } from "./events.ts";
export { type EpochMetric, type EpochMetrics, RunError, runQat, type StageEpoch } from "./qat.ts";
export { dryRun } from "./dry_run.ts";
export { debugModel, type DebugOptions } from "./debug.ts";
export { type ChooseEvents, type ChooseOptions, chooseQuantization } from "./choose.ts";
export { type QatOptions } from "./options.ts";
export { compareRuns, type CompareRunsOptions } from "./compare.ts";
export { predict, type PredictEvents, type Prediction, type Predictions, type PredictOptions } from "./predict.ts";
export { sweep, type SweepBase, type SweepEvents, type SweepOptions } from "./sweep.ts";
export { type ImportComparison, type ImportedPort, importModel, type ImportReport } from "./import.ts";
export { type ImportModelOptions } from "./import_options.ts";
export { dryRunPtq, runPtq } from "./ptq.ts";
export { type PtqOptions } from "./ptq_options.ts";
export {
  type DataOptions,
  type EngineOptions,
  type FileOptions,
  type ModelOptions,
  type QuantizationOptions,
  type SharedOptions,
} from "./shared_options.ts";
export { TASK_FLAGS, type TaskFlag, type TaskOptions } from "./task_options.ts";
