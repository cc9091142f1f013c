/**
 * Gives products the form in which WebNN's compilers know them: every one has a bias, and a Gemm's weights have a row for
 * each output.
 *
 * Chromium's backend makes one integer operator of a convolution between pairs if its bias is int32 codes, and leaves it in
 * float if there is none; a Gemm of one scale an output it takes transposed only. A bias of zeros, and weights that are
 * transposed, change no number.
 *
 * Source: Chromium, services/webnn/tflite/graph_builder_tflite.cc, CanFuseQuantizeAndGetOutput of Conv2d and Gemm.
 */
import { biasScale } from "../../numbers/bias_grid.ts";
import { allocate } from "../../numbers/dtype.ts";
import type { Graph, Node, Tensor } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** Transposes weights of Gemm where they are codes, and adds biases of zeros where there are none between codes. */
export const explicitProducts: Pass = definePass({ name: "explicitProducts", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const product = productOf(node, index);
    out.push(product === undefined ? node : explicit(node, { ...product, index, out }));
  }
  const written = removeDeadNodes(out.finish());
  const alive = new Set([...written.inputs, ...written.nodes.flatMap(({ outputs }) => outputs)]);
  return { ...written, types: new Map([...written.types].filter(([name]) => alive.has(name))) };
}

interface Product {
  /** The DequantizeLinear of what is multiplied. */
  readonly x: Node;
  /** The DequantizeLinear of the weights, which are constant. */
  readonly w: Node;
}

function productOf({ op, inputs }: Node, { producer, constant }: Index): Product | undefined {
  if (op !== "Conv" && op !== "Gemm") return undefined;
  const [x, w] = [producer(inputs[0]), producer(inputs[1])];
  if (x?.op !== "DequantizeLinear" || w?.op !== "DequantizeLinear") return undefined;
  return constant(w.inputs[0]) === undefined || constant(x.inputs[1])?.data.length !== 1 ? undefined : { x, w };
}

interface Context extends Product {
  readonly index: Index;
  readonly out: GraphWriter;
}

function explicit(node: Node, context: Context): Node {
  const inRows = node.op === "Gemm" && node.attrs.transB !== 1 ? transposedWeights(node, context) : node;
  return inRows.inputs[2] ? inRows : { ...inRows, inputs: [...inRows.inputs.slice(0, 2), zeroBias(inRows, context)] };
}

function transposedWeights(node: Node, { w, index, out }: Context): Node {
  const [codes, scale, zeroPoint] = w.inputs;
  const name = `${codes}_rows`;
  const rows = out.constant(name, ...transposed(index.constant(codes)!));
  const isPerChannel = index.constant(scale)!.data.length > 1;
  const real = append(out, { ...w, inputs: [rows, scale, zeroPoint], attrs: isPerChannel ? { axis: 0 } : {} }, {
    dtype: "float32",
    shape: index.constant(codes)!.shape.toReversed(),
  });
  return { ...node, inputs: node.inputs.with(1, real), attrs: { ...node.attrs, transB: 1 } };
}

/** A matrix with its axes changed. */
function transposed(
  { dtype, shape: [rows, columns], data }: Tensor,
): [Tensor["dtype"], readonly number[], Tensor["data"]] {
  const moved = allocate(dtype, data.length);
  for (let i = 0; i < data.length; i++) moved[i % columns * rows + Math.floor(i / columns)] = data[i];
  return [dtype, [columns, rows], moved];
}

/** Adds int32 zeros on the grid of the products. */
function zeroBias(node: Node, { x, w, index, out }: Context): string {
  const channels = Number(out.types.get(node.outputs[0])!.shape[1]);
  const [sx, sw] = [x, w].map(({ inputs }) => index.constant(inputs[1])!.data);
  const scales = Float32Array.from(
    { length: channels },
    (_, c) => biasScale(Number(sx[0]), Number(sw[sw.length === 1 ? 0 : c])),
  );
  const base = `${node.layer ?? node.name}/bias`;
  const inputs = [
    out.constant(base, "int32", [channels], new Int32Array(channels)),
    out.constant(`${base}_scale`, "float32", [channels], scales),
    out.constant(`${base}_zero_point`, "int32", [channels], new Int32Array(channels)),
  ];
  return append(out, { ...w, inputs, attrs: { axis: 0 } }, { dtype: "float32", shape: [channels] });
}

/** Appends a node like one that is there, under names of its own, and returns what it gives. */
function append(out: GraphWriter, node: Node, type: { readonly dtype: "float32"; readonly shape: readonly number[] }) {
  const output = out.fresh(node.outputs[0]);
  out.types.set(output, type);
  out.push({ ...node, name: out.fresh(node.name), outputs: [output] });
  return output;
}
