/** Goes on with a model that was prepared before, such as the qat/model.json of another run. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { quantizedLayer, quantizedLayersIn, setQatPhase } from "../src/quant/mod.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import { describeMetrics, type Job, type JobStart, judge } from "./_job.ts";

/** Whether `model` has fake quantization already. */
export function isPrepared(model: tfl.LayersModel): boolean {
  return quantizedLayersIn(model).some(({ role }) => role !== "batch-norm");
}

/**
 * Takes a prepared model as it is: its grids go on from where they are.
 *
 * @throws {RangeError} If options ask for something that is done before a model is prepared.
 */
export async function resume(model: tfl.LayersModel, job: Job): Promise<JobStart> {
  refuseFloatOptions(job);
  job.log(`"${job.options.model}" is prepared for quantization-aware training already, which goes on.`);
  setQatPhase(model, { fakeQuantizing: false });
  const { metrics: original } = await judge(model, job);
  setQatPhase(model, { fakeQuantizing: true });
  job.log(`Without rounding: ${describeMetrics(original)}.`);
  return { prepared: adopt(model), float: { original }, rewrites: [] };
}

/** What was known of units and islands when the model was prepared is not in its file. */
function adopt(model: tfl.LayersModel): PreparedModel {
  const quantizers = model.layers.filter((layer) => quantizedLayer(layer)?.role === "activations").map((layer) => ({
    name: layer.name,
    of: layer.inboundNodes[0].inboundLayers[0].name,
    nonNegative: layer.getConfig().nonNegative === true,
  }));
  return { model, rewrites: [], units: [], ungrouped: [], islands: [], quantizers };
}

function refuseFloatOptions({ options }: Job): void {
  const { model, keepFloat, floatEpochs, perChannel } = options;
  const asked = keepFloat.length > 0 ? "--keep-float" : floatEpochs > 0 ? "--float-epochs" : "--per-tensor";
  if (keepFloat.length === 0 && floatEpochs === 0 && perChannel) return;
  throw new RangeError(
    `Cannot use ${asked} with "${model}": it is prepared for quantization-aware training already, ` +
      `a float model is needed`,
  );
}
