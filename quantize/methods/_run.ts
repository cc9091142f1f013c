/** Runs models on the calibration samples, and looks at what their layers read and give. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { InputValues } from "../../models/ports.ts";
import { makeYield } from "../../src/events.ts";
import { CALL_AT, type Callable, type Layer } from "../../src/quant/mod.ts";
import { shadow } from "../../src/shadow.ts";
import { partsOf } from "../_calibration_batches.ts";
import { partSizeOf } from "../_calibration_memory.ts";
import type { NamedBatch } from "../calibrate.ts";
import type { StepContext } from "./step.ts";

/** What is looked at whenever a layer is called, by the further calls of a shared layer too. */
export interface Tap {
  readonly layer: Layer;
  /**
   * Measures a call. Within the call: it returns tensors, of which none is read yet.
   *
   * @param y What the layer gives.
   * @param x The first value that it reads.
   */
  look(y: tf.Tensor, x: tf.Tensor): Look;
  /** Takes what was measured in a call, once the model has run. */
  take(measured: Float32Array): void;
}

/** What a tap makes of a call. */
export interface Look {
  readonly measured: tf.Tensor;
  /** What the layer gives instead, if it is to. */
  readonly instead?: tf.Tensor;
}

/** Where to stop before the samples end: after as many batches, or with the batch that reaches as many samples. */
export interface Until {
  readonly batches?: number;
  readonly samples?: number;
}

/** Calls `run` with every batch of the samples, or with the first ones, and tells how far it is. */
export async function forEachBatch(
  context: Omit<StepContext, "target" | "seed">,
  run: (batch: NamedBatch) => void,
  { batches = Infinity, samples = Infinity }: Until = {},
): Promise<void> {
  const pause = makeYield();
  let [count, done] = [0, 0];
  for await (const batch of context.batches()) {
    await pause();
    context.signal?.throwIfAborted();
    run(batch);
    done += batch.size;
    context.onProgress?.(done, Math.min(context.samples, samples));
    if (++count >= batches || done >= samples) return;
  }
}

/** The same samples, of which no progress is told. */
export function silent({ onProgress: _, ...context }: StepContext): StepContext {
  return context;
}

/** Runs `model` on a batch, with `taps`, and returns its answers. */
export function runBatch(model: LayersModel, batch: NamedBatch, taps: readonly Tap[] = []): readonly Float32Array[] {
  const kept: { readonly tap: Tap; readonly measured: tf.Tensor }[] = [];
  using shadows = new DisposableStack();
  for (const tap of taps) {
    shadows.defer(around(tap.layer, (inputs, given) => {
      const [[x], [y]] = [[inputs].flat(), [given].flat()];
      const { measured, instead } = tap.look(y, x);
      kept.push({ tap, measured: tf.keep(measured) });
      return instead ?? given;
    }));
  }
  try {
    const values: Float32Array[] = [];
    tf.tidy(() => {
      const answers = [model.predictOnBatch(toTensors(model, batch))].flat();
      // Read at the end: a recording backend runs all that there is by then as one graph.
      for (const { tap, measured } of kept) tap.take(Float32Array.from(measured.dataSync()));
      // Not handed out of the scope, which would look for tensors among the elements, one by one.
      for (const answer of answers) values.push(Float32Array.from(answer.dataSync()));
    });
    return values;
  } finally {
    tf.dispose(kept.map(({ measured }) => measured));
  }
}

type Values = tf.Tensor | tf.Tensor[];

/** Lets `see` look at what a layer reads and gives, and give something else. */
function around(layer: Layer, see: (inputs: Values, given: Values) => Values): () => void {
  return isCallable(layer)
    ? shadow(layer, CALL_AT, (next, site, inputs, kwargs) => see(inputs, next(site, inputs, kwargs)))
    : shadow(layer, "call", (next, inputs, kwargs) => see(inputs, next(inputs, kwargs)));
}

function isCallable(layer: Layer): layer is Callable {
  return CALL_AT in layer;
}

/** Reduces a value to one number a channel, its last axis. */
export function perChannel(x: tf.Tensor, reduce: (x: tf.Tensor, axes: number[]) => tf.Tensor): tf.Tensor {
  return reduce(x, Array.from({ length: x.rank - 1 }, (_, axis) => axis));
}

/**
 * Says how far the answers of two models that should answer alike are apart on the first batch: the root mean square of
 * the difference over that of the first model's answers, of the output where it is largest.
 */
export async function howFarApart(a: LayersModel, b: LayersModel, context: StepContext): Promise<string> {
  let apart = 0;
  await forEachBatch(inParts(silent(context), a), (batch) => {
    const [before, after] = [a, b].map((model) => runBatch(model, batch));
    apart = Math.max(...before.map((answer, i) => distance(answer, after[i])));
  }, { batches: 1 });
  return `the float model's answers differ by ${Number((100 * apart).toPrecision(2))} % of their size`;
}

function distance(a: Float32Array, b: Float32Array): number {
  const size = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
  const difference = Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0));
  return difference === 0 ? 0 : difference / size;
}

/** The same samples, in batches of which a model's values take no more memory than makes it faster. */
export function inParts<Context extends Pick<StepContext, "batches">>(context: Context, model: LayersModel): Context {
  const most = partSizeOf(model, { read: new Set(), memory: Infinity });
  return {
    ...context,
    batches: async function* () {
      for await (const batch of context.batches()) yield* parted(batch, most);
    },
  };
}

function parted({ inputs, size }: NamedBatch, most: number): readonly NamedBatch[] {
  const count = partCount(size, most);
  return Array.from({ length: count }, (_, part) => {
    const [first, end] = [part, part + 1].map((at) => Math.round(at * size / count));
    const cut = ([name, values]: [string, InputValues]) =>
      [name, values.subarray(first * values.length / size, end * values.length / size)] as const;
    return { inputs: Object.fromEntries(Object.entries(inputs).map(cut)), size: end - first };
  });
}

/** Parts of one size where there are such that are not small: an engine that compiles graphs keeps one for each shape. */
function partCount(size: number, most: number): number {
  const needed = Math.max(1, Math.ceil(size / most));
  const counts = Array.from({ length: Math.floor(needed / 2) + 1 }, (_, more) => needed + more);
  return counts.find((count) => size % count === 0) ?? needed;
}

/** Makes tensors of a batch, in the order of the model's inputs. */
export function toTensors(model: LayersModel, batch: NamedBatch): tf.Tensor[] {
  return partsOf(model, batch, { number: 1, most: Infinity, partSize: Infinity })[0].tensors();
}
