/** Models from elsewhere. */
export {
  type LoadedLayersModel,
  loadLayersModel,
  ModelFileError,
  type ModelSource,
  saveLayersModel,
} from "./layers_model.ts";
export { type DarknetFiles, loadDarknet } from "./darknet/mod.ts";
export { loadOnnx, type OnnxOptions } from "./onnx/mod.ts";
export { type ImportedFile, type ModelFormat, openModel, type OpenModelOptions } from "./open_model.ts";
export type { Difference, FileGrid, ImportedGrids, ImportFacts, ImportRecord, SourceAnswers } from "./imported.ts";
