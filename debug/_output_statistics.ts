/** What is seen of a part's output: where its values lie, how many leave its grid, which codes they get. */
import type { Range } from "../src/numbers/qparams.ts";
import { unclampedCode } from "../src/numbers/quantize.ts";
import type { Grid } from "../src/numbers/scheme.ts";
import type { ChannelFacts, OutputFacts } from "./facts.ts";

/** Adds up what is seen of an output, channel by channel; channels are the last axis. */
export class OutputStatistics {
  readonly #grid: Grid;
  readonly #real: Range<Float64Array>;
  readonly #codes: Range<Float64Array>;
  readonly #counts: Float64Array;
  #seen = 0;
  #saturated = 0;

  /** @param channels Size of the last axis. */
  constructor(channels: number, grid: Grid) {
    this.#grid = grid;
    this.#real = emptyRanges(channels);
    this.#codes = emptyRanges(channels);
    this.#counts = new Float64Array(grid.qmax - grid.qmin + 1);
  }

  /** Takes values of the float model, and those on the grid that the quantized model gives. */
  add(real: Float32Array, rounded: Float32Array): void {
    const { qmin, qmax } = this.#grid;
    const channels = this.#real.min.length;
    for (let i = 0; i < real.length; i++) {
      const channel = i % channels;
      const code = unclampedCode(real[i], this.#grid);
      if (code < qmin || code > qmax) this.#saturated++;
      widen(this.#real, channel, real[i]);
      const own = unclampedCode(rounded[i], this.#grid);
      widen(this.#codes, channel, own);
      this.#counts[own - qmin]++;
    }
    this.#seen += real.length;
  }

  /** What was seen. */
  facts(): OutputFacts {
    const { qmin, qmax, scale, zeroPoint } = this.#grid;
    const channels = Array.from(this.#real.min, (min, i): ChannelFacts => ({
      min,
      max: this.#real.max[i],
      state: min === this.#real.max[i] ? "dead" : this.#codes.min[i] === this.#codes.max[i] ? "lost" : "live",
    }));
    return {
      range: { min: Math.min(...channels.map(({ min }) => min)), max: Math.max(...channels.map(({ max }) => max)) },
      grid: { min: (qmin - zeroPoint) * scale, max: (qmax - zeroPoint) * scale, scale },
      saturated: this.#saturated / this.#seen,
      unusedCodes: this.#counts.filter((count) => count === 0).length / this.#counts.length,
      channels,
    };
  }
}

function emptyRanges(channels: number): Range<Float64Array> {
  return { min: new Float64Array(channels).fill(Infinity), max: new Float64Array(channels).fill(-Infinity) };
}

function widen({ min, max }: Range<Float64Array>, channel: number, value: number): void {
  if (value < min[channel]) min[channel] = value;
  if (value > max[channel]) max[channel] = value;
}
