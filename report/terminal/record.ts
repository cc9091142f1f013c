/** What a recipe came to, as a table for the terminal. */
import type { QuantizationRecord, ResolvedLayer } from "../../quantize/record.ts";
import { describeScheme } from "../../quantize/target.ts";
import { targetOf } from "../../quantize/targets/mod.ts";
import { plural } from "../_format.ts";
import { type Cell, formatParagraph, formatSection, withoutEmptyColumns } from "./_text_table.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";

/**
 * Formats what became of every layer, a line each: its kind, the codes of its weights and of its output, and whatever is
 * not as with most layers: schemes, observer, the rules of the recipe that decided something, counted from 1; or why it
 * stays in float. Without a final newline.
 */
export function formatRecord(record: QuantizationRecord, options: TerminalOptions = {}): string {
  const style = styleOf(options);
  const { target, recipe, layers } = record;
  const usual = usualOf(layers);
  const paragraphs = [
    `Target "${target}": ${targetOf(target).description}.`,
    `Recipe${recipe.name === undefined ? "" : ` "${recipe.name}"`}: ${plural(recipe.rules.length, "rule")}.`,
    describeUsual(usual),
  ];
  const titles = ["layer", "kind", "weights", "output", "notes"].map((text): Cell => ({ text, tone: "muted" }));
  const rows = withoutEmptyColumns([titles, ...layers.map((layer) => rowOf(layer, usual))]);
  return [
    ...paragraphs.filter(Boolean).flatMap((text) => formatParagraph(text, { tone: "plain", style })),
    "",
    ...formatSection({ heading: plural(layers.length, "layer"), rows }, style),
  ].join("\n");
}

/** How most layers are quantized, in words. */
interface Usual {
  readonly weights?: string;
  readonly activations?: string;
  readonly observer?: string;
}

function usualOf(layers: readonly ResolvedLayer[]): Usual {
  const weights = commonest(layers.flatMap(({ weights }) => weights === undefined ? [] : describeScheme(weights)));
  const activations = commonest(
    layers.flatMap(({ activations }) => activations === undefined ? [] : describeScheme(activations)),
  );
  const observer = commonest(layers.flatMap((layer) => layer.fixed === undefined ? layer.observer ?? [] : []));
  return {
    ...(weights === undefined ? {} : { weights }),
    ...(activations === undefined ? {} : { activations }),
    ...(observer === undefined ? {} : { observer }),
  };
}

/** The first of those that occur most often. */
function commonest(texts: readonly string[]): string | undefined {
  const times = new Map<string, number>();
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
  const most = Math.max(...times.values());
  return texts.find((text) => times.get(text) === most);
}

function describeUsual({ weights, activations, observer }: Usual): string {
  const parts = [
    weights === undefined ? "" : `weights are ${weights}`,
    activations === undefined ? "" : `outputs ${activations}`,
    observer === undefined ? "" : `ranges are found by ${observer}`,
  ].filter(Boolean);
  return parts.length === 0 ? "" : `Where a line has no note, ${parts.join("; ")}.`;
}

function rowOf(resolved: ResolvedLayer, usual: Usual): Cell[] {
  const { layer, kind, weights, activations, partOf, float } = resolved;
  return [
    { text: layer },
    { text: partOf === undefined ? float === undefined ? kind : "float" : "" },
    { text: weights?.dtype ?? "" },
    { text: activations?.dtype ?? "" },
    { text: notesOf(resolved, usual).join("; "), tone: float === undefined ? "muted" : "fair" },
  ];
}

function notesOf(resolved: ResolvedLayer, usual: Usual): readonly string[] {
  const { partOf, weights, activations, observer, fixed, float, rules } = resolved;
  if (partOf !== undefined) return [`part of ${partOf}`];
  const unlike = (role: string, text: string | undefined, most: string | undefined) =>
    text === undefined || text === most ? "" : `${role}${text}`;
  return [
    float ?? "",
    unlike("weights ", weights && describeScheme(weights), usual.weights),
    unlike("output ", activations && describeScheme(activations), usual.activations),
    fixed === undefined
      ? unlike("", observer, usual.observer)
      : `range known: ${{ "unit": "0 to 1", "signed-unit": "-1 to 1" }[fixed]}`,
    rules.length === 0 ? "" : `${rules.length === 1 ? "rule" : "rules"} ${rules.map((at) => at + 1).join(", ")}`,
  ].filter(Boolean);
}
