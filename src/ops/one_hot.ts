import type { OneHotAttrs, OneHotInputs } from "@tensorflow/tfjs-core";
import { cast, scalar, unsqueezed } from "./_emit.ts";
import { defineOp, Unsupported } from "./op.ts";

/**
 * A new last dimension with `onValue` at the index and `offValue` elsewhere.
 *
 * An index outside [0, depth) gives no `onValue`; ONNX's OneHot would count a negative one from the end.
 * Shapes: indices any → [..., depth].
 */
export const oneHot = defineOp<OneHotInputs, OneHotAttrs>({
  kernel: "OneHot",
  lower: (emit, { indices }, { dtype, depth, onValue, offValue }) => {
    if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
      throw new Unsupported(`Cannot lower "OneHot" to ${dtype}: ONNX has no such element type here`);
    }
    const classes = emit.constant("int32", [depth], Array.from({ length: depth }, (_, i) => i));
    const last = unsqueezed(emit, cast(emit, indices, "int32"), [indices.shape.length]);
    const hit = emit.node("Equal", [last, classes]);
    if (onValue === 1 && offValue === 0) return cast(emit, hit, dtype);
    const chosen = emit.node("Where", [hit, scalar(emit, "float32", onValue), scalar(emit, "float32", offValue)]);
    return cast(emit, chosen, dtype);
  },
});
