/** Rules about names: single assignment, definition before use, order, outputs. */
import type { Problem } from "./problem.ts";
import type { Graph } from "../graph.ts";
import { topologicalOrder } from "../order.ts";

/** Checks the names of nodes and values, and that every value is defined once and before it is read. */
export function checkNames(graph: Graph): readonly Problem[] {
  return [...checkNodeNames(graph), ...checkAssignments(graph), ...checkReads(graph), ...checkOutputs(graph)];
}

function checkNodeNames(graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const { name, op } of graph.nodes) {
    if (name === "") {
      problems.push({ rule: "node name", where: `a node of ${op}`, message: "it has no name" });
    } else if (seen.has(name)) {
      problems.push({ rule: "node name", where: `node "${name}"`, message: "another node has its name" });
    }
    seen.add(name);
  }
  return problems;
}

function checkAssignments(graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const definedBy = new Map<string, string>();
  const define = (name: string, by: string) => {
    const earlier = definedBy.get(name);
    if (earlier !== undefined) {
      problems.push({
        rule: "single assignment",
        where: `value "${name}"`,
        message: `both ${earlier} and ${by} define it`,
      });
    }
    definedBy.set(name, by);
  };
  for (const name of graph.inputs) define(name, "a graph input");
  for (const name of graph.initializers.keys()) define(name, "an initializer");
  if (definedBy.has("")) {
    problems.push({
      rule: "value name",
      where: `graph "${graph.name}"`,
      message: "an input or initializer has no name",
    });
  }
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") define(output, `node "${node.name}"`);
  }
  return problems;
}

function checkReads(graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const all = new Set(graph.nodes.flatMap((node) => node.outputs));
  const defined = new Set([...graph.inputs, ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    const where = `node "${node.name}"`;
    for (const input of new Set(node.inputs)) {
      if (input === "" || defined.has(input)) continue;
      problems.push(
        all.has(input)
          ? { rule: "order", where, message: `it reads "${input}" before that is computed` }
          : { rule: "defined", where, message: `it reads "${input}", which nothing defines` },
      );
    }
    for (const output of node.outputs) defined.add(output);
  }
  if (problems.some(({ rule }) => rule === "order")) problems.push(...checkCycles(graph));
  return problems;
}

function checkCycles(graph: Graph): readonly Problem[] {
  try {
    topologicalOrder(graph.nodes);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ rule: "cycle", where: `graph "${graph.name}"`, message: error.message }];
  }
}

function checkOutputs(graph: Graph): readonly Problem[] {
  const where = `graph "${graph.name}"`;
  const defined = new Set([
    ...graph.inputs,
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const problems: Problem[] = graph.outputs
    .filter((name) => name === "" || !defined.has(name))
    .map((name) => ({ rule: "output", where, message: `its output "${name}" is not defined` }));
  if (graph.outputs.length === 0) problems.push({ rule: "output", where, message: "it has no output" });
  if (new Set(graph.outputs).size !== graph.outputs.length) {
    problems.push({ rule: "output", where, message: "it has one output twice" });
  }
  return problems;
}
