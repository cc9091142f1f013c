/** What a layer reads in the quantized model and should answer by the float one, kept for some of the samples. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import type { NamedBatch } from "../calibrate.ts";
import type { WeightedLayer } from "./_call_sites.ts";
import { toTensors } from "./_run.ts";
import type { StepContext } from "./step.ts";

/** Values of one call of a layer, sample after sample. */
export interface SiteSamples {
  readonly inputs: Values;
  /** What it should answer, batch norm and ReLU behind it included. */
  readonly targets: Values;
}

/** As many values of one shape as there are samples. */
export interface Values {
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** How samples are drawn. */
export interface Drawing {
  readonly model: tfl.LayersModel;
  /** The float model, with layers of the same names. */
  readonly float: tfl.LayersModel;
  readonly context: StepContext;
  /** The most samples to keep. */
  readonly most: number;
  /** The most bytes that they may take. */
  readonly bytes: number;
  /** What their number is a multiple of, where there are as many. */
  readonly multipleOf: number;
}

/** Says how many bytes a sample takes of what `layer` reads and answers. */
export function bytesOfSample({ sites }: WeightedLayer): number {
  const sizes = sites.flatMap(({ layers, input }) => [input.shape, layers[layers.length - 1].outputShape as tfl.Shape]);
  return sizes.reduce((sum, shape) => sum + 4 * sizeOf(shape.slice(1)), 0);
}

/** Says how many samples of `layer` are kept. */
export function samplesKept(layer: WeightedLayer, { context, most, bytes, multipleOf }: Drawing): number {
  const count = Math.min(most, context.samples, Math.floor(bytes / bytesOfSample(layer)));
  return count < multipleOf ? count : count - count % multipleOf;
}

/**
 * Runs both models on the calibration samples and keeps what concerns `layer`: of samples drawn at random where there is
 * not room for all.
 *
 * @returns Samples of each of its calls.
 */
export async function drawSamples(layer: WeightedLayer, drawing: Drawing): Promise<readonly SiteSamples[]> {
  const { model, float, context } = drawing;
  const drawn = chosen(context, samplesKept(layer, drawing));
  const inputs = keeper(model, layer.sites.map(({ input }) => input), drawn);
  const targets = keeper(
    float,
    layer.sites.map(({ layers }) => outputOf(float, layers[layers.length - 1].name)),
    drawn,
  );
  let at = 0;
  for await (const batch of context.batches()) {
    context.signal?.throwIfAborted();
    const rows = Array.from({ length: batch.size }, (_, row) => row).filter((row) => drawn.has(at + row));
    if (rows.length > 0) { for (const keep of [inputs, targets]) keep.take(batch, rows); }
    at += batch.size;
  }
  const [read, wanted] = [inputs.values(), targets.values()];
  return layer.sites.map((_, i) => ({ inputs: read[i], targets: wanted[i] }));
}

function chosen({ samples, seed }: StepContext, count: number): ReadonlySet<number> {
  const all = Array.from({ length: samples }, (_, i) => i);
  return new Set(new Random(seed).shuffle(all).slice(0, count));
}

/** Keeps rows of values of a model. */
interface Keeper {
  take(batch: NamedBatch, rows: readonly number[]): void;
  values(): readonly Values[];
}

function keeper(model: tfl.LayersModel, wanted: tfl.SymbolicTensor[], { size }: ReadonlySet<number>): Keeper {
  const part = tfl.model({ inputs: model.inputs, outputs: wanted, name: `${model.name}_part` });
  const kept = wanted.map(({ shape }) => ({
    shape: shape.slice(1).map((dim) => dim ?? 0),
    data: new Float32Array(size * sizeOf(shape.slice(1))),
  }));
  let filled = 0;
  return {
    take(batch, rows) {
      tf.tidy(() => {
        const answers = [part.predictOnBatch(toTensors(model, batch))].flat();
        // Not handed out of the scope, which would look for tensors among the elements.
        for (const [i, { shape, data }] of kept.entries()) {
          const values = answers[i].dataSync();
          const length = sizeOf(shape);
          rows.forEach((row, k) => data.set(values.subarray(row * length, (row + 1) * length), (filled + k) * length));
        }
      });
      filled += rows.length;
    },
    values: () => kept,
  };
}

function outputOf(model: tfl.LayersModel, name: string): tfl.SymbolicTensor {
  return model.getLayer(name).inboundNodes[0].outputTensors[0];
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((size, dim) => size * (dim ?? 1), 1);
}
