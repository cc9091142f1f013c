/** What can hold of a graph: the words in which passes say what they need and what they leave. */
import { checkGraph } from "../onnx/check/check.ts";
import { type Graph, type Node, sizeOf, typeOf } from "../onnx/graph.ts";
import { type Index, indexOf } from "../onnx/index.ts";
import { BLOCKED_DOMAIN, traitsOf } from "../onnx/schema/mod.ts";

/** A sentence about a graph that can be checked. */
export interface Condition {
  /** The sentence, without its full stop. */
  readonly name: string;
  /** Returns what of the graph breaks it, as the beginning of a sentence; undefined if nothing does. */
  readonly brokenBy: (graph: Graph) => string | undefined;
}

/** Makes the condition that `isBroken` is true of no node. */
export function ofNodes(name: string, isBroken: (node: Node, index: Index, graph: Graph) => boolean): Condition {
  return {
    name,
    brokenBy(graph) {
      const index = indexOf(graph);
      const node = graph.nodes.find((node) => isBroken(node, index, graph));
      return node === undefined ? undefined : `node "${node.name}" is ${node.op}(${node.inputs.join(", ")})`;
    },
  };
}

/** Rules of ONNX that a graph may break while it is rewritten: a model's numbers are its own, blocks the engine's. */
function isOfGraph({ rule, where }: ReturnType<typeof checkGraph>[number], { nodes }: Graph): boolean {
  if (rule !== "domain") return rule !== "finite";
  return nodes.some(({ name, domain }) => where === `node "${name}"` && domain !== BLOCKED_DOMAIN);
}

/** Of three axes, the way there is the way back as well. */
const isPerm = (node: Node | undefined, moved: (rank: number) => readonly number[]): boolean => {
  const perm = node?.op === "Transpose" ? node.attrs.perm as readonly number[] | undefined : undefined;
  return perm !== undefined && perm.length >= 4 && perm.join() === moved(perm.length).join();
};

/** Operators that are no constants although what they read is: codes are to stay codes, and noise is drawn anew. */
const NEVER_FOLDED = new Set(["DequantizeLinear", "RandomUniform", "RandomNormal"]);

/** Whether all that `node` reads is known before it runs, and it can be computed then. */
export function isFoldable({ op, inputs }: Node, isConstant: (name: string) => boolean): boolean {
  return !NEVER_FOLDED.has(op) && inputs.every((name) => name === "" || isConstant(name));
}

const dequantizesConstant = (node: Node | undefined, { constant }: Index): boolean =>
  node?.op === "DequantizeLinear" && node.inputs.every((name) => constant(name) !== undefined);

/** Whether `node` dequantizes what is computed, by one scale; what is picked of a table of weights is not computed. */
export function isActivation(node: Node | undefined, { constant, producer }: Index): boolean {
  if (node?.op !== "DequantizeLinear" || constant(node.inputs[1])?.data.length !== 1) return false;
  const source = producer(node.inputs[0]);
  return constant(node.inputs[0]) === undefined &&
    !(source?.op === "Gather" && constant(source.inputs[0]) !== undefined);
}

/** Whether `add` adds a constant of one number a channel, along axis 1, to the output of `node`. */
function addsBias(add: Node | undefined, node: Node, { constant }: Index, graph: Graph): boolean {
  const bias = add?.op === "Add" ? constant(add.inputs.find((name) => name !== node.outputs[0])) : undefined;
  const { shape } = typeOf(graph, node.outputs[0]);
  return bias !== undefined && bias.shape.length <= shape.length && sizeOf(bias.shape) === shape[1] &&
    bias.shape[bias.shape.length - shape.length + 1] === shape[1];
}

const areMatrices = (names: readonly string[], graph: Graph): boolean =>
  names.every((name) => {
    const { dtype, shape } = typeOf(graph, name);
    return dtype === "float32" && shape.length === 2;
  });

/** The conditions by name. */
export const holds = {
  legal: {
    name: "it is a legal graph",
    brokenBy(graph) {
      const problem = checkGraph(graph).find((problem) => isOfGraph(problem, graph));
      return problem === undefined ? undefined : `${problem.where}: ${problem.message}`;
    },
  },
  noIdentity: ofNodes(
    "only outputs are copies of another value",
    ({ op, outputs: [output] }, { isOutput }) => op === "Identity" && !isOutput(output),
  ),
  mergedReshapes: ofNodes(
    "no Reshape reads a Reshape",
    ({ op, inputs }, { producer }) => op === "Reshape" && producer(inputs[0])?.op === "Reshape",
  ),
  channelsFirst: ofNodes(
    "no picture goes to channels-last and straight back",
    (node, { producer }) =>
      isPerm(node, (rank) => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]) &&
      isPerm(producer(node.inputs[0]), (rank) => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]),
  ),
  foldedConstants: ofNodes(
    "nothing is computed of constants alone, but real weights of their codes",
    (node, { constant }) => isFoldable(node, (name) => constant(name) !== undefined),
  ),
  weightCodes: ofNodes(
    "the codes of weights have the shape in which they are read",
    ({ op, inputs }, index) =>
      (op === "Reshape" || op === "Transpose") && dequantizesConstant(index.producer(inputs[0]), index),
  ),
  knownClips: ofNodes(
    "a ReLU with a maximum is one Clip",
    ({ op, inputs }, { producer, constant }) =>
      op === "Min" && inputs.length === 2 && inputs.some((name) => producer(name)?.op === "Relu") &&
      inputs.some((name) => constant(name)?.dtype === "float32" && constant(name)?.shape.length === 0),
  ),
  completeBiases: ofNodes("biases are parts of the convolutions and products before them", (node, index, graph) => {
    if (node.op === "MatMul") return areMatrices([...node.inputs, ...node.outputs], graph);
    if ((node.op !== "Conv" && node.op !== "Gemm") || node.inputs.length !== 2) return false;
    return addsBias(index.soleUse(node.outputs[0]), node, index, graph);
  }),
  equalGrids: ofNodes(
    "what only moves codes has one grid on both sides",
    (node, index) =>
      traitsOf(node).movement === true && node.outputs.length === 1 &&
      isActivation(index.producer(node.inputs[0]), index) &&
      (index.isOutput(node.outputs[0]) || index.uses(node.outputs[0]).some(({ op }) => op !== "QuantizeLinear")),
  ),
  biasCodes: ofNodes("biases between codes are codes", ({ op, inputs }, index) => {
    if ((op !== "Conv" && op !== "Gemm") || index.constant(inputs[2])?.dtype !== "float32") return false;
    return isActivation(index.producer(inputs[0]), index) && dequantizesConstant(index.producer(inputs[1]), index);
  }),
  tables: ofNodes(
    "no value goes from one grid to another, through a ReLU at most, but by a table",
    ({ op, inputs }, index) => {
      const before = op === "QuantizeLinear" ? index.producer(inputs[0]) : undefined;
      const source = before?.op === "Relu" ? index.producer(before.inputs[0]) : before;
      return isActivation(source, index);
    },
  ),
} as const satisfies Readonly<Record<string, Condition>>;
