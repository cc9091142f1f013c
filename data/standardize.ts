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

/** Returns what gives the rows of a set means of 0 and deviations of 1, over all steps of sequences. Pictures have none. */
export function scalingsOf({ inputs, count }: SampleSet): Scalings {
  const rows = Object.entries(inputs).filter(([, input]) => hasColumns(input));
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

/** Fills what stands behind the ends of sequences with the number that a model leaves out. */
export function fillEnds<T extends SampleSplit>(split: T, padding: number): T {
  const filled = (set: SampleSet): SampleSet => ({
    ...set,
    inputs: mapValues(set.inputs, (input) => {
      if (input.kind !== "series" || input.steps === undefined) return input;
      const { length, names: { length: width }, steps } = input;
      const values = input.values.slice();
      steps.forEach((count, i) => values.fill(padding, (i * length + count) * width, (i + 1) * length * width));
      return { ...input, values, padding };
    }),
  });
  return { ...split, ...mapParts(split, filled) };
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
    const columns = input !== undefined && hasColumns(input) ? input.names : [];
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

/** Whether an input is numbers in columns, a row a sample or several. */
function hasColumns(input: SampleInput): input is Extract<SampleInput, { kind: "rows" | "series" }> {
  return input.kind === "rows" || input.kind === "series";
}

/** The numbers of the rows where they begin, of a sequence those that it has. */
function rowsOf(input: SampleInput & { readonly kind: "rows" | "series" }, count: number): readonly number[] {
  const width = input.names.length;
  if (input.kind === "rows") return Array.from({ length: count }, (_, row) => row * width);
  const { length, steps } = input;
  return Array.from({ length: count }, (_, i) => i).flatMap((i) =>
    Array.from({ length: steps?.[i] ?? length }, (_, step) => (i * length + step) * width)
  );
}

function scalingOf(input: SampleInput, count: number): Scaling {
  if (!hasColumns(input)) return { columns: [], mean: [], std: [] };
  const { values, names } = input;
  const starts = rowsOf(input, count);
  const moments = names.map((_, column) => {
    let mean = 0;
    for (const start of starts) mean += values[start + column];
    mean /= starts.length;
    let squares = 0;
    for (const start of starts) squares += (values[start + column] - mean) ** 2;
    const std = Math.sqrt(squares / starts.length);
    return { mean, std: std > 0 ? std : 1 };
  });
  return { columns: names, mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std) };
}

function scale(input: SampleInput, { mean, std }: Scaling): SampleInput {
  if (!hasColumns(input)) return input;
  const width = mean.length;
  return { ...input, values: input.values.map((x, i) => (x - mean[i % width]) / std[i % width]) };
}
