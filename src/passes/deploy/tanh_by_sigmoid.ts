/**
 * Computes tanh between grids by sigmoid, which has an int8 kernel.
 *
 * tanh(x) = 2·sigmoid(2x) − 1. The same codes read with twice the scale stand for 2x; and 256·sigmoid(2x), the code of the
 * sigmoid on the grid of scale 1/256 from 0, is 128·tanh(x) + 128, the code of the tanh on the grid of scale 1/128 around
 * 128. So only scales and zero points change.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";

/** Replaces DQ → Tanh → Q by DQ of twice the scale → Sigmoid → Q, where the results stand on the grid of tanh. */
export function tanhBySigmoid(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const replaced = new Set<Node>();
  for (const node of graph.nodes) {
    const quantize = node.op === "Tanh" ? index.soleUse(node.outputs[0]) : undefined;
    const source = index.producer(node.inputs[0]);
    if (quantize !== undefined && source !== undefined && isBetween(source, quantize, index)) {
      emitSigmoid(node, { source, quantize, index, out });
      replaced.add(quantize);
    } else if (!replaced.has(node)) out.push(node);
  }
  return removeDeadNodes(out.finish());
}

/** Whether the value is dequantized before by one scale, and put on the grid of tanh behind. */
function isBetween(source: Node, quantize: Node, { constant }: Index): boolean {
  if (source.op !== "DequantizeLinear" || quantize.op !== "QuantizeLinear") return false;
  const [scale, zeroPoint] = [constant(quantize.inputs[1]), constant(quantize.inputs[2])];
  return constant(source.inputs[1])?.data.length === 1 && scale?.data.length === 1 &&
    Number(scale.data[0]) === 1 / 128 && zeroPoint?.dtype === "uint8" && Number(zeroPoint.data[0]) === 128;
}

interface Emission {
  readonly source: Node;
  readonly quantize: Node;
  readonly index: Index;
  readonly out: GraphWriter;
}

function emitSigmoid(node: Node, { source, quantize, index, out }: Emission): void {
  const [codes, scale, ...zeroPoint] = source.inputs;
  const twice = Float32Array.of(2 * Number(index.constant(scale)!.data[0]));
  const base = node.outputs[0];
  const real = out.emit(
    "DequantizeLinear",
    [codes, out.constant(`${base}_twice`, "float32", [], twice), ...zeroPoint],
    {
      like: node,
    },
  );
  const sigmoid = out.emit("Sigmoid", [real], { like: node });
  const grid = [
    out.constant(`${base}_scale`, "float32", [], Float32Array.of(1 / 256)),
    out.constant(`${base}_zero_point`, "uint8", [], Uint8Array.of(0)),
  ];
  out.push({ ...quantize, inputs: [sigmoid, ...grid] });
}
