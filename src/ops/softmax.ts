import type { LogSoftmaxAttrs, LogSoftmaxInputs, SoftmaxAttrs, SoftmaxInputs } from "@tensorflow/tfjs-core";
import { needFloat } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives exp(x - max) / sum of the same along the last axis. Shapes: logits [..., n] → the same. Range: [0, 1]. */
export const softmax = defineOp<SoftmaxInputs, SoftmaxAttrs>({
  kernel: "Softmax",
  lower: (emit, { logits }, { dim }) => {
    needFloat("Softmax", logits);
    return emit.node("Softmax", [logits], { axis: dim });
  },
});

/** The logarithm of {@linkcode softmax}, along `axis`. Shapes: logits any → the same. */
export const logSoftmax = defineOp<LogSoftmaxInputs, LogSoftmaxAttrs>({
  kernel: "LogSoftmax",
  lower: (emit, { logits }, { axis }) => {
    needFloat("LogSoftmax", logits);
    return emit.node("LogSoftmax", [logits], { axis });
  },
});
