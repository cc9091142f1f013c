/**
 * Finds where a quantized model loses what it loses: by part, alone and with all before it, and what each part does to the
 * model's outputs.
 */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { NamedBatch } from "../quantize/calibrate.ts";
import { NO_NOISE, type Noise, noiseOf, sqnrDb } from "../src/numbers/noise.ts";
import type { Grid } from "../src/numbers/scheme.ts";
import { handleEvents } from "../src/events.ts";
import { type QuantizedLayer, quantizedLayersIn } from "../src/quant/mod.ts";
import { OutputStatistics } from "./_output_statistics.ts";
import { weightFacts } from "./_weights.ts";
import type { OutputFacts, PartFacts } from "./facts.ts";
import { type Part, partsOf, withParts } from "./parts.ts";
import { type Run, runOf, type Values } from "./run.ts";

/** How a model is measured. */
export interface MeasureOptions {
  /** Samples, all of which are looked at; the same at every call. */
  readonly batches: () => Iterable<NamedBatch>;
  /** Told after each part. */
  readonly onPart?: (done: number, of: number) => void;
  /** Ends the work before the next batch. */
  readonly signal?: AbortSignal;
}

/** What was found of a model. */
export interface MeasuredParts {
  readonly parts: readonly PartFacts[];
  /** Of the worst of its outputs, with all parts quantized. */
  readonly outputsDb: number | null;
}

/**
 * Measures a prepared and calibrated model against the float model that it stands for: the same weights, nothing rounded.
 *
 * The model runs two to three times a part over all samples; what is active in it is as before afterwards.
 *
 * @throws {TypeError} If the model is not prepared.
 * @throws {RangeError} If a grid of it means nothing yet, or there are no samples.
 */
export async function measureParts(model: tfl.LayersModel, options: MeasureOptions): Promise<MeasuredParts> {
  if (quantizedLayersIn(model).length === 0) {
    throw new TypeError(`Cannot debug "${model.name}": nothing in it is quantized, a prepared model is needed`);
  }
  const parts = partsOf(model);
  const bench: Bench = { model, parts, run: runOf(model, model.outputs), ...options };
  const outputs = await allQuantized(bench);
  const found: PartFacts[] = [];
  for (const [i, part] of parts.entries()) {
    const place = parts.slice(0, i).filter(({ output }) => output !== undefined).length;
    const inside = part.output && outputs.inside?.map((values) => values[place]);
    found.push(await measurePart(bench, { part, seen: outputs.parts[i], float: outputs.float, inside }));
    options.onPart?.(i + 1, parts.length);
  }
  return { parts: found, outputsDb: outputs.db };
}

interface Bench extends MeasureOptions {
  readonly model: tfl.LayersModel;
  readonly parts: readonly Part[];
  /** Gives what is looked at: the model's outputs, and others before them. */
  readonly run: Run;
}

/** Most numbers of the float model's that are kept rather than computed again for each part: 256 MB. */
const MOST_KEPT = 2 ** 26;

/** What is seen of a part's output while all is quantized. */
interface Seen {
  readonly facts: OutputFacts;
  readonly noise: Noise;
}

interface AllQuantized {
  /** Of each part; undefined where its output is on no grid. */
  readonly parts: readonly (Seen | undefined)[];
  /** What the float model's outputs are, batch by batch. */
  readonly float: readonly Values[];
  /** What each part gives in float, batch by batch, where that is little enough to be kept. */
  readonly inside: readonly Values[] | undefined;
  /** At the model's outputs, the worst. */
  readonly db: number | null;
}

