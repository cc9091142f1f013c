/**
 * What the settings of layers can be. TensorFlow.js checks some of them, takes others as JavaScript has them (a rate that is
 * an object makes every number NaN, in training only), and says nothing.
 *
 * Source: Keras 2, the arguments of its layers.
 */
import { LAYER_ROWS } from "../../src/layers/mod.ts";
import { showValue } from "../../src/text/plain.ts";
import { isObject, type JsonObject } from "./_model_json.ts";

/** The numbers that a setting takes. */
interface Range {
  readonly least: number;
  /** Exclusive where `below` says so. */
  readonly most: number;
  readonly below?: true;
  readonly whole?: true;
}

const COUNT: Range = { least: 1, most: Number.MAX_SAFE_INTEGER, whole: true };
const SHARE: Range = { least: 0, most: 1 };
const RATE: Range = { ...SHARE, below: true };
const POSITIVE: Range = { least: 0, most: Number.MAX_VALUE };
const ANY: Range = { least: -Number.MAX_VALUE, most: Number.MAX_VALUE };

/** Settings that are numbers, whatever the layer. */
const NUMBERS: Readonly<Record<string, Range>> = {
  units: COUNT,
  filters: COUNT,
  depth_multiplier: COUNT,
  input_dim: COUNT,
  output_dim: COUNT,
  n: COUNT,
  rate: RATE,
  dropout: SHARE,
  recurrent_dropout: SHARE,
  momentum: SHARE,
  epsilon: POSITIVE,
  stddev: POSITIVE,
  max_value: POSITIVE,
  alpha: ANY,
  theta: ANY,
  negative_slope: ANY,
  threshold: ANY,
  mask_value: ANY,
};

/** Settings that are true or false, whatever the layer. */
const FLAGS: readonly string[] = [
  "trainable",
  "use_bias",
  "return_sequences",
  "return_state",
  "go_backwards",
  "stateful",
  "unroll",
  "center",
  "scale",
  "mask_zero",
  "sparse",
  "normalize",
];

/** Settings that count dimensions, whatever the layer: one, or a list of them. */
const DIMENSIONS: readonly string[] = ["axis", "axes", "dims", "shared_axes"];

/** No layer of TensorFlow.js takes more dimensions than this. */
const MOST_DIMENSIONS = 16;

/** Says what is wrong with the first setting of a layer of TF.js that is no such value; undefined if nothing is. */
export function valueProblem(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const own = isObject(value) ? layerProblem(value) : undefined;
  if (own !== undefined) return own;
  for (const item of Object.values(value)) {
    const found = valueProblem(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function layerProblem({ class_name: className, config }: JsonObject): string | undefined {
  if (typeof className !== "string" || !Object.hasOwn(LAYER_ROWS, className) || !isObject(config)) return undefined;
  for (const [key, value] of Object.entries(config)) {
    // Keras writes null for what is left out.
    if (value === null) continue;
    const needed = neededOf(key, value);
    if (needed === undefined) continue;
    return `the layer "${config.name}" (${className}) has "${key}" ${showValue(value)}, ${needed} is needed`;
  }
  return undefined;
}

function neededOf(key: string, value: unknown): string | undefined {
  if (FLAGS.includes(key)) return typeof value === "boolean" ? undefined : "true or false";
  if (DIMENSIONS.includes(key)) {
    const range = { least: -MOST_DIMENSIONS, most: MOST_DIMENSIONS, whole: true } as const;
    const numbers = Array.isArray(value) ? value : [scalarOf(value)];
    const isList = numbers.length <= MOST_DIMENSIONS && numbers.every((number) => isWithin(number, range));
    return isList
      ? undefined
      : `a dimension's number from ${-MOST_DIMENSIONS} to ${MOST_DIMENSIONS}, or a list of them,`;
  }
  if (!Object.hasOwn(NUMBERS, key)) return undefined;
  const range = NUMBERS[key];
  return isWithin(scalarOf(value), range) ? undefined : describe(range);
}

/** Keras writes a NumPy scalar as an object. */
function scalarOf(value: unknown): unknown {
  return isObject(value) && value.type === "ndarray" ? value.value : value;
}

function isWithin(value: unknown, { least, most, below, whole }: Range): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  return value >= least && (below ? value < most : value <= most) && (!whole || Number.isSafeInteger(value));
}

function describe({ least, most, below, whole }: Range): string {
  if (whole) return `a whole number from ${least}`;
  if (least < 0) return "a number";
  return most === 1 ? `a number from 0 to ${below ? "below 1" : "1"}` : "a number from 0";
}
