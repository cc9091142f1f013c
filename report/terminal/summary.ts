/** A model's layers as a table for the terminal. */
import type { LayerSummary, ModelSummary } from "../../models/summary.ts";
import { count, plural } from "../_format.ts";
import { describeCodes, describeShape } from "../_words.ts";
import { type Cell, formatSection, withoutEmptyColumns } from "./_text_table.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";

/**
 * Formats `summary` as a table, a line a layer: name, class, shape of the output, parameters, the codes that weights and
 * output are rounded to; and below it what it reads, where that is not the layer above. Without a final newline.
 *
 * Long names are cut in the middle; control characters are written as "?".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatSummary } from "./summary.ts";
 *
 * const dense = { name: "dense", className: "Dense", shapes: [[10]], parameters: 650, reads: ["pool"] };
 * const text = formatSummary({ name: "net", layers: [dense], parameters: 650, trainable: 650 });
 * assert.match(text, /^net: 1 layer, 650 parameters\n.*\n.*\ndense +Dense +10 +650\n +reads pool$/s);
 * ```
 */
export function formatSummary(summary: ModelSummary, options: TerminalOptions = {}): string {
  const { name, layers, parameters, trainable } = summary;
  const fixed = parameters - trainable;
  const heading = `${name}: ${plural(layers.length, "layer")}, ${plural(parameters, "parameter")}` +
    (fixed === 0 ? "" : `, ${count(fixed)} of them not trained`);
  const titles = ["layer", "class", "output", "params", "weights", "codes"];
  const table = withoutEmptyColumns([
    titles.map((text, i): Cell => ({ text, tone: "muted", right: i === PARAMETERS })),
    ...layers.map(rowOf),
  ]);
  const rows = table.flatMap((row, i) => [row, ...readsRow(layers[i - 1], layers[i - 2])]);
  return formatSection({ heading, rows }, styleOf(options)).join("\n");
}

/** The column of numbers. */
const PARAMETERS = 3;

function rowOf({ name, className, shapes, parameters, weights, output }: LayerSummary): Cell[] {
  return [
    { text: name },
    { text: className },
    { text: shapes.map(describeShape).join(", ") },
    { text: parameters === 0 ? "" : count(parameters), right: true },
    { text: describeCodes(weights) },
    { text: describeCodes(output) },
  ];
}

/** What a layer reads, unless it is the layer above. */
function readsRow(layer?: LayerSummary, above?: LayerSummary): Cell[][] {
  const { reads = [] } = layer ?? {};
  if (reads.length === 0 || reads.length === 1 && reads[0] === above?.name) return [];
  return [[{ text: `  reads ${reads.join(", ")}`, tone: "muted" }]];
}