/** Looks at all parts at once, quantized together. */
async function allQuantized(bench: Bench): Promise<AllQuantized> {
  const taps = bench.parts.flatMap(({ output }) => output === undefined ? [] : [output]);
  const values = [...taps.map(({ value }) => value), ...bench.model.outputs];
  const statistics = taps.map(({ value, quantized }) =>
    new OutputStatistics(value.shape.at(-1) ?? 1, gridOf(quantized))
  );
  const noises: Noise[] = values.map(() => NO_NOISE);
  const kept: Values[] = [];
  let numbers = 0;
  await compare({ ...bench, run: runOf(bench.model, values) }, {
    isOn: () => true,
    take: (float, given) => {
      noises.forEach((noise, i) => noises[i] = noiseOf(float[i], given[i], noise));
      statistics.forEach((one, i) => one.add(float[i], given[i]));
      numbers += float.reduce((sum, { length }) => sum + length, 0);
      kept.push(float.map((values, i) => numbers > MOST_KEPT && i < taps.length ? new Float32Array(0) : values));
    },
  });
  const place = new Map(taps.map((tap, i) => [tap, i]));
  return {
    parts: bench.parts.map(({ output }) => {
      const i = output === undefined ? undefined : place.get(output);
      return i === undefined ? undefined : { facts: statistics[i].facts(), noise: noises[i] };
    }),
    float: kept.map((values) => values.slice(taps.length)),
    inside: numbers > MOST_KEPT ? undefined : kept.map((values) => values.slice(0, taps.length)),
    db: worst(noises.slice(taps.length)),
  };
}

/** Looks at one part: quantized alone, and alone in float. */
async function measurePart(
  bench: Bench,
  { part, seen, float, inside }: {
    readonly part: Part;
    readonly seen: Seen | undefined;
    readonly float: readonly Values[];
    readonly inside: readonly Float32Array[] | undefined;
  },
): Promise<PartFacts> {
  const taps = part.output === undefined ? [] : [part.output.value];
  const run = runOf(bench.model, [...taps, ...bench.model.outputs]);
  const known = taps.length === 0 ? float : inside?.map((values, i) => [values, ...float[i]]);
  const one = await noisesOf({ ...bench, run }, { isOn: (other) => other === part, float: known });
  const others = await noisesOf(bench, { isOn: (other) => other !== part, float });
  const weights = weightFacts(part);
  return {
    layer: part.layer,
    className: part.className,
    ...(weights.length === 0 ? {} : { weights }),
    ...(seen === undefined
      ? {}
      : { output: { ...seen.facts, aloneDb: sqnrDb(one[0]), accumulatedDb: sqnrDb(seen.noise) } }),
    sensitivity: { oneDb: worst(one.slice(taps.length)), allButOneDb: worst(others) },
  };
}

/** Returns the noise of each output of a bench's model with some parts quantized. */
async function noisesOf(
  bench: Bench,
  compared: Pick<Comparison, "isOn" | "float">,
): Promise<readonly Noise[]> {
  let noises: readonly Noise[] = [];
  await compare(bench, {
    ...compared,
    take: (float, given) => noises = float.map((real, i) => noiseOf(real, given[i], noises[i])),
  });
  return noises;
}

/** What is compared. */
interface Comparison {
  readonly isOn: (part: Part) => boolean;
  readonly take: (float: Values, given: Values) => void;
  /** What the model gives in float, batch by batch, where that is known. */
  readonly float?: readonly Values[] | undefined;
}

/** Hands out what the bench's model gives in float, and with some parts quantized, batch by batch. */
async function compare(
  { model, parts, run, batches, signal }: Bench,
  { isOn, take, float = [] }: Comparison,
): Promise<void> {
  const runWith = (on: (part: Part) => boolean, batch: NamedBatch) =>
    withParts(parts, { isOn: on, work: () => run(batch) });
  let count = 0;
  for (const [i, batch] of Iterator.from(batches()).map((batch, i) => [i, batch] as const)) {
    await handleEvents();
    signal?.throwIfAborted();
    take(float.at(i) ?? await runWith(() => false, batch), await runWith(isOn, batch));
    count += batch.size;
  }
  if (count === 0) throw new RangeError(`Cannot debug "${model.name}": there are no samples, at least 1 is needed`);
}

/** The least of the outputs' ratios, which may differ in size by orders; null where none has noise. */
function worst(noises: readonly Noise[]): number | null {
  const known = noises.map(sqnrDb).filter((db) => db !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function gridOf(layer: QuantizedLayer): Grid {
  const { scale, zeroPoint, ...grid } = layer.readGrids()[0].grid;
  if (typeof scale === "number" && typeof zeroPoint === "number") return { ...grid, scale, zeroPoint };
  throw new TypeError("Cannot debug an output with several scales: one a tensor is needed");
}
