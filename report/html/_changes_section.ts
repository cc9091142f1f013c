/** What was changed, asked for and declined on the way: rewrites, the recipe, passes. */
import { escapeHtml } from "../_format.ts";
import type { RecipeReport } from "../schema.ts";
import { otherDeclined } from "../_words.ts";
import { denseTable, type HtmlSection, section, table } from "./_markup.ts";

/** Changes made to the model before quantization, and those refused. */
export const rewritesSection: HtmlSection = {
  name: "rewrites",
  render: ({ rewrites }) => {
    if (rewrites.length === 0) return undefined;
    const made = rewrites.filter(({ ok }) => ok).length;
    const refused = rewrites.length - made;
    const columns = [
      { heading: "Layer", kind: "name" as const },
      { heading: "Rule" },
      { heading: "Result" },
      { heading: "Remark" },
    ];
    const rows = rewrites.map(({ rule, layer, ok, because = "" }) => [
      escapeHtml(layer),
      escapeHtml(rule),
      ok ? "done" : '<span class="fair">refused</span>',
      escapeHtml(because),
    ]);
    return section("Rewrites before quantization", {
      lead: `${made} done, ${refused === 0 ? "none" : refused} refused.`,
      body: table(columns, rows),
    });
  },
};

/** What the recipe came to, layer by layer. */
export const recipeSection: HtmlSection = {
  name: "recipe",
  render: ({ recipe }) => {
    if (recipe === undefined) return undefined;
    const { unmatched = [], resolved } = recipe;
    const missed = unmatched.length === 0
      ? ""
      : ` <span class="fair">Matched no layer: ${unmatched.map(escapeHtml).join(", ")}.</span>`;
    const columns = [
      { heading: "Layer", kind: "name" as const },
      ...["Rules", "Method", "Weights", "Activations", "Observer", "In float, since"].map((heading) => ({ heading })),
    ];
    const rows = resolved.map(({ layer, rules = [], method, weights, activations, observer, float }) =>
      [layer, rules.join("; "), method, weights, activations, observer, float].map((text = "") => escapeHtml(text))
    );
    return section("Recipe", {
      lead: describeRecipe(recipe) + missed,
      body: rows.length === 0 ? "" : denseTable(columns, rows),
    });
  },
};

function describeRecipe({ name, rules }: RecipeReport): string {
  if (rules.length === 0) return "There are no rules: each layer is quantized as the target has it by default.";
  const of = name === undefined ? "" : ` of <code>${escapeHtml(name)}</code>`;
  return `What the rules${of} came to; of those that match a layer, the first that speaks of a setting decides it.`;
}

/** What passes over the exported graph could have done and did not. */
export const declinedSection: HtmlSection = {
  name: "declined",
  render: (report) => {
    const declined = otherDeclined(report);
    if (declined.length === 0) return undefined;
    const columns = [
      { heading: "Layer", kind: "name" as const },
      { heading: "Operator" },
      { heading: "Node", kind: "name" as const },
      { heading: "Pass" },
      { heading: "Why it declined" },
    ];
    return section("Declined by the exporter", {
      lead: "What passes over the exported graph could have done, and why they did not.",
      body: table(
        columns,
        declined.map(({ pass, node, op, layer = "", because }) => [layer, op, node, pass, because].map(escapeHtml)),
      ),
    });
  },
};

/** Where the file is meant to run, and what this run can say of that. */
export const targetSection: HtmlSection = {
  name: "target",
  render: ({ target }) =>
    target && section(`Target ${target.name}`, {
      lead: escapeHtml(target.shows),
      body: target.cannotShow === undefined ? "" : `<p class="fair">${escapeHtml(target.cannotShow)}</p>`,
    }),
};
