/** Switches what a prepared model does while it trains. */
import * as tfl from "@tensorflow/tfjs-layers";
import { FakeQuantize, FreezableBatchNormalization, QuantizedWeights } from "../src/quant/mod.ts";

/** What is active; whatever is left out stays as it is. */
export interface QatPhase {
  /** Whether training steps update the ranges of activations and the scales of weights. */
  readonly observing?: boolean;
  /** Whether activations and weights are rounded to their grids. */
  readonly fakeQuantizing?: boolean;
  /** Whether BatchNormalization uses and updates the statistics of the batch. */
  readonly trainingBatchNorm?: boolean;
  /** Whether inference updates the ranges of activations too. */
  readonly calibrating?: boolean;
}

/**
 * Sets the phase of every quantization layer of `model`, nested models included.
 *
 * Inference never observes, unless calibrating, and always uses BatchNormalization's moving statistics.
 */
export function setQatPhase(model: tfl.LayersModel, phase: QatPhase): void {
  for (const layer of layersIn(model)) {
    if (layer instanceof FakeQuantize) {
      layer.observing = phase.observing ?? layer.observing;
      layer.enabled = phase.fakeQuantizing ?? layer.enabled;
      layer.calibrating = phase.calibrating ?? layer.calibrating;
    } else if (layer instanceof QuantizedWeights) {
      layer.observing = phase.observing ?? layer.observing;
      layer.enabled = phase.fakeQuantizing ?? layer.enabled;
    } else if (layer instanceof FreezableBatchNormalization) {
      layer.frozen = phase.trainingBatchNorm === undefined ? layer.frozen : !phase.trainingBatchNorm;
    }
  }
}

/** Lists the layers of `model`, those of nested models in place of the models. */
export function layersIn(model: tfl.LayersModel): readonly tfl.layers.Layer[] {
  return model.layers.flatMap((layer) => layer instanceof tfl.LayersModel ? layersIn(layer) : [layer]);
}
