/** How the operations of `src/operations` are quantized. */
import { float, hardSigmoid, type LayerRule, noKernel, rescale, sameScale } from "./layer_rule.ts";

/** An operation, and its options. */
export type OperationDescription = Readonly<{ operation?: unknown; options?: unknown }>;

/** Those that move numbers, and those that integer kernels compute; what is not here stays in float. */
const RULES: Readonly<Record<string, LayerRule | ((options: Readonly<Record<string, unknown>>) => LayerRule)>> = {
  gather: sameScale,
  // What is added is 0, or is there already.
  pad: ({ mode, value }) =>
    mode === "constant" && value !== 0 ? noKernel("padding by a number other than 0") : sameScale,
  reverse: sameScale,
  slice: sameScale,
  tile: sameScale,
  hardSigmoid,
  // A bound that the grid behind it has anyway.
  clip: rescale,
  matMul: rescale,
  // A product with itself.
  square: rescale,
};

/** What ONNX Runtime lacks, by the operation's name, where it says more than that. */
const LACKING: Readonly<Record<string, string>> = {
  reduce: "reductions over axes of one's own",
  resize: "resizing to a size of one's own",
  blend: "resizing by sums of its own",
  responseNorm: "LRN",
};

/** Returns the rule of an operation. */
export function operationRule({ operation, options }: OperationDescription): LayerRule {
  if (typeof operation !== "string") return float("it is no operation that is known");
  if (!Object.hasOwn(RULES, operation)) {
    return noKernel(Object.hasOwn(LACKING, operation) ? LACKING[operation] : `"${operation}"`);
  }
  const rule = RULES[operation];
  return typeof rule === "function" ? rule(Object(options)) : rule;
}
