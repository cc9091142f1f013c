/**
 * Multiplies on integers with ranges that are found as the file runs.
 *
 *   q, s, z = DynamicQuantizeLinear(x)
 *   y = Cast(MatMulInteger(q, W, z)) · (s · s_W[c]) + b
 *
 * In this form, node by node and in this order, ONNX Runtime makes one DynamicQuantizeMatMul of it, or
 * MatMulIntegerToFloat where several products read the same codes (matmul_integer_to_float.cc,
 * dynamic_quantize_matmul_fusion.cc). The range is that of the whole tensor, the samples of a batch together.
 */
import { codeOf } from "../../../numbers/dtype.ts";
import type { QuantScheme } from "../../../numbers/scheme.ts";
import type { Graph, Node } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { emitBias, IntegerConstants, type Product, productOf } from "./_weights.ts";

/** Names of what DynamicQuantizeLinear makes of a value. */
interface Codes {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** Makes products with constant matrices, dense layers and projections, products of integers. */
export function dynamicProducts(scheme: QuantScheme): Pass {
  return definePass({ name: "dynamicProducts", rewrite: (graph, decline) => rewrite(graph, scheme, decline) });
}

function rewrite(graph: Graph, scheme: QuantScheme, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const weights = new IntegerConstants(out, scheme);
  const inputs = new Map<string, Codes>();
  for (const node of graph.nodes) {
    const product = productOf(node, index);
    if (product === undefined) {
      const because = whyFloat(node, index);
      if (because !== undefined) decline(node, because);
      out.push(node);
      continue;
    }
    const codes = inputs.get(product.x) ?? quantized(product.x, node, out);
    inputs.set(product.x, codes);
    emitProduct(product, { codes, node, weights, isShared: index.uses(product.w).length > 1 });
  }
  return removeDeadNodes(out.finish());
}

/** Appends the DynamicQuantizeLinear of `x`, which all that multiply with it share. */
function quantized(x: string, like: Node, out: GraphWriter): Codes {
  const [codes, scale, zeroPoint] = ["codes", "scale", "zero_point"].map((part) => out.fresh(`${x}_${part}`));
  out.append({
    op: "DynamicQuantizeLinear",
    name: out.fresh(`${x}_quantize`),
    inputs: [x],
    outputs: [codes, scale, zeroPoint],
    attrs: {},
    layer: like.layer,
    ...out.infer("DynamicQuantizeLinear", [out.typeOf(x)], { attrs: {}, outputs: 3 }),
  });
  return { codes, scale, zeroPoint };
}

function emitProduct({ w, matrix, bias }: Product, { codes, node, weights, isShared }: {
  readonly codes: Codes;
  readonly node: Node;
  readonly weights: IntegerConstants;
  readonly isShared: boolean;
}): void {
  const { out } = weights;
  const { codes: integers, scale, zeroPoint } = weights.along(1, w, {
    tensor: matrix,
    dtype: isShared ? "uint8" : "int8",
  });
  const zeros = isShared ? [codes.zeroPoint, zeroPoint] : [codes.zeroPoint];
  const sum = out.emit("MatMulInteger", [codes.codes, integers, ...zeros], { like: node });
  const real = out.emit("Cast", [sum], { attrs: { to: codeOf("float32") }, like: node });
  const scales = out.emit("Mul", [codes.scale, scale], { like: node });
  if (bias === undefined) out.emit("Mul", [real, scales], { output: node.outputs[0], like: node });
  else emitBias(out, node, out.emit("Mul", [real, scales], { like: node }), bias);
}

const CONVOLUTIONS = new Set(["Conv", "ConvTranspose"]);
const RECURRENT = new Set(["GRU", "RNN"]);
const PRODUCTS = new Set(["MatMul", "Gemm", "FusedMatMul", "Einsum"]);

/** Says why a node whose weights could be integers computes in float; undefined if there is nothing to say. */
function whyFloat({ op, inputs }: Node, { constant }: Index): string | undefined {
  const isConstant = constant(inputs[1])?.dtype === "float32";
  if (CONVOLUTIONS.has(op)) {
    return "convolutions with ranges at run time are slower than in float: take method static, or weights for size alone";
  }
  if (RECURRENT.has(op)) return `ONNX Runtime has no ${op} with integer weights`;
  if (!PRODUCTS.has(op)) return undefined;
  if (isConstant) return "its constant is no plain matrix";
  return constant(inputs[0])?.dtype === "float32" ? "its constant is the left operand" : undefined;
}
