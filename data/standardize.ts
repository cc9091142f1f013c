/** Rows of numbers brought to one size: a quantized model has one grid for all columns of its input. */
import { isDeepStrictEqual } from "node:util";
import { lookUp } from "../src/text/nearest.ts";
import { mapParts } from "./dataset.ts";
import { mapValues, type SampleInput, type SampleSet, type SampleSplit } from "./samples.ts";

/** What makes a column's numbers have mean 0 and deviation 1: x → (x − mean) / std. */
export interface Scaling {
  /** Names of the columns. */
  readonly columns: readonly string[];
  readonly mean: readonly number[];
  /** Greater than 0; 1 of a column that never changes. */
  readonly std: readonly number[];
}

/** Scalings by the inputs' names. */
export type Scalings = Readonly<Record<string, Scaling>>;

/** Returns what gives the rows of a set means of 0 and deviations of 1. Pictures have none. */
export function scalingsOf({ inputs, count }: SampleSet): Scalings {
  const rows = Object.entries(inputs).filter(([, input]) => input.kind === "rows");
  return Object.fromEntries(rows.map(([name, input]) => [name, scalingOf(input, count)]));
}

/**
 * Scales the rows of all parts that have a scaling.
 *
 * Rounding: in float64, results to float32.
 */
export function scaleRows<T extends SampleSplit>(split: T, scalings: Scalings): T {
  const scaled = (set: SampleSet): SampleSet => ({
    ...set,
    inputs: mapValues(set.inputs, (input, name) => {
      const scaling = lookUp(scalings, name);
      return scaling === undefined ? input : scale(input, scaling);
    }),
  });
  return { ...split, ...mapParts(split, scaled) };
}

/**
 * Reads scalings that were saved with a model.
 *
 * @param saved As parsed from JSON; anything may stand there.
 * @throws {TypeError} If they are none, or of other columns than the rows of `set` have.
 */
export function readScalings(saved: unknown, set: SampleSet): Scalings {
  if (!isRecord(saved)) throw new TypeError(`Cannot scale "${set.name}": the saved scalings are damaged`);
  return mapValues(saved, (scaling, name) => {
    if (!isScaling(scaling)) {
      throw new TypeError(`Cannot scale "${set.name}": the saved scaling of "${name}" is damaged`);
    }
    const input = lookUp(set.inputs, name);
    const columns = input?.kind === "rows" ? input.names : [];
    if (isDeepStrictEqual(columns, scaling.columns)) return scaling;
    throw new TypeError(
      `Cannot scale "${set.name}": its columns are ${columns.join(", ") || "none"}, ` +
        `the model was trained on ${scaling.columns.join(", ")}`,
    );
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScaling(value: unknown): value is Scaling {
  if (!isRecord(value)) return false;
  const { columns, mean, std } = value;
  if (!Array.isArray(columns) || !Array.isArray(mean) || !Array.isArray(std)) return false;
  return columns.length === mean.length && columns.length === std.length &&
    columns.every((name) => typeof name === "string") && mean.every(Number.isFinite) &&
    std.every((value) => Number.isFinite(value) && value > 0);
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
