/** What rounding does to weights. */
import { channelLayout } from "../src/numbers/channels.ts";
import { noiseOf, sqnrDb } from "../src/numbers/noise.ts";
import { dequantizeLinear, quantizeLinear } from "../src/numbers/quantize.ts";
import type { NamedGrid } from "../src/quant/mod.ts";
import type { WeightFacts } from "./facts.ts";
import type { Part } from "./parts.ts";

/** Describes the weights of a part that stand on grids. */
export function weightFacts({ weights }: Part): readonly WeightFacts[] {
  return (weights?.quantized.readGrids() ?? []).flatMap(({ name, grid, weight }) =>
    weight === undefined ? [] : [factsOf(name, grid, weight)]
  );
}

function factsOf(
  name: string,
  grid: NamedGrid["grid"],
  { shape, read }: NonNullable<NamedGrid["weight"]>,
): WeightFacts {
  const real = read();
  const codes = quantizeLinear(real, grid, { shape });
  const layout = channelLayout(shape, grid);
  const largest = new Float64Array(layout.params.length);
  for (let i = 0; i < real.length; i++) {
    const channel = layout.channelOf(i);
    largest[channel] = Math.max(largest[channel], Math.abs(real[i]));
  }
  const live = largest.filter((magnitude) => magnitude > 0);
  return {
    name,
    sqnrDb: sqnrDb(noiseOf(real, dequantizeLinear(codes, grid, { shape }))),
    magnitudes: { min: Math.min(...largest), max: Math.max(...largest) },
    dead: largest.length - live.length,
    scales: layout.params.length,
    unusedCodes: 1 - new Set<number>(codes).size / (grid.qmax - grid.qmin + 1),
  };
}
