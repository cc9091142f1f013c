/** Writes docs/support.md: what the tables know. `deno task docs`; a test holds the file to it. */
import { DARKNET_LAYERS } from "../models/import/darknet/layers.ts";
import { GRAPH_OPERATORS, REFUSED_OPERATORS } from "../models/import/graph/operators.ts";
import { ONNX_LAYERS } from "../models/import/onnx/layers.ts";
import { ACTIVATION_RULES } from "../src/layers/activations.ts";
import { codedWeights, LAYER_ROWS } from "../src/layers/mod.ts";
import { operationRule } from "../src/layers/operations.ts";
import type { LayerRow, LayerRule } from "../src/layers/layer_rule.ts";
import { OPS } from "../src/ops/mod.ts";

/** Where the tables are written to. */
export const SUPPORT_FILE = new URL("../docs/support.md", import.meta.url);

const MEANING: Readonly<Record<LayerRule["kind"], string>> = {
  "weighted": "int8: weights on a grid per output channel, output on a grid of its own",
  "rescale": "int8: output on a grid of its own",
  "same-scale": "int8: output on the input's grid",
  "fixed": "int8: output on a grid known beforehand",
  "relu": "int8: absorbed by the op before it",
  "batch-norm": "int8: folded into the weighted layer before it; behind any other, a convolution of its own",
  "split": "int8: as",
  "passthrough": "nothing left at inference",
  "float": "float",
};

/** Returns the text of docs/support.md. */
export function supportText(): string {
  const layers = Object.entries<LayerRow>(LAYER_ROWS).map(([name, row]) => `| ${name} | ${describeRow(row)} |`);
  const activations = Object.entries(ACTIVATION_RULES).map(([name, rule]) => `| ${name} | ${describe(rule)} |`);
  const kernels = Object.keys(OPS).toSorted((a, b) => a.localeCompare(b)).map((name) => `\`${name}\``);
  return [
    "# What is supported",
    "",
    "Written by `deno task docs` from the tables in `src/layers`, `src/ops` and `models/import`.",
    "",
    "## Layers",
    "",
    "How a layer of a TF.js model runs in the exported file under ONNX Runtime's CPU provider.",
    "",
    "| layer | in the int8 file |",
    "|---|---|",
    ...layers,
    "",
    "## Activations",
    "",
    "As an `Activation` layer or a layer's `activation`.",
    "",
    "| activation | in the int8 file |",
    "|---|---|",
    ...activations,
    "",
    "## Kernels",
    "",
    `The backend "onnxruntime" lowers these ${kernels.length} TF.js kernels to ONNX; all others run on TF.js's cpu backend,`,
    "and `backend.fallbacks()` counts them.",
    "",
    kernels.join(", "),
    "",
    ...importText(),
  ].join("\n");
}

/** What is imported of each form, and how that is quantized. */
function importText(): readonly string[] {
  const onnx = Object.entries(ONNX_LAYERS).map(([op, kinds]) => `| ${op} | ${describeKinds(kinds)} |`);
  const darknet = Object.entries(DARKNET_LAYERS).map(([section, kinds]) => `| ${section} | ${describeKinds(kinds)} |`);
  const groups = Object.entries(GRAPH_OPERATORS).map(([group, operators]) => `| ${group} | ${operators.join(", ")} |`);
  const refused = Map.groupBy(REFUSED_OPERATORS, ([, because]) => because);
  return [
    "## Operators of ONNX",
    "",
    "What `--model NAME.onnx` makes of them, and how that runs in the int8 file: the layers, activations and operations named",
    "here are among those above, or have a reason there. What no input decides becomes a constant, whatever its operator is.",
    "",
    "| operator | becomes |",
    "|---|---|",
    ...onnx,
    "",
    "## Operators of TensorFlow in graph-models",
    "",
    "They are recorded as the operators of ONNX that they are computed by, and become what those become.",
    "",
    "| group | operators |",
    "|---|---|",
    ...groups,
    "",
    "Others that TensorFlow.js reads are refused, and can be cut off by `--outputs`:",
    "",
    "| because | operators |",
    "|---|---|",
    ...[...refused].map(([because, operators]) => `| ${because} | ${operators.map(([op]) => op).join(", ")} |`),
    "",
    "## Sections of darknet's nets",
    "",
    "| section | becomes |",
    "|---|---|",
    ...darknet,
    "",
  ];
}

/** Says how layers, activations and operations run: those in int8 first. */
function describeKinds(kinds: readonly string[]): string {
  const by = Map.groupBy(kinds, (kind) => wordOf(ruleOfKind(kind)));
  const groups = ["int8", "int8 or float", "float", "nothing left"].flatMap((word) => {
    const own = by.get(word);
    return own === undefined ? [] : [`${word}: ${own.join(", ")}`];
  });
  return groups.length === 0 ? "another reading of its input" : groups.join("; ");
}

function ruleOfKind(kind: string): readonly LayerRule[] {
  if (kind === "linear") return [{ kind: "passthrough" }];
  const row = Object.entries<LayerRow>(LAYER_ROWS).find(([name]) => name === kind)?.[1];
  if (row !== undefined) {
    return typeof row === "function" ? DECIDING.map((interpolation) => row({ interpolation })) : [row];
  }
  const activation = Object.entries(ACTIVATION_RULES).find(([name]) => name === kind)?.[1];
  return [activation ?? operationRule({ operation: kind, options: {} })];
}

function wordOf(rules: readonly LayerRule[]): string {
  const words = new Set(rules.map(({ kind }) => {
    if (kind === "passthrough") return "nothing left";
    return kind === "float" ? "float" : "int8";
  }));
  return words.size === 1 ? [...words][0] : "int8 or float";
}

/** Configurations that decide, of the layers whose class does not. */
const DECIDING = ["nearest", "bilinear"];

function describeRow(row: LayerRow): string {
  if (typeof row !== "function") return describe(row);
  const rules = DECIDING.map((interpolation) => describe(row({ interpolation })));
  if (rules[0] === rules[1]) return "as its activation, below";
  return DECIDING.map((name, i) => `${name}: ${rules[i]}`).join("; ");
}

function describe(row: LayerRule): string {
  if (row.kind === "float") {
    return `float: ${row.because}${codedWeights(row).length === 0 ? "" : "; its weights on a grid per output channel"}`;
  }
  return row.kind === "split" ? `${MEANING.split} ${row.into}` : MEANING[row.kind];
}

if (import.meta.main) Deno.writeTextFileSync(SUPPORT_FILE, supportText());
