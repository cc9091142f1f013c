/** Rows of numbers brought to one size: a quantized model has one grid for all columns of its input. */
import { mapValues, type SampleInput, type SampleSet, type SampleSplit } from "./samples.ts";

/** What makes a column's numbers have mean 0 and deviation 1: x → (x − mean) / std. */
export interface Scaling {
  /** Names of the columns. */
  readonly columns: readonly string[];
  readonly mean: readonly number[];
  /** Greater than 0; 1 of a column that never changes. */
  readonly std: readonly number[];
}

/**
 * Scales the rows of both halves by the means and deviations of the training half. Pictures stay as they are.
 *
 * Rounding: sums in float64, results to float32.
 *
 * @returns The halves, and the scalings by the inputs' names.
 */
export function standardize<T extends SampleSplit>(
  split: T,
): { readonly split: T; readonly scalings: Readonly<Record<string, Scaling>> } {
  const rows = Object.entries(split.train.inputs).filter(([, input]) => input.kind === "rows");
  const scalings = Object.fromEntries(rows.map(([name, input]) => [name, scalingOf(input, split.train.count)]));
  const scaled = (set: SampleSet): SampleSet => ({
    ...set,
    inputs: mapValues(set.inputs, (input, name) => scalings[name] === undefined ? input : scale(input, scalings[name])),
  });
  return { split: { ...split, train: scaled(split.train), test: scaled(split.test) }, scalings };
}

function scalingOf(input: SampleInput, count: number): Scaling {
  if (input.kind !== "rows") return { columns: [], mean: [], std: [] };
  const { values, names } = input;
  const width = names.length;
  const columnOf = (column: number) => Array.from({ length: count }, (_, row) => values[row * width + column]);
  const moments = names.map((_, column) => {
    const numbers = columnOf(column);
    const mean = numbers.reduce((sum, x) => sum + x, 0) / count;
    const std = Math.sqrt(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count);
    return { mean, std: std > 0 ? std : 1 };
  });
  return { columns: names, mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std) };
}

function scale(input: SampleInput, { mean, std }: Scaling): SampleInput {
  if (input.kind !== "rows") return input;
  const width = mean.length;
  return { ...input, values: input.values.map((x, i) => (x - mean[i % width]) / std[i % width]) };
}
