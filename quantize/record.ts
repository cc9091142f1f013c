/**
 * The quantization record: what was wanted of a model, what it came to, and where it is quantized.
 *
 * It is saved with a prepared model, in the `userDefinedMetadata` of its model.json, so that a model that is loaded again
 * knows all that it knew.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CODE_TYPES } from "../src/numbers/codes.ts";
import type { Interval } from "../src/numbers/scheme.ts";
import { LAYER_KINDS, type LayerKind } from "../src/layers/mod.ts";
import { layersOf, type Rewrite, type Ungrouped, type Unit } from "../src/rewrite/mod.ts";
import { plainLine } from "../src/text/plain.ts";
import { MAKER } from "../src/version.ts";
import { faultOfJson, type JsonSchema, objectSchema } from "./_json_schema.ts";
import type { Island, Quantizer } from "./placement.ts";
import { PERCENTILE_SCHEMA, RANGE_SCHEMA, type Recipe, RECIPE_SCHEMA, WEIGHT_OBSERVER_SCHEMA } from "./recipe.ts";
import type { Choice } from "./resolve.ts";
import { TARGETS } from "./targets/mod.ts";

/** A quantizer, and the FakeQuantize layer that it became. */
export interface PlacedQuantizer extends Quantizer {
  /** Name of the FakeQuantize layer: `${of}_quant`. */
  readonly name: string;
}

/** What a recipe and a target came to for one layer. */
export interface ResolvedLayer extends Partial<Omit<Choice, "rules">>, Pick<Choice, "rules"> {
  /** The layer's name. */
  readonly layer: string;
  /** Its class, before it was prepared. */
  readonly className: string;
  readonly kind: LayerKind;
  /** Why it stays in float; absent if it does not. */
  readonly float?: string;
  /** The first layer of the operator that it is a part of. */
  readonly partOf?: string;
  /** What its outputs lie within, where their grid is known beforehand. */
  readonly fixed?: Interval;
}

/** All that is known of how a model was prepared. */
export interface QuantizationRecord {
  /** The target's name. */
  readonly target: string;
  /** The recipe, with the rules that flags put before it. */
  readonly recipe: Recipe;
  /** The layers, in topological order. */
  readonly layers: readonly ResolvedLayer[];
  /** Layers that run as one operator. */
  readonly units: readonly Unit[];
  /** BatchNormalization and ReLU layers that could not be grouped, and why. */
  readonly ungrouped: readonly Ungrouped[];
  /** Layers that stay in float, and why. */
  readonly islands: readonly Island[];
  /** The FakeQuantize layers, in topological order. */
  readonly quantizers: readonly PlacedQuantizer[];
  /** What the rewrite rules did, and what they declined to do. */
  readonly rewrites: readonly Rewrite[];
  /** The task that the model was trained for. */
  readonly task?: string;
}

/** A record as it is saved. */
interface Written extends QuantizationRecord {
  readonly schema: number;
  readonly version: string;
}

/** Where records lie among a model's metadata, of which the rest is the user's. */
const KEY = "tfjs-qat";

/** Version of the record's form. */
const SCHEMA = 1;

const text: JsonSchema = { type: "string" };
const flag: JsonSchema = { type: "boolean" };
const whole: JsonSchema = { type: "integer" };

const list = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): JsonSchema => ({
  type: "array",
  items: objectSchema(properties, { required }),
});

const scheme = objectSchema({
  dtype: { type: "string", enum: CODE_TYPES },
  qmin: whole,
  qmax: whole,
  symmetric: flag,
  granularity: objectSchema({ kind: { type: "string", enum: ["per-tensor", "per-channel"] }, axis: whole }, {
    required: ["kind"],
  }),
  span: whole,
}, { required: ["dtype", "qmin", "qmax", "symmetric", "granularity"] });

const interval: JsonSchema = { type: "string", enum: ["unit", "signed-unit"] };

const RECORD_SCHEMA = objectSchema({
  schema: { type: "integer", minimum: SCHEMA, maximum: SCHEMA },
  version: text,
  target: { type: "string", enum: TARGETS.map(({ name }) => name) },
  recipe: RECIPE_SCHEMA,
  layers: list({
    layer: text,
    className: text,
    kind: { type: "string", enum: LAYER_KINDS },
    float: text,
    partOf: text,
    weights: scheme,
    activations: scheme,
    fixed: interval,
    method: { type: "string", enum: ["qat", "static"] },
    observer: text,
    momentum: { type: "number" },
    percentile: PERCENTILE_SCHEMA,
    range: RANGE_SCHEMA,
    weightObserver: WEIGHT_OBSERVER_SCHEMA,
    rules: { type: "array", items: whole },
  }, ["layer", "className", "kind", "rules"]),
  units: list({
    kind: { type: "string", enum: ["weighted", "rescale", "batch-norm"] },
    layer: text,
    batchNorm: text,
    activation: text,
    end: text,
  }, ["kind", "layer", "end"]),
  ungrouped: list({ layer: text, because: text }, ["layer", "because"]),
  islands: list({ layer: text, because: text }, ["layer", "because"]),
  quantizers: list({ name: text, of: text, fixed: interval, nonNegative: flag }, ["name", "of", "nonNegative"]),
  rewrites: list({ rule: text, layer: text, ok: flag, what: text, because: text }, ["rule", "layer", "ok"]),
  task: text,
}, {
  required: [
    "schema",
    "version",
    "target",
    "recipe",
    "layers",
    "units",
    "ungrouped",
    "islands",
    "quantizers",
    "rewrites",
  ],
});

/** Saves `record` with `model`: `saveLayersModel` writes it. Other metadata of the model stays. */
export function attachRecord(model: LayersModel, record: QuantizationRecord): void {
  const { target, recipe, layers, units, ungrouped, islands, quantizers, rewrites, task } = record;
  const written: Written = {
    schema: SCHEMA,
    version: MAKER.version,
    target,
    recipe,
    layers,
    units,
    ungrouped,
    islands,
    quantizers,
    rewrites,
    ...(task === undefined ? {} : { task }),
  };
  // Through JSON, so that a model in memory holds what a file would give it back.
  const plain = JSON.parse(JSON.stringify(written));
  model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), [KEY]: plain });
}

/**
 * Returns the record that was saved with `model`, or undefined if there is none: a model that is not prepared, or was by
 * the first version.
 *
 * @throws {TypeError} If there is one and it is damaged, or speaks of layers that the model does not have.
 */
export function recordOf(model: LayersModel): QuantizationRecord | undefined {
  const metadata: unknown = model.getUserDefinedMetadata();
  if (typeof metadata !== "object" || metadata === null || !(KEY in metadata)) return undefined;
  const value = metadata[KEY];
  const refuse = (because: string): never => {
    throw new TypeError(plainLine(`Cannot read the quantization record of model "${model.name}": ${because}`));
  };
  const fault = faultOfJson(value, RECORD_SCHEMA);
  if (fault !== undefined) return refuse(fault);
  // The schema, checked just above, is that of the type.
  const { schema: _, version: __, ...record } = value as Written;
  const names = new Set(model.layers.map(({ name }) => name));
  const missing = namesIn(record).find((name) => !names.has(name));
  return missing === undefined ? record : refuse(`it speaks of a layer "${missing}", which the model does not have`);
}

function namesIn({ units, quantizers }: QuantizationRecord): readonly string[] {
  return [...units.flatMap(layersOf), ...quantizers.map(({ name }) => name)];
}
