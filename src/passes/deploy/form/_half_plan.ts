/**
 * What of a graph stays in float32 when the rest is computed in half precision.
 *
 * Half precision ends at 65504 and has 11 bits: sums of many numbers lose the small ones, squares and exponentials leave its
 * range, and so does what norms divide by. Where one operand of an element-wise operator is kept the whole operator is, as
 * mixed operands are promoted elsewhere; a norm that is written out, from the mean to the shift, thereby is one stretch in
 * float32 between two casts.
 */
import { lossesOfHalf } from "../../../numbers/half.ts";
import { type Graph, type Node, type Tensor, typeOf } from "../../../onnx/graph.ts";
import { type Index, indexOf } from "../../../onnx/index.ts";
import { type InferInput, schemaOf, traitsOf } from "../../../onnx/schema/mod.ts";

/** Operators that stay in float32 wherever they stand. */
const KEPT: Readonly<Record<string, string>> = {
  ...ofAll("Softmax LogSoftmax Hardmax", "it is a softmax"),
  ...ofAll("LayerNormalization BatchNormalization InstanceNormalization MeanVarianceNormalization", "it is a norm"),
  ...ofAll("LpNormalization LRN GroupNormalization", "it is a norm"),
  ...ofAll("ReduceSum ReduceMean ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum", "it adds up many numbers"),
  ...ofAll("ReduceLogSumExp GlobalAveragePool GlobalLpPool CumSum Sum Mean", "it adds up many numbers"),
  ...ofAll("Exp Pow Log Softplus Sinh Cosh Tan Asinh Acosh Atanh Mod", "half precision has not its range"),
  ...ofAll("Constant ConstantOfShape Range RandomUniform RandomNormal EyeLike", "it makes float32"),
};

function ofAll(ops: string, because: string): Readonly<Record<string, string>> {
  return Object.fromEntries(ops.split(" ").map((op) => [op, because]));
}

/** Returns the nodes that stay in float32, with the reason of each. */
export function keptInFloat(graph: Graph): ReadonlyMap<Node, string> {
  const index = indexOf(graph);
  const kept = new Map<Node, string>();
  for (const node of graph.nodes) {
    const because = Object.hasOwn(KEPT, node.op)
      ? KEPT[node.op]
      : whyBeyond(node, index) ?? whyTiny(node, index) ?? whyNoHalf(node, graph);
    if (because !== undefined) kept.set(node, because);
  }
  let before: number;
  do {
    before = kept.size;
    for (const node of graph.nodes) {
      if (!kept.has(node) && isPromoted(node, { graph, index, kept })) kept.set(node, "what it reads is in float32");
    }
    for (const node of graph.nodes.toReversed()) {
      if (!kept.has(node) && isForKept(node, { graph, index, kept })) kept.set(node, "what reads it is in float32");
    }
  } while (kept.size > before);
  return kept;
}

/** Says which constant of `node` half precision does not hold; undefined if it holds all. */
export function whyBeyond({ inputs }: Node, { constant }: Index): string | undefined {
  for (const name of inputs) {
    const tensor = constant(name);
    const beyond = tensor?.dtype === "float32" ? lossesOfHalf(tensor.data as Float32Array).beyond : 0;
    if (beyond > 0) return `its constant reaches ${beyond}, beyond 65504`;
  }
  return undefined;
}

/** Says that a number which is added or multiplied with, such as the ε of a norm, is too small for half precision. */
function whyTiny({ inputs }: Node, { constant }: Index): string | undefined {
  const isTiny = inputs.map((name) => constant(name)).some((tensor) =>
    tensor?.dtype === "float32" && tensor.data.length === 1 && lossesOfHalf(tensor.data as Float32Array).subnormal > 0
  );
  return isTiny ? "its constant is below 2⁻¹⁴" : undefined;
}

/** Inputs that are float32 whatever the others are: the factors of Resize. */
const ALWAYS_FLOAT: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };

/** Whether input `at` of a node is float32, though the node computes in half precision. */
export function staysFloat({ op }: Node, at: number): boolean {
  return Object.hasOwn(ALWAYS_FLOAT, op) && ALWAYS_FLOAT[op].includes(at);
}

/** Says that the operator's schema does not take half precision for what the node reads; undefined if it does. */
function whyNoHalf(node: Node, graph: Graph): string | undefined {
  const { op, domain = "", inputs, attrs, outputs } = node;
  const types = inputs.map((name, at): InferInput | null => {
    if (name === "") return null;
    const { dtype, shape } = typeOf(graph, name);
    const constant = graph.initializers.get(name);
    const half = dtype === "float32" && !staysFloat(node, at) ? "float16" : dtype;
    // Passes run on traced graphs, whose dimensions are numbers.
    return { dtype: half, shape: shape as readonly number[], ...(constant === undefined ? {} : { constant }) };
  });
  try {
    schemaOf(op, domain)?.infer(types, attrs, outputs.length);
    return undefined;
  } catch (error) {
    if (error instanceof TypeError) return `${op} has no half precision`;
    throw error;
  }
}

interface Plan {
  readonly graph: Graph;
  readonly index: Index;
  readonly kept: ReadonlyMap<Node, string>;
}

/** The values of real numbers that `node` reads and that are computed, each once. */
function realOperands({ inputs }: Node, { graph, index }: Plan): readonly string[] {
  return [...new Set(inputs)].filter((name) =>
    index.constant(name) === undefined && graph.types.get(name)?.dtype === "float32"
  );
}

/** Whether an operand is kept, all of them if elements are only moved. */
function isPromoted(node: Node, plan: Plan): boolean {
  const { elementwise, movement } = traitsOf(node);
  const operands = realOperands(node, plan);
  const isKept = (name: string) => {
    const producer = plan.index.producer(name);
    return producer !== undefined && plan.kept.has(producer);
  };
  if (operands.length === 0 || (!elementwise && !movement)) return false;
  return movement ? operands.every(isKept) : operands.some(isKept);
}

/** Whether nothing but kept nodes reads what `node` makes of one value: the squares under a sum. */
function isForKept(node: Node, plan: Plan): boolean {
  const { elementwise, movement } = traitsOf(node);
  if ((!elementwise && !movement) || realOperands(node, plan).length !== 1) return false;
  const { index, kept } = plan;
  return node.outputs.every((name) => {
    const readers = index.uses(name);
    return !index.isOutput(name) && readers.length > 0 && readers.every((reader) => kept.has(reader));
  });
}

/** Weights of which fewer than this share are below 2⁻¹⁴ are as good as before: any layer has some near 0. */
const FEW = 0.01;

/** Says that a constant has many numbers that lose bits in half precision, as a sentence's rest; undefined if it has few. */
export function describeLosses({ data }: Tensor): string | undefined {
  const { subnormal, vanished } = lossesOfHalf(data as Float32Array);
  if (subnormal <= FEW * data.length) return undefined;
  const gone = vanished === 0 ? "" : `, ${vanished} of them become 0`;
  return `of its ${data.length} weights ${subnormal} are below 2⁻¹⁴ and keep fewer bits${gone}`;
}
