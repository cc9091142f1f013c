/** How many samples of a model calibration looks at together. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Layer, layersIn, quantizedLayer } from "../src/quant/mod.ts";

/** Bytes of values that are computed together: more make nothing faster. */
const PART_BYTES = 2 ** 27;

/** Bytes that an observer on the host takes for one tensor: values touch some thirty octaves of its counts, twice. */
const OBSERVER_BYTES = 2 ** 20;

/** And for one channel, whose values are told apart by fewer bits. */
const CHANNEL_BYTES = 2 ** 14;

/** Values that are alive at once while a model runs, in sizes of the largest. */
const ALIVE = 4;

const FLOAT_BYTES = 4;

/** What calibration will read, and may take. */
export interface MemoryNeeds {
  /** Layers whose inputs are read on the host. */
  readonly read: ReadonlySet<Layer>;
  /** Most bytes there may be. */
  readonly memory: number;
}

/**
 * Returns how many samples are computed together; Infinity where batches may stay as they are given.
 *
 * @throws {RangeError} If one takes more memory than there may be.
 */
export function partSizeOf(model: LayersModel, { read, memory }: MemoryNeeds): number {
  const layers = layersIn(model);
  const sizes = new Map(layers.map((layer) => [layer, valuesInto(layer)]));
  const kept = [...read].reduce((sum, layer) => sum + (sizes.get(layer) ?? 0), 0);
  const bytes = FLOAT_BYTES * (kept + ALIVE * Math.max(...sizes.values()));
  // Shapes that are open until there are values.
  if (Number.isNaN(bytes)) return read.size > 0 ? 1 : Infinity;
  const observers = [...read].reduce((sum, layer) => sum + observersOf(layer), 0);
  const needed = bytes + observers;
  if (needed <= memory) return Math.max(1, Math.floor(Math.min(PART_BYTES, memory - observers) / bytes));
  throw new RangeError(
    `Cannot calibrate model "${model.name}": one sample takes ${megabytes(needed)} for the values of ${read.size} ` +
      `layers and what is kept of them, ${megabytes(memory)} at the most are allowed`,
  );
}

function observersOf(layer: Layer): number {
  const { granularity } = quantizedLayer(layer)?.scheme ?? {};
  if (granularity?.kind !== "per-channel") return OBSERVER_BYTES;
  return CHANNEL_BYTES * ([layer.inboundNodes[0].inputShapes].flat(2).at(granularity.axis) ?? 1);
}

function valuesInto(layer: Layer): number {
  const shapes = layer.inboundNodes.flatMap(({ inputShapes }) =>
    [inputShapes].flat() as (readonly (number | null)[])[]
  );
  return shapes.reduce((sum, shape) => sum + shape.slice(1).reduce<number>((size, dim) => size * (dim ?? NaN), 1), 0);
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
