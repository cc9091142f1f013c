/** A model's layers as a table for a notebook. */
import type { LayerSummary, ModelSummary } from "../../models/summary.ts";
import { count, escapeHtml, plural } from "../_format.ts";
import { describeCodes, describeShape } from "../_words.ts";

const CELL = "padding:2px 10px;text-align:left;white-space:nowrap";
const NUMBER = "padding:2px 10px;text-align:right;white-space:nowrap";
const NAME = "padding:2px 10px;text-align:left;overflow-wrap:anywhere";

/** Renders `summary` as HTML that brings its own style with it: a notebook's page has another. */
export function renderSummary({ name, layers, parameters, trainable }: ModelSummary): string {
  const fixed = parameters - trainable;
  const isQuantized = layers.some(({ weights, output }) => weights !== undefined || output !== undefined);
  const titles = ["layer", "class", "output", "parameters", ...(isQuantized ? ["weights", "codes"] : []), "reads"];
  const head = titles.map((title) => `<th style="${title === "parameters" ? NUMBER : CELL}">${title}</th>`).join("");
  const rows = layers.map((layer) => `<tr>${cellsOf(layer, isQuantized).join("")}</tr>`);
  return `<p><strong>${escapeHtml(name)}</strong>: ${plural(layers.length, "layer")}, ` +
    `${plural(parameters, "parameter")}${fixed === 0 ? "" : `, ${count(fixed)} of them not trained`}</p>\n` +
    `<div style="overflow:auto;max-height:480px"><table style="border-collapse:collapse;font-size:13px">\n` +
    `<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table></div>`;
}

function cellsOf(layer: LayerSummary, isQuantized: boolean): readonly string[] {
  const { name, className, shapes, parameters, weights, output, reads } = layer;
  const cell = (style: string, text: string) => `<td style="${style}">${escapeHtml(text)}</td>`;
  return [
    cell(NAME, name),
    cell(CELL, className),
    cell(CELL, shapes.map(describeShape).join(", ")),
    cell(NUMBER, parameters === 0 ? "" : count(parameters)),
    ...(isQuantized ? [cell(CELL, describeCodes(weights)), cell(CELL, describeCodes(output))] : []),
    cell(NAME, reads.join(", ")),
  ];
}
