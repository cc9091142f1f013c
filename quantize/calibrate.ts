/** Finds the ranges of activations without training. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { makeYield } from "../src/events.ts";
import { layersIn, type ObserverName, quantizedLayer } from "../src/quant/mod.ts";
import { Calibration } from "./_calibration.ts";
import { type CalibrationBatch, partsOf, sizeOf } from "./_calibration_batches.ts";

export type { CalibrationBatch, NamedBatch } from "./_calibration_batches.ts";

/** How ranges are found. */
export interface CalibrateOptions {
  /**
   * The observer of all layers, or of the quantizer of a name. Default: the one that each layer names, but min-max for a
   * moving average, which hardly leaves its first batch in as few as calibration takes.
   */
  readonly observer?: ObserverName | ((quantizer: string) => ObserverName);
  /**
   * Whether training goes on from the ranges: layers whose ranges it moves keep to the observer that they name, and
   * batches stay as they are given. Default: false.
   */
  readonly beforeTraining?: boolean;
  /**
   * What is observed: the values of the float model, or those that are computed from quantized ones. Default:
   * "quantized", but "float" where an observer reads values on the host, whose range comes at the end. For these
   * "quantized" goes on from ranges that were found before.
   */
  readonly values?: "float" | "quantized";
  /**
   * Whether ranges are widened at the end so that the middle code stands for 0, but for those that start there, as behind a
   * ReLU. Default: false.
   */
  readonly symmetric?: boolean;
  /** Samples that are looked at, at the most. Default: all. */
  readonly samples?: number;
  /** Samples that there have to be. Default: 1. */
  readonly least?: number;
  /** Most bytes that the values of some samples, and what observers keep of them, may take. Default: 2^30. */
  readonly memory?: number;
  /** Told how many samples are done, every few of them, of how many: `samples`, or as many as are known of. */
  readonly onProgress?: (done: number, of: number) => void;
  /** Ends it early; ranges are then what they were. */
  readonly signal?: AbortSignal;
}

/**
 * Runs inference on `batches` while every quantizer of `model` observes what it sees.
 *
 * Tensors stay the caller's. Batches are taken one after the other, and in parts where their values would take much
 * memory: what is kept does not grow with their number.
 *
 * @returns The number of batches seen.
 * @throws {RangeError} If there are too few samples, a batch is empty or of another shape than the model's inputs, one
 *   sample takes more memory than there may be, or a layer is given values that are not finite; ranges are then what they
 *   were.
 */
export async function calibrate(
  model: LayersModel,
  batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>,
  options: CalibrateOptions = {},
): Promise<number> {
  const run = new Calibration(model, options);
  const { samples = Infinity, least = 1, onProgress, signal } = options;
  const known = Array.isArray(batches) ? Math.min(samples, sumOf(batches)) : samples;
  const pause = makeYield();
  let [count, done] = [0, 0];
  try {
    for await (const batch of batches) {
      count++;
      for (const part of partsOf(model, batch, { number: count, most: samples - done, partSize: run.partSize })) {
        signal?.throwIfAborted();
        run.observe(part, { batch: count, done });
        onProgress?.(done + part.first + part.size, Number.isFinite(known) ? known : done + part.first + part.size);
        await pause();
      }
      done += Math.min(sizeOf(batch), samples - done);
      if (done >= samples) break;
    }
    if (done < least) {
      const there = count === 0 ? "there is no batch" : `there are ${done} samples`;
      throw new RangeError(`Cannot calibrate model "${model.name}": ${there}, at least ${least} are needed`);
    }
    run.end();
    return count;
  } catch (error) {
    run.undo();
    throw error;
  } finally {
    run.dispose();
  }
}

function sumOf(batches: readonly CalibrationBatch[]): number {
  return batches.reduce((sum, batch) => sum + sizeOf(batch), 0);
}

/** Names the layers of `model` whose grids mean nothing yet. */
export function uncalibratedIn(model: LayersModel): readonly string[] {
  return layersIn(model).filter((layer) => quantizedLayer(layer)?.isCalibrated() === false).map(({ name }) => name);
}
