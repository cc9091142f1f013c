/**
 * Keeps weights as int8 behind DequantizeLinear, one scale an output channel; everything is computed in float.
 *
 * Biases stay float: WebGPU has no kernel for int32 zero points. Matrices of Gemm are transposed, so that a scale's weights
 * lie in a row: ONNX Runtime 1.30's CPU provider dequantizes rows 25 times as fast as columns, and would otherwise make
 * MatMulNBits of the pair, which rounds activations.
 */
import type { QuantScheme } from "../../../numbers/scheme.ts";
import type { Graph, Node, Tensor } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { finiteElements, IntegerConstants, savesBytes, transposedTensor } from "./_weights.ts";

/** An operand that is weights, and the axis of its output channels, counted from the end if negative. */
interface WeightOperand {
  readonly at: number;
  readonly axis: number;
}

/** Recurrent weights are [directions, gates · units, inputs]: both directions share the scale of a row. */
const RECURRENT: readonly WeightOperand[] = [{ at: 1, axis: 1 }, { at: 2, axis: 1 }];

const WEIGHTS: Readonly<Record<string, readonly WeightOperand[]>> = {
  Conv: [{ at: 1, axis: 0 }],
  ConvTranspose: [{ at: 1, axis: 1 }],
  Gemm: [{ at: 1, axis: 0 }],
  MatMul: [{ at: 0, axis: -2 }, { at: 1, axis: -1 }],
  LSTM: RECURRENT,
  GRU: RECURRENT,
  RNN: RECURRENT,
};

/** Writes constant weights of convolutions, products and recurrent layers as codes, where that saves bytes. */
export function integerWeights(scheme: QuantScheme): Pass {
  return definePass({ name: "integerWeights", rewrite: (graph, decline) => rewrite(graph, scheme, decline) });
}

function rewrite(graph: Graph, scheme: QuantScheme, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const constants = new IntegerConstants(out, scheme);
  const dequantized = new Map<string, string>();
  for (const node of graph.nodes) {
    const found = weightsOf(node, index);
    const kept = found.filter(({ tensor, axis }) => savesBytes(tensor, axis));
    if (kept.length < found.length) decline(node, "its weights are so few that codes and scales take as many bytes");
    const inputs = [...node.inputs];
    for (const weight of kept) inputs[weight.at] = dequantize(weight, { node, constants, dequantized });
    const attrs = node.op === "Gemm" && kept.length > 0 ? { ...node.attrs, transB: 1 } : node.attrs;
    out.push({ ...node, inputs, attrs });
  }
  return removeDeadNodes(out.finish());
}

interface Weight extends WeightOperand {
  readonly name: string;
  readonly tensor: Tensor;
}

function weightsOf({ op, inputs, attrs }: Node, { constant }: Index): readonly Weight[] {
  const operands = Object.hasOwn(WEIGHTS, op) ? WEIGHTS[op] : [];
  return operands.flatMap(({ at, axis }): readonly Weight[] => {
    const tensor = constant(inputs[at]);
    if (tensor?.dtype !== "float32" || tensor.shape.length < 2) return [];
    if (op !== "Gemm") return [{ at, name: inputs[at], tensor, axis: axis < 0 ? axis + tensor.shape.length : axis }];
    // Before elements go elsewhere, so that an error tells where they are.
    finiteElements(inputs[at], tensor);
    return [{ at, name: inputs[at], tensor: attrs.transB === 1 ? tensor : transposedTensor(tensor), axis: 0 }];
  });
}

function dequantize({ name, tensor, axis }: Weight, { node, constants, dequantized }: {
  readonly node: Node;
  readonly constants: IntegerConstants;
  readonly dequantized: Map<string, string>;
}): string {
  const { codes, scale, zeroPoint } = constants.along(axis, name, { tensor });
  const known = dequantized.get(codes);
  if (known !== undefined) return known;
  const real = constants.out.emit("DequantizeLinear", [codes, scale, zeroPoint], { attrs: { axis }, like: node });
  dequantized.set(codes, real);
  return real;
}
