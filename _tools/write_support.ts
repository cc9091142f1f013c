/** Writes docs/support.md: the layers and kernels that the tables know. `deno task docs`; a test holds the file to it. */
import { ACTIVATION_RULES } from "../src/layers/activations.ts";
import { codedWeights, LAYER_ROWS } from "../src/layers/mod.ts";
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
    "Written by `deno task docs` from the tables in `src/layers` and `src/ops`.",
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
  ].join("\n");
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
