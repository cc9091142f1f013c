/** The rules of a legal ONNX graph. */
import { checkNames } from "./_names.ts";
import { checkNodes } from "./_nodes.ts";
import { checkTensors } from "./_tensors.ts";
import { checkTypes } from "./_types.ts";
import type { Graph } from "../graph.ts";
import type { Problem } from "./problem.ts";
import { NEWEST_OPSET } from "../schema/mod.ts";

/** What a graph is checked against. */
export interface CheckOptions {
  /** Version of the default domain that the file will name; 17 when absent. */
  readonly opset?: number;
}

/** Problems that one error lists. */
const LISTED = 5;

/**
 * Returns every rule of ONNX that `graph` breaks, in the order of the graph; none if it is legal.
 *
 * Operators must have a row in the schema table, types must be declared and equal to those that the rows infer.
 * A symbolic dimension stands for a number of its own, so a shape that has the batch baked in is found.
 * Source: the ONNX IR specification (onnx.ai/onnx/repo-docs/IR.html), and the operators' pages by way of the schemas.
 */
export function checkGraph(graph: Graph, { opset = NEWEST_OPSET }: CheckOptions = {}): readonly Problem[] {
  const tooNew: readonly Problem[] = opset <= NEWEST_OPSET ? [] : [{
    rule: "opset",
    where: `graph "${graph.name}"`,
    message: `opset ${opset} is newer than the schemas, which describe ${NEWEST_OPSET}`,
  }];
  return [...tooNew, ...checkNames(graph), ...checkTensors(graph), ...checkNodes(graph, opset), ...checkTypes(graph)];
}

/**
 * Checks that `graph` is legal.
 *
 * @throws {TypeError} If it is not. The message lists the first few problems, one a line.
 */
export function assertLegal(graph: Graph, options: CheckOptions = {}): void {
  const problems = checkGraph(graph, options);
  if (problems.length === 0) return;
  const lines = problems.slice(0, LISTED).map(({ rule, where, message }) => `  ${where}: ${message} (${rule})`);
  const rest = problems.length > LISTED ? [`  and ${problems.length - LISTED} more`] : [];
  throw new TypeError(
    [`Cannot accept graph "${graph.name}": it breaks rules of ONNX`, ...lines, ...rest].join("\n"),
  );
}
