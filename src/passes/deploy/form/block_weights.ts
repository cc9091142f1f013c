/**
 * Keeps constant matrices in blocks of 4 or 8 bits, which MatMulNBits multiplies with; activations stay float.
 *
 * ONNX's own DequantizeLinear has blocks and 4 bits from opset 21 on, and ONNX Runtime turns that into MatMulNBits on some
 * providers only; written as that operator itself the file runs at opset 17, on the CPU and on WebGPU alike.
 */
import { type BlockScheme, quantizeBlocks } from "../../../numbers/blocks.ts";
import type { Attrs, Graph, Node, Tensor } from "../../../onnx/graph.ts";
import { indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { emitBias, finiteElements, type Product, productOf } from "./_weights.ts";

/** How matrices are cut into blocks, and what is multiplied with them. */
export interface BlockForm extends BlockScheme {
  /**
   * Whether the CPU provider may round what it multiplies with, block by block, to int8 (`accuracy_level` 4), which is about
   * 3 times as fast. In blocks of 8 bits it has no fast kernel for anything else on x86: 90 times as slow.
   */
  readonly products: "float32" | "int8";
}

/** Makes MatMulNBits of products with constant matrices, where blocks take fewer bytes than float32 does. */
export function blockWeights(scheme: BlockForm): Pass {
  return definePass({ name: "blockWeights", rewrite: (graph, decline) => rewrite(graph, scheme, decline) });
}

function rewrite(graph: Graph, scheme: BlockForm, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const known = new Map<string, readonly string[]>();
  for (const node of graph.nodes) {
    const product = productOf(node, index);
    if (product === undefined || !saves(product.matrix, scheme)) {
      const because = whyNoBlocks(node, product, scheme);
      if (because !== undefined) decline(node, because);
      out.push(node);
      continue;
    }
    const operands = known.get(product.w) ?? blocksOf(product, scheme, out);
    known.set(product.w, operands);
    emitProduct(product, { operands, node, scheme, out });
  }
  return removeDeadNodes(out.finish());
}

/** Adds codes, scales and zero points of a matrix and returns their names. */
function blocksOf({ w, matrix }: Product, scheme: BlockScheme, out: GraphWriter): readonly string[] {
  const { bits, size } = scheme;
  const [k, n] = matrix.shape;
  const { codes, scales, zeroPoints, count } = quantizeBlocks(finiteElements(w, matrix), [k, n], scheme);
  return [
    out.constant(`${w}_codes`, "uint8", [n, count, size * bits / 8], codes),
    out.constant(`${w}_scale`, "float32", [n, count], scales),
    ...zeroPoints === undefined
      ? []
      : [out.constant(`${w}_zero_point`, "uint8", [n, zeroPoints.length / n], zeroPoints)],
  ];
}

function emitProduct({ x, matrix, bias }: Product, { operands, node, scheme, out }: {
  readonly operands: readonly string[];
  readonly node: Node;
  readonly scheme: BlockForm;
  readonly out: GraphWriter;
}): void {
  const [K, N] = matrix.shape;
  const plain: Attrs = { K, N, bits: scheme.bits, block_size: scheme.size };
  const attrs = scheme.products === "int8" ? { ...plain, accuracy_level: 4 } : plain;
  const inputs = [x, ...operands];
  if (bias === undefined) out.emit("MatMulNBits", inputs, { attrs, output: node.outputs[0], like: node });
  else emitBias(out, node, out.emit("MatMulNBits", inputs, { attrs, like: node }), bias);
}

/** Whether blocks take fewer bytes than float32, the last ones being filled up. */
function saves({ shape: [k, n], data }: Tensor, { bits, size, symmetric }: BlockScheme): boolean {
  const count = Math.ceil(k / size);
  const zeros = symmetric ? 0 : Math.ceil(count * bits / 8);
  return n * (count * (size * bits / 8 + 4) + zeros) < 4 * data.length;
}

const CONVOLUTIONS = new Set(["Conv", "ConvTranspose", "LSTM", "GRU", "RNN"]);

function whyNoBlocks({ op }: Node, product: Product | undefined, { bits, size }: BlockScheme): string | undefined {
  if (product !== undefined) return `its ${product.matrix.data.length} weights fill too little of blocks of ${size}`;
  return CONVOLUTIONS.has(op)
    ? `only products have ${bits}-bit blocks: its weights are int8, one scale a channel`
    : undefined;
}
