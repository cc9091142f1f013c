/** How the operations of `src/operations` are quantized. */
import { float, type LayerRule, noKernel, rescale, sameScale } from "./layer_rule.ts";

/** Those that move numbers, and those that integer kernels compute; what is not here stays in float. */
const RULES: Readonly<Record<string, LayerRule>> = {
  gather: sameScale,
  slice: sameScale,
  tile: sameScale,
  // A bound that the grid behind it has anyway.
  clip: rescale,
  matMul: rescale,
  // A product with itself.
  square: rescale,
};

/** What ONNX Runtime lacks, by the operation's name, where it says more than that. */
const LACKING: Readonly<Record<string, string>> = {
  hardSigmoid: "HardSigmoid",
  reduce: "reductions over axes of one's own",
  resize: "resizing to a size of one's own",
  pad: "this padding",
};

/** Returns the rule of an operation. */
export function operationRule(operation: unknown): LayerRule {
  if (typeof operation !== "string") return float("it is no operation that is known");
  return Object.hasOwn(RULES, operation) ? RULES[operation] : noKernel(LACKING[operation] ?? `"${operation}"`);
}
