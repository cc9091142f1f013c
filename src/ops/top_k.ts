import type { TopKAttrs, TopKInputs } from "@tensorflow/tfjs-core";
import { cast, vector } from "./_emit.ts";
import { defineOp, Unsupported } from "./op.ts";

/**
 * The k greatest elements along the last axis and their indices, of equal elements the first.
 *
 * They come in descending order whether `sorted` or not. Shapes: x [..., n] → [..., k] twice, the second int32.
 */
export const topK = defineOp<TopKInputs, TopKAttrs>({
  kernel: "TopK",
  lower: (emit, { x }, { k }) => {
    if (x.dtype === "bool") throw new Unsupported(`Cannot lower "TopK" of bool: ONNX orders numbers only`);
    const [values, indices] = emit.nodes("TopK", [x, vector(emit, [k])], { axis: -1 }, 2);
    return [values, cast(emit, indices, "int32")];
  },
});
