/**
 * Layers of this project, for programs that load models which have some: `qat/model.json` of a job, and `float/model.json`
 * where the job says so.
 *
 * @module
 */
import { registerChannelLayers } from "./src/channels/mod.ts";
import { registerGroupedLayers } from "./src/grouped/mod.ts";
import { registerOperations } from "./src/operations/mod.ts";
import { registerQuantKernels, registerQuantLayers } from "./src/quant/mod.ts";
import { registerRecurrentCells } from "./src/recurrent/reset_after.ts";
import { registerConstantValue } from "./src/rewrite/mod.ts";
import { registerSequenceLayers } from "./src/sequences/mod.ts";

/** Registers with TF.js all layers of this project and the kernels that they run on. Again is harmless. */
export function registerLayers(): void {
  registerQuantKernels();
  registerQuantLayers();
  registerConstantValue();
  registerChannelLayers();
  registerGroupedLayers();
  registerOperations();
  registerSequenceLayers();
  registerRecurrentCells();
}
