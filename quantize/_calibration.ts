/** A calibration that runs: who observes what, and how it all ends. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import {
  type Layer,
  layersIn,
  makeObserver,
  NonFiniteError,
  type ObserverName,
  type QuantizedLayer,
  quantizedLayer,
  QuantizedLayerError,
  setQatPhase,
} from "../src/quant/mod.ts";
import type { Part } from "./_calibration_batches.ts";
import { partSizeOf } from "./_calibration_memory.ts";
import { KeptState } from "./_kept_state.ts";

/** How ranges are found. */
export interface CalibrationOptions {
  readonly observer?: ObserverName | ((quantizer: string) => ObserverName);
  readonly beforeTraining?: boolean;
  readonly values?: "float" | "quantized";
  readonly symmetric?: boolean;
  readonly memory?: number;
}

/** Where some samples come from: their batch, from 1 on, and how many samples there were before it. */
export interface Origin {
  readonly batch: number;
  readonly done: number;
}

/** Any observer on the host looks for values that are not finite. */
const LOOKER: ObserverName = "percentile";

/** Quantizers that observe, from when it is made until its end. */
export class Calibration {
  /** Samples that memory has room for at once. */
  readonly partSize: number;
  readonly #model: LayersModel;
  readonly #layers: readonly QuantizedLayer[];
  readonly #rounding: readonly QuantizedLayer[];
  readonly #hasGraphObservers: boolean;
  readonly #isSymmetric: boolean;
  readonly #before: KeptState;

  /**
   * Starts it.
   *
   * @throws {RangeError} If values would take more memory than they may, or ranges are needed that there are not.
   */
  constructor(model: LayersModel, options: CalibrationOptions) {
    const { memory = 2 ** 30, beforeTraining = false, symmetric = false } = options;
    this.#isSymmetric = symmetric;
    const layers = layersIn(model).flatMap((layer): [Layer, QuantizedLayer][] => {
      const quantized = quantizedLayer(layer);
      return quantized === undefined ? [] : [[layer, quantized]];
    });
    this.#model = model;
    this.#layers = layers.map(([, quantized]) => quantized);
    const observers = new Map(layers.map(([{ name }, layer]) => [layer, observerFor(layer, name, options)]));
    const read = new Set(
      layers.filter(([, quantized]) => readsValues(observers.get(quantized))).map(([layer]) => layer),
    );
    const readsSome = read.size > 0;
    this.#hasGraphObservers = [...observers.values()].some((name) => name !== undefined && !readsValues(name));
    // Where training goes on, a batch is one step of a moving average.
    this.partSize = beforeTraining && !readsSome ? Infinity : partSizeOf(model, { read, memory });
    const { values = readsSome ? "float" : "quantized" } = options;
    if (values === "quantized") refuseUnknown(model, read);
    this.#rounding = this.#layers.filter(({ phase }) => phase.fakeQuantizing);
    this.#before = new KeptState(this.#layers);
    if (values === "float") setQatPhase(model, { fakeQuantizing: false });
    for (const [layer, observer] of observers) layer.setPhase({ calibrating: observer ?? true });
  }

  /**
   * Runs the model on some samples.
   *
   * @throws {RangeError} If a layer is given values that are not finite.
   */
  observe(part: Part, origin: Origin): void {
    try {
      this.#predict(part);
      for (const layer of this.#layers) layer.catchUp?.();
      // Not while values are computed: reading them would cut the graph that a recording backend runs as one.
      if (this.#hasGraphObservers) this.#refuseDamaged();
    } catch (cause) {
      // Some backends refuse to round to a grid that is none.
      const fault = cause instanceof QuantizedLayerError ? cause : damaged(this.#layers);
      throw fault === undefined ? cause : this.#explain(this.#locate(part) ?? fault, { part, origin });
    }
  }

  /**
   * Stops observing; observers on the host set their ranges.
   *
   * @throws {RangeError} If one is too wide for a grid.
   */
  end(): void {
    this.#stop();
    if (this.#isSymmetric) { for (const layer of this.#layers) layer.balanceRange?.(); }
    try {
      this.#refuseDamaged();
    } catch (cause) {
      throw cause instanceof QuantizedLayerError ? this.#explain(cause) : cause;
    }
  }

  /** Stops observing and brings all state back to what it was. */
  undo(): void {
    this.#stop();
    this.#before.restore();
  }

  dispose(): void {
    this.#before.dispose();
  }

  #stop(): void {
    setQatPhase(this.#model, { calibrating: false });
    this.#rounding.forEach((layer) => layer.setPhase({ fakeQuantizing: true }));
  }

  #predict(part: Part): void {
    tf.tidy(() => void this.#model.predictOnBatch(part.tensors()));
  }

  #refuseDamaged(): void {
    const fault = damaged(this.#layers);
    if (fault !== undefined) throw fault;
  }

  /** Finds the first layer and sample whose values are not finite, by looking at the float model's. */
  #locate(part: Part): NonFiniteError | undefined {
    setQatPhase(this.#model, { calibrating: false, fakeQuantizing: false });
    this.#before.restore();
    setQatPhase(this.#model, { calibrating: LOOKER });
    try {
      this.#predict(part);
      for (const layer of this.#layers) layer.catchUp?.();
    } catch (error) {
      if (error instanceof NonFiniteError) return error;
      throw error;
    }
  }

  #explain(fault: QuantizedLayerError, from?: { readonly part: Part; readonly origin: Origin }): RangeError {
    const isLocated = fault instanceof NonFiniteError;
    const given = isLocated ? `${fault.value}` : "numbers too large for a grid";
    const where = from === undefined ? "" : `in batch ${from.origin.batch} `;
    const sample = from !== undefined && isLocated
      ? ` for sample ${from.origin.done + from.part.first + fault.sample + 1}`
      : "";
    return new RangeError(
      `Cannot calibrate model "${this.#model.name}": ${where}the layer "${fault.layer}" is given ${given}${sample}, ` +
        `finite numbers are needed`,
      { cause: fault },
    );
  }
}

function observerFor(layer: QuantizedLayer, name: string, options: CalibrationOptions): ObserverName | undefined {
  const { observer: own, onlyCalibrated = false } = layer;
  const { observer: asked } = options;
  if (own === undefined) return undefined;
  if (asked !== undefined) return typeof asked === "function" ? asked(name) : asked;
  const goesOn = options.beforeTraining === true && !onlyCalibrated;
  return own === "moving-average" && !goesOn ? "min-max" : own;
}

function readsValues(observer: ObserverName | undefined): boolean {
  return observer !== undefined && makeObserver(observer).where === "host";
}

/** Returns the error of the first layer whose grid is none. */
function damaged(layers: readonly QuantizedLayer[]): QuantizedLayerError | undefined {
  try {
    for (const layer of layers) if (layer.isCalibrated()) layer.readGrids();
  } catch (error) {
    if (error instanceof QuantizedLayerError) return error;
    throw error;
  }
}

/** @throws {RangeError} If a layer whose range comes at the end is to round before. */
function refuseUnknown(model: LayersModel, read: ReadonlySet<Layer>): void {
  const unknown = [...read].find((layer) => quantizedLayer(layer)?.isCalibrated() === false);
  if (unknown === undefined) return;
  throw new RangeError(
    `Cannot calibrate model "${model.name}" by quantized values: "${unknown.name}" has no range yet, ` +
      `calibration by float values is needed first`,
  );
}
