/**
 * Writes products with constant matrices in one way: x · W, W as it is read.
 *
 * TF.js multiplies with transposed matrices too, and ONNX says so in attributes; what makes integers of weights looks at
 * one form.
 */
import type { Graph, Node, Tensor } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { definePass, type Pass } from "../../pass.ts";
import { finiteElements, transposedTensor } from "./_weights.ts";

/** Transposes constant matrices that Gemm and FusedMatMul transpose as they multiply; FusedMatMul becomes MatMul. */
export const plainProducts: Pass = definePass({ name: "plainProducts", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const turned = new Map<string, string>();
  const turn = (name: string, matrix: Tensor): string => {
    const known = turned.get(name);
    if (known !== undefined) return known;
    // Before elements go elsewhere, so that an error tells where they are.
    finiteElements(name, matrix);
    const { dtype, shape, data } = transposedTensor(matrix);
    const made = out.constant(`${name}_transposed`, dtype, shape, data);
    turned.set(name, made);
    return made;
  };
  for (const node of graph.nodes) out.push(plain(node, index, turn) ?? node);
  return removeDeadNodes(out.finish());
}

function plain(node: Node, index: Index, turn: (name: string, matrix: Tensor) => string): Node | undefined {
  const { op, attrs: { transB, ...others }, inputs: [x, w, ...rest] } = node;
  const matrix = index.constant(w);
  if (matrix?.shape.length !== 2 || matrix.dtype !== "float32" || transB !== 1) return undefined;
  const inputs = [x, turn(w, matrix), ...rest];
  if (op === "Gemm") return { ...node, attrs: { ...others, transB: 0 }, inputs };
  if (op !== "FusedMatMul" || others.transA === 1 || others.alpha !== undefined && others.alpha !== 1) return undefined;
  if (others.transBatchA === 1 || others.transBatchB === 1) return undefined;
  const { domain: _, ...product } = node;
  return { ...product, op: "MatMul", attrs: {}, inputs };
}
