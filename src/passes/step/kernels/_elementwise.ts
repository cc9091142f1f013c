/**
 * QLinearAdd and QLinearMul.
 *
 * Source: MLAS of ONNX Runtime 1.30, qladd_avx2.cpp and qlmul.cpp; f32 rounds to float32, codes a, b, c:
 *
 *   Add   r_a = f32(s_a / s_c), r_b = f32(s_b / s_c), f = f32(z_c − fma(r_a, z_a, f32(r_b·z_b)))
 *         c = clamp(rne(fma(r_a, a, fma(r_b, b, f))))
 *   Mul   c = clamp(rne(f32(f32((a − z_a)(b − z_b) · f32(f32(s_a·s_b) / s_c)) + z_c)))
 *
 * Fused multiply-adds are computed in float64: a ratio times a code is exact there, and so is the sum, unless the ratio
 * and what it is added to are more than 2^20 apart.
 */
import type { Node } from "../../../onnx/graph.ts";
import { cast, type KernelRule, operandOf, type Site, type Steps, type Write, writing } from "./_site.ts";

/** Sums of two values, as AVX2 with FMA computes them. */
export const add: KernelRule = (node, site) => {
  const write = writing(site, node);
  const [a, b] = inKernelOrder(node, site).map((name) => operandOf(name, site, write));
  if (a === undefined || b === undefined) return undefined;
  const { output } = site;
  const [ratioA, ratioB] = [a, b].map(({ scale }) => cast(write, write("Div", [scale, output.scale]), "float64"));
  const float = (value: string) => cast(write, value, "float32");
  const double = (value: string) => cast(write, value, "float64");
  const [zeroA, zeroB] = [a, b].map(({ zeroPoint }) => double(zeroPoint));
  const product = double(float(write("Mul", [ratioB, zeroB])));
  const zeros = float(write("Add", [write("Mul", [ratioA, zeroA]), product]));
  const fixed = double(write("Sub", [cast(write, output.zeroPoint, "float32"), zeros]));
  // Codes are their steps and the zero point: ratio·code = ratio·steps + ratio·zero, all exact.
  const timesCode = (steps: string, ratio: string) => write("Mul", [double(steps), ratio]);
  const inner = write("Add", [timesCode(b.steps, ratioB), write("Add", [fixed, write("Mul", [ratioB, zeroB])])]);
  const rest = write("Add", [double(float(inner)), write("Mul", [ratioA, zeroA])]);
  return { value: float(write("Add", [timesCode(a.steps, ratioA), rest])), areCodes: true };
};

/** ONNX Runtime hands its kernel a number that is spread over a whole run as the second operand. */
function inKernelOrder({ inputs: [a, b] }: Node, { out }: Site): readonly [string, string] {
  const [last, other] = [a, b].map((name) => out.typeOf(name).shape.at(-1) ?? 1);
  return last === 1 && other !== 1 ? [b, a] : [a, b];
}

/** Products of two values. */
export const multiply: KernelRule = (node, site) => {
  const write = writing(site, node);
  const [a, b] = node.inputs.map((name) => operandOf(name, site, write));
  if (a === undefined || b === undefined) return undefined;
  const ratio = write("Div", [write("Mul", [a.scale, b.scale]), site.output.scale]);
  const value = write("Mul", [write("Mul", [a.steps, b.steps]), ratio]);
  return withZeroPoint(value, site, write);
};

/** Adds the zero point before rounding, as some kernels do. */
export function withZeroPoint(value: string, { output }: Site, write: Write): Steps {
  return { value: write("Add", [value, cast(write, output.zeroPoint, "float32")]), areCodes: true };
}
