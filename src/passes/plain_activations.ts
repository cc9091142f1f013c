/**
 * Writes sigmoids, ELUs and SELUs as the operators that they are.
 *
 * The engine computes them out of several (src/ops/_accurate.ts), for ONNX Runtime's own lose what is small: an error of
 * 5e-8, which a loss that takes a logarithm cannot bear. Nothing else minds it, a file with the operators is easier to
 * read and to run, and tables of codes come from them. So only a sigmoid whose result leaves the graph or goes into a
 * logarithm stays as it is.
 */
import type { Graph, Node } from "../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../onnx/index.ts";
import { traitsOf } from "../onnx/schema/mod.ts";
import { definePass, type Pass } from "./pass.ts";

/** Replaces all of them but sigmoids whose tail is asked for. */
export const plainActivations: Pass = definePass({ name: "plainActivations", rewrite });

/** The same in graphs that simulate a file: those that quantize. Others compute as accurately as they can. */
export const plainActivationsOfFiles: Pass = definePass({
  name: "plainActivationsOfFiles",
  rewrite: (graph) => graph.nodes.some(({ op }) => op === "QuantizeLinear") ? rewrite(graph) : graph,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const nodes = graph.nodes.map((node): Node => {
    const found = activationOf(node, index);
    if (found === undefined || (found.op === "Sigmoid" && needsTail(node.outputs[0], index))) return node;
    return { ...node, op: found.op, inputs: [found.x], attrs: {} };
  });
  return removeDeadNodes({ ...graph, nodes });
}

/** Whether `value`, as it is or clipped, is an output of the graph or read by a logarithm. */
function needsTail(value: string, index: Index): boolean {
  return index.isOutput(value) || index.uses(value).some((reader) => {
    if (reader.op === "Log") return true;
    const isPassed = reader.op === "Clip" || traitsOf(reader).movement === true;
    return isPassed && reader.inputs[0] === value && needsTail(reader.outputs[0], index);
  });
}

interface Activation {
  readonly op: "Sigmoid" | "Elu" | "Selu";
  readonly x: string;
}

/** The activation that ends in `node`. */
function activationOf(node: Node, index: Index): Activation | undefined {
  if (node.op === "Div") {
    const x = sigmoidInput(node, index);
    return x === undefined ? undefined : { op: "Sigmoid", x };
  }
  if (node.op !== "Add") return undefined;
  const [positive, negative] = node.inputs.map((name) => scaled(name, index));
  const relu = index.producer(positive.name);
  const x = relu?.op === "Relu" ? relu.inputs[0] : undefined;
  if (x === undefined || negativeExpm1Input(index.producer(negative.name), index) !== x) return undefined;
  if (positive.isScaled !== negative.isScaled) return undefined;
  return { op: positive.isScaled ? "Selu" : "Elu", x };
}

/** What a Mul by a constant scales; the value itself if there is none. */
function scaled(name: string, index: Index): { readonly name: string; readonly isScaled: boolean } {
  const node = index.producer(name);
  const isScaled = node?.op === "Mul" && index.constant(node.inputs[1])?.data.length === 1;
  return isScaled ? { name: node.inputs[0], isScaled } : { name, isScaled };
}

/** x of e / (e + 1) with e = exp(min(x, 18)). */
function sigmoidInput({ inputs: [power, sum] }: Node, index: Index): string | undefined {
  const [exp, add] = [index.producer(power), index.producer(sum)];
  if (exp?.op !== "Exp" || add?.op !== "Add" || add.inputs[0] !== power || !isNumber(add.inputs[1], 1, index)) {
    return undefined;
  }
  return boundedBy(exp.inputs[0], 18, index);
}

/** x of 2t / (1 - t) with t = tanh(min(x, 0) / 2). */
function negativeExpm1Input(node: Node | undefined, index: Index): string | undefined {
  if (node?.op !== "Div") return undefined;
  const [twice, rest] = node.inputs.map(index.producer);
  const tanh = index.producer(twice?.inputs[0] ?? "");
  const half = index.producer(tanh?.inputs[0] ?? "");
  const isQuotient = twice?.op === "Add" && twice.inputs[0] === twice.inputs[1] && rest?.op === "Sub" &&
    isNumber(rest.inputs[0], 1, index) && rest.inputs[1] === twice.inputs[0];
  if (!isQuotient || tanh?.op !== "Tanh" || half?.op !== "Mul" || !isNumber(half.inputs[1], 0.5, index)) {
    return undefined;
  }
  return boundedBy(half.inputs[0], 0, index);
}

/** x of min(x, bound). */
function boundedBy(name: string, bound: number, index: Index): string | undefined {
  const min = index.producer(name);
  return min?.op === "Min" && isNumber(min.inputs[1], bound, index) ? min.inputs[0] : undefined;
}

function isNumber(name: string, value: number, { constant }: Index): boolean {
  const tensor = constant(name);
  return tensor?.data.length === 1 && Number(tensor.data[0]) === value;
}
