/** What a training is made of, and what it is refused for, before its first step. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type * as tf from "@tensorflow/tfjs-core";
import { type InputShapes, outputPorts } from "../models/ports.ts";
import { uncalibratedIn } from "../quantize/calibrate.ts";
import { layersIn, quantizedLayer } from "../src/quant/mod.ts";
import { bindTasks, type Learning } from "../tasks/bind.ts";
import { defaultTask } from "../tasks/mod.ts";
import type { BoundTask } from "../tasks/task.ts";
import { planBatches } from "./_batch.ts";
import { planUpdates } from "./_minimize.ts";
import { isRepeatable } from "./_repeatable.ts";
import { type StepPlan, trainableVariables } from "./_step.ts";
import type { WeightAverage } from "./_weight_average.ts";
import { lossView } from "./loss_view.ts";
import type { Phase } from "./schedule.ts";
import { checkUpdates, type UpdateOptions } from "./updates.ts";

/** What is asked of a training before it begins. */
interface Asked extends Learning, UpdateOptions {
  readonly optimizer: tf.Optimizer;
  readonly inputShape?: InputShapes;
}

/** Numbers of a training. */
interface Counts extends UpdateOptions {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly patience?: number;
}

/**
 * Checks the numbers of the options.
 *
 * @throws {RangeError} If one is out of range.
 */
export function checkCounts(
  model: tfl.LayersModel,
  { epochs, stepsPerEpoch, patience = 1, ...updates }: Counts,
): void {
  checkUpdates(updates, `Cannot train "${model.name}"`);
  for (const [name, count] of Object.entries({ epochs, stepsPerEpoch, patience })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new RangeError(`Cannot train "${model.name}": ${name} is ${count}, needed is a positive integer`);
  }
}

/** Binds the task to the model, and puts together what steps need. */
export function planSteps(
  model: tfl.LayersModel,
  { optimizer, task, loss, leave, inputShape, ...updates }: Asked,
  average: WeightAverage | undefined,
): { readonly task: BoundTask; readonly plan: StepPlan } {
  const learning = { task: task ?? (loss === undefined ? defaultTask() : []), loss, leave };
  const bound = bindTasks(learning, { outputs: outputPorts(model), model: model.name });
  const view = lossView(model, bound.heads);
  const variables = trainableVariables(view);
  if (variables.length === 0) {
    throw new TypeError(`Cannot train "${model.name}": it has no trainable weights, at least 1 is needed`);
  }
  const batches = planBatches(model, { task: bound, inputShape, doing: `train "${model.name}"` });
  const plan = {
    view,
    variables,
    batches,
    optimizer,
    updates: planUpdates(updates, { view, optimizer, average }),
    isRepeatable: isRepeatable(view, { optimizer, heads: Object.values(bound.heads) }),
  };
  return { task: bound, plan };
}

/**
 * Checks that ranges are known where values are to be rounded.
 *
 * @throws {Error} If one is neither calibrated nor observed.
 */
export function refuseUncalibrated(model: tfl.LayersModel, { observing, fakeQuantizing }: Phase): void {
  if (!fakeQuantizing) return;
  const waits = (layer: tfl.layers.Layer) => !observing || quantizedLayer(layer)?.onlyCalibrated === true;
  const unknown = new Set(uncalibratedIn(model));
  const [first, ...rest] = layersIn(model).filter((layer) => unknown.has(layer.name) && waits(layer)).map(({ name }) =>
    name
  );
  if (first === undefined) return;
  const what = rest.length === 0 ? `"${first}"` : `"${first}" and ${rest.length} more`;
  throw new Error(
    `Cannot train "${model.name}": the range of ${what} is unknown and training does not observe it, ` +
      `calibration or a schedule that observes first is needed`,
  );
}
