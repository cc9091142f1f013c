/**
 * What operators make of the channels that do not count.
 *
 * Those of a value that was brought into blocks hold zeros. From there on it follows from the operators' traits: what is
 * not known to be a number is "any", and is brought into blocks anew before it is summed up.
 */
import type { Node } from "../../../onnx/graph.ts";
import { traitsOf } from "../../../onnx/schema/mod.ts";
import type { BlockedForms, Padding } from "./_forms.ts";

/** What an operator that works element by element leaves in channels that do not count. */
export function paddingAfter(node: Node, forms: BlockedForms): Padding {
  const held = node.inputs.map((name) => forms.operandPadding(name));
  if (!held.includes("any") && makesZero(node, { held, forms })) return "zero";
  const isWhole = !forms.out.typeOf(node.outputs[0]).dtype.startsWith("float");
  return isWhole || (traitsOf(node).keepsFinite && !held.includes("any")) ? "finite" : "any";
}

/** Whether the zeros among what the operands hold make the result 0. */
function makesZero(
  node: Node,
  { held, forms }: { readonly held: readonly Padding[]; readonly forms: BlockedForms },
): boolean {
  if (node.op === "Clip") return held[0] === "zero" && clipsAroundZero(node, forms);
  const { mapsZeroToZero: needed } = traitsOf(node);
  if (needed === undefined) return false;
  if (needed === "any") return held.includes("zero");
  return held.every((padding, i) => padding === "zero" || (needed !== "all" && !needed.includes(i)));
}

/** Whether the bounds of a Clip are known, and 0 lies between them. */
function clipsAroundZero({ inputs }: Node, forms: BlockedForms): boolean {
  const [low, high] = [inputs[1], inputs[2]].map((name) => {
    const bound = name === undefined || name === "" ? undefined : forms.out.typeOf(name).constant;
    return name === undefined || name === "" ? 0 : Number(bound?.data[0] ?? NaN);
  });
  return low <= 0 && high >= 0;
}

/** What quantizing or dequantizing by one scale leaves: codes are numbers, and 0 comes back from its own grid as 0. */
export function paddingOnGrid({ op, inputs }: Node, forms: BlockedForms): Padding {
  const quantize = op === "DequantizeLinear" ? forms.index.producer(inputs[0]) : undefined;
  const isSameGrid = quantize?.op === "QuantizeLinear" && quantize.inputs.slice(1).join() === inputs.slice(1).join();
  return isSameGrid && forms.paddingOf(quantize.inputs[0]) === "zero" ? "zero" : "finite";
}
