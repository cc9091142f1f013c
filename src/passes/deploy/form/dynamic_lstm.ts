/**
 * Runs LSTMs on int8 weights with ranges that are found as the file runs, by ONNX Runtime's DynamicQuantizeLSTM.
 *
 * That operator takes the transposed weights of ONNX's LSTM, [directions, inputs, 4 · units], and has a scale for each
 * direction and column. Inputs are rounded to uint8 as a whole, states anew at every step.
 */
import type { QuantScheme } from "../../../numbers/scheme.ts";
import type { Graph, Node, Tensor } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { roundedAlong, storedAs, transposedTensor } from "./_weights.ts";

/** Makes DynamicQuantizeLSTM of every LSTM with constant weights. */
export function dynamicLstm(scheme: QuantScheme): Pass {
  return definePass({ name: "dynamicLstm", rewrite: (graph, decline) => rewrite(graph, scheme, decline) });
}

function rewrite(graph: Graph, scheme: QuantScheme, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const known = new Map<string, Grid>();
  const gridOf = (name: string) => {
    const dtype = index.uses(name).length > 1 ? "uint8" : "int8";
    const grid = known.get(name) ?? quantized(name, { tensor: index.constant(name)!, scheme, dtype, out });
    known.set(name, grid);
    return grid;
  };
  for (const node of graph.nodes) {
    const because = node.op === "LSTM" ? whyFloat(node, index) : undefined;
    if (because !== undefined) decline(node, because);
    if (node.op !== "LSTM" || because !== undefined) out.push(node);
    else out.push(onIntegers(node, gridOf));
  }
  return removeDeadNodes(out.finish());
}

function whyFloat({ inputs, attrs }: Node, { constant }: Index): string | undefined {
  if (attrs.layout === 1) return "the batch is its first dimension, which DynamicQuantizeLSTM does not have";
  const weights = [constant(inputs[1]), constant(inputs[2])];
  return weights.every((tensor) => tensor?.dtype === "float32") ? undefined : "its weights are no constants";
}

/** Names of codes [directions, inputs, columns], of scales and of zero points [directions, columns]. */
interface Grid {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

function quantized(name: string, { tensor, scheme, dtype, out }: {
  readonly tensor: Tensor;
  readonly scheme: QuantScheme;
  readonly dtype: "int8" | "uint8";
  readonly out: GraphWriter;
}): Grid {
  const [directions, columns, inputs] = tensor.shape;
  // Rows of all directions have a scale each.
  const rows: Tensor = { ...tensor, shape: [directions * columns, inputs] };
  const rounded = roundedAlong(0, { name, tensor: rows, scheme });
  const { data, zeros } = storedAs(dtype, rounded);
  const codes = data.slice();
  for (let d = 0, size = columns * inputs; d < directions; d++) {
    const matrix: Tensor = { dtype, shape: [columns, inputs], data: data.subarray(d * size, (d + 1) * size) };
    codes.set(transposedTensor(matrix).data as Int8Array | Uint8Array, d * size);
  }
  return {
    codes: out.constant(`${name}_codes`, dtype, [directions, inputs, columns], codes),
    scale: out.constant(`${name}_scale`, "float32", [directions, columns], rounded.scale),
    zeroPoint: out.constant(`${name}_zero_point`, dtype, [directions, columns], zeros),
  };
}

/** Inputs of an LSTM: x, W, R, bias, lengths, the states h and c, peepholes. */
const INPUTS = 8;

function onIntegers(node: Node, gridOf: (name: string) => Grid): Node {
  const [w, r] = [gridOf(node.inputs[1]), gridOf(node.inputs[2])];
  const rest = Array.from({ length: INPUTS - 3 }, (_, i) => node.inputs[i + 3] ?? "");
  const { layout: _, ...attrs } = node.attrs;
  const grids = [w.scale, w.zeroPoint, r.scale, r.zeroPoint];
  return {
    ...node,
    op: "DynamicQuantizeLSTM",
    domain: "com.microsoft",
    inputs: [node.inputs[0], w.codes, r.codes, ...rest, ...grids],
    attrs,
  };
}
