/** Writes for people what a recipe came to. */
import { plainText } from "../src/text/plain.ts";
import type { QuantizationRecord, ResolvedLayer } from "./record.ts";
import { describeScheme } from "./target.ts";
import { targetOf } from "./targets/mod.ts";

const HEADER = ["layer", "kind", "weights", "activations", "observer", "rules"] as const;

/**
 * Writes what became of every layer, a line each: its kind, the schemes of its weights and of its output, what observes
 * that, and the rules of the recipe that decided something, counted from 1; or why it stays in float.
 */
export function formatRecord({ target, recipe, layers }: QuantizationRecord): string {
  const rows = layers.map(rowOf);
  const widths = HEADER.map((title, i) => Math.max(title.length, ...rows.map(({ cells }) => (cells[i] ?? "").length)));
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd();
  const { length } = recipe.rules;
  return [
    `Target "${target}": ${targetOf(target).description}.`,
    `Recipe${recipe.name === undefined ? "" : ` "${plainText(recipe.name)}"`}: ${length} ${
      length === 1 ? "rule" : "rules"
    }.`,
    "",
    line(HEADER),
    ...rows.map(({ cells, because }) => line(because === undefined ? cells : [...cells, `float: ${because}`])),
  ].join("\n");
}

interface Row {
  readonly cells: readonly string[];
  /** Why the layer is in float. */
  readonly because?: string;
}

function rowOf(resolved: ResolvedLayer): Row {
  const { layer, kind, partOf, weights, activations, observer, fixed, float, rules } = resolved;
  const name = plainText(layer);
  if (partOf !== undefined) return { cells: [name, `part of "${plainText(partOf)}"`] };
  const range = fixed === undefined ? observer : { "unit": "known: 0 to 1", "signed-unit": "known: -1 to 1" }[fixed];
  const cells = [
    name,
    kind,
    weights === undefined ? "" : describeScheme(weights),
    activations === undefined ? "" : describeScheme(activations),
    range ?? "",
    rules.map((place) => place + 1).join(", "),
  ];
  return float === undefined ? { cells } : { cells, because: plainText(float) };
}
