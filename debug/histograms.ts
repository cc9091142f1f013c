/** Where the values of a few outputs lie, to be drawn beside their grids. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { NamedBatch } from "../quantize/calibrate.ts";
import type { Histogram, PartFacts } from "./facts.ts";
import { partsOf, withParts } from "./parts.ts";
import { runOf } from "./run.ts";

/** Bins of a histogram. */
const BINS = 80;

/**
 * Counts the values of the float model at the outputs of `facts`, over the range that was measured there.
 *
 * @param facts Parts as `measureParts` found them on the same batches; those without an output on a grid are left out.
 */
export async function histogramsOf(
  model: tfl.LayersModel,
  { facts, batches }: { readonly facts: readonly PartFacts[]; readonly batches: () => Iterable<NamedBatch> },
): Promise<readonly Histogram[]> {
  const parts = partsOf(model);
  const taps = facts.flatMap(({ layer, output }) => {
    const value = parts.find((part) => part.layer === layer)?.output?.value;
    return output === undefined || value === undefined ? [] : [{ layer, value, range: output.range }];
  });
  if (taps.length === 0) return [];
  const counts = taps.map(() => new Array<number>(BINS).fill(0));
  const run = runOf(model, taps.map(({ value }) => value));
  for (const batch of batches()) {
    const values = await withParts(parts, { isOn: () => false, work: () => run(batch) });
    taps.forEach(({ range: { min, max } }, i) => {
      const width = (max - min) / BINS || 1;
      for (const value of values[i]) counts[i][Math.min(BINS - 1, Math.max(0, Math.floor((value - min) / width)))]++;
    });
  }
  return taps.map(({ layer, range }, i) => ({ layer, range, counts: counts[i] }));
}
