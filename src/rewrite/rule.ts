/** The rule engine: rules look at one layer at a time, rewrite the model, or say why they do not. */
import type { LayerGraph, LayerNode } from "./layer_graph.ts";

/** What a rule did, or why it declined. */
export type RuleResult =
  | { readonly ok: true; readonly graph: LayerGraph; readonly what: string }
  | { readonly ok: false; readonly because: string };

/** One way to rewrite a layer. */
export interface Rule {
  /** snake_case; shown in logs. */
  readonly name: string;
  /** What the rule is for, in one line. */
  readonly description: string;
  /** Rewrites the model around `node`, declines with a reason, or returns undefined where it has no business. */
  apply(graph: LayerGraph, node: LayerNode): RuleResult | undefined;
}

/** A line of the log: what happened to which layer. */
export type Rewrite =
  | { readonly rule: string; readonly layer: string; readonly ok: true; readonly what: string }
  | { readonly rule: string; readonly layer: string; readonly ok: false; readonly because: string };

/**
 * Applies `rules`, each to every layer, in the order given.
 *
 * A rule sees each layer once, those it adds included, in topological order.
 */
export function rewrite(
  graph: LayerGraph,
  rules: readonly Rule[],
): { readonly graph: LayerGraph; readonly log: readonly Rewrite[] } {
  const log: Rewrite[] = [];
  let current = graph;
  for (const rule of rules) {
    const seen = new Set<string>();
    for (let node = nextOf(current, seen); node !== undefined; node = nextOf(current, seen)) {
      seen.add(node.name);
      const result = rule.apply(current, node);
      if (result === undefined) continue;
      if (result.ok) current = result.graph;
      log.push(toRewrite(rule, node, result));
    }
  }
  return { graph: current, log };
}

/** Writes a log line for people: `conv1: split_activation: relu is a layer of its own, "conv1_relu"`. */
export function formatRewrite(entry: Rewrite): string {
  return `${entry.layer}: ${entry.rule}: ${entry.ok ? entry.what : `not applied, because ${entry.because}`}`;
}

function nextOf(graph: LayerGraph, seen: ReadonlySet<string>): LayerNode | undefined {
  return graph.nodes.find((node) => !seen.has(node.name));
}

function toRewrite(rule: Rule, node: LayerNode, result: RuleResult): Rewrite {
  const where = { rule: rule.name, layer: node.name };
  return result.ok ? { ...where, ok: true, what: result.what } : { ...where, ok: false, because: result.because };
}
