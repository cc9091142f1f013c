/** Passes as values, and what runs a list of them. */
import type { Graph, Node } from "../onnx/graph.ts";
import { type Condition, holds } from "./conditions.ts";

/** Something that a pass is there for and did not do to a node. */
export interface Declined {
  /** Name of the pass. */
  readonly pass: string;
  /** Name of the node, and its operator. */
  readonly node: string;
  readonly op: string;
  /** The TF.js layer that it came from, where that is known. */
  readonly layer?: string;
  /** Why, as the part of a sentence that is about the node. */
  readonly because: string;
}

/** What a pass, or several, made of a graph. */
export interface Passed {
  readonly graph: Graph;
  /** What of it concerns nodes that are still there. */
  readonly declined: readonly Declined[];
}

/** A rewriting of graphs. */
export interface Pass {
  readonly name: string;
  /** What must hold of the graph for the pass to see what it looks for. */
  readonly requires: readonly Condition[];
  /** What holds of the result. */
  readonly ensures: readonly Condition[];
  /** Returns another graph with the same answers, up to rounding; the given one stays as it is. */
  readonly run: (graph: Graph) => Passed;
}

/** Notes that a pass left `node` as it is, and why. */
export type Decline = (node: Node, because: string) => void;

/** Makes a pass of a function from graph to graph. */
export function definePass({ name, requires = [], ensures = [], rewrite }: {
  readonly name: string;
  readonly requires?: readonly Condition[];
  readonly ensures?: readonly Condition[];
  readonly rewrite: (graph: Graph, decline: Decline) => Graph;
}): Pass {
  return {
    name,
    requires,
    ensures,
    run(graph) {
      const declined: Declined[] = [];
      const result = rewrite(graph, ({ name: node, op, layer }, because) => {
        declined.push({ pass: name, node, op, ...(layer === undefined ? {} : { layer }), because });
      });
      return { graph: result, declined };
    },
  };
}

/** How passes are run. */
export interface RunOptions {
  /** Whether their conditions are checked, which takes longer than they do. Default: false. */
  readonly debug?: boolean;
}

/**
 * Runs passes one after another and collects what they declined.
 *
 * @throws {Error} With `debug`, if a pass gets a graph that it cannot work on, or leaves one that breaks its word.
 */
export function runPasses(passes: readonly Pass[], graph: Graph, { debug = false }: RunOptions = {}): Passed {
  const declined: Declined[] = [];
  let current = graph;
  for (const pass of passes) {
    if (debug) check(pass.requires, current, `Cannot run pass "${pass.name}"`);
    const result = pass.run(current);
    if (debug) check([holds.legal, ...pass.ensures], result.graph, `Cannot accept the result of pass "${pass.name}"`);
    current = result.graph;
    declined.push(...result.declined);
  }
  return { graph: current, declined: stillTrue(declined, current) };
}

/** Leaves out what a later pass did after all, and what was said before. */
function stillTrue(declined: readonly Declined[], { nodes }: Graph): readonly Declined[] {
  const ops = new Map(nodes.map(({ name, op }) => [name, op]));
  const said = new Map(declined.map((record) => [`${record.node} ${record.because}`, record]));
  return [...said.values()].filter(({ node, op }) => ops.get(node) === op);
}

function check(conditions: readonly Condition[], graph: Graph, cannot: string): void {
  for (const { name, brokenBy } of conditions) {
    const where = brokenBy(graph);
    if (where !== undefined) throw new Error(`${cannot}: ${where}, needed is that ${name}`);
  }
}
