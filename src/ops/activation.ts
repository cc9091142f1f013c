/** Activations that no operator of their name computes alone: ClipByValue, EluGrad, LeakyRelu, Prelu, Relu6, (Log)Softmax. */
import {
  backend_util,
  type ClipByValueAttrs,
  type ClipByValueInputs,
  type EluGradInputs,
  type LeakyReluAttrs,
  type LeakyReluInputs,
  type LogSoftmaxAttrs,
  type LogSoftmaxInputs,
  type PreluInputs,
  type Relu6Inputs,
  type SoftmaxAttrs,
  type SoftmaxInputs,
} from "@tensorflow/tfjs-core";
import { cast, needFloat, sameShape, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives min(max(x, clipValueMin), clipValueMax); NaN stays NaN. Shapes: x any → the same. */
export const clipByValue = defineOp<ClipByValueInputs, ClipByValueAttrs>({
  kernel: "ClipByValue",
  lower: (emit, { x }, { clipValueMin, clipValueMax }) => {
    if (x.dtype !== "int32") needFloat("ClipByValue", x);
    // TF.js writes a bound that it clips to into an Int32Array, which truncates it.
    const bound = (value: number) => scalar(emit, x.dtype, x.dtype === "int32" ? clampInt32(value) : value);
    return emit.node("Clip", [x, bound(clipValueMin), bound(clipValueMax)]);
  },
});

function clampInt32(value: number): number {
  return Math.trunc(Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1));
}

/**
 * Gradient of Elu, from its output: dy where y ≥ 0, else dy·(y + 1), which is dy·min(y + 1, 1).
 *
 * Shapes: dy, y any, the same → the same.
 */
export const eluGrad = defineOp<EluGradInputs>({
  kernel: "EluGrad",
  lower: (emit, { dy, y }) => {
    needFloat("EluGrad", dy, y);
    const one = scalar(emit, "float32", 1);
    return emit.node("Mul", [dy, emit.node("Min", [emit.node("Add", [y, one]), one])]);
  },
});

/** Gives x where x ≥ 0, else alpha·x; float32 whatever comes in. Shapes: x any → the same. */
export const leakyRelu = defineOp<LeakyReluInputs, LeakyReluAttrs>({
  kernel: "LeakyRelu",
  lower: (emit, { x }, { alpha }) => emit.node("LeakyRelu", [cast(emit, x, "float32")], { alpha }),
});

/** Gives x where x ≥ 0, else alpha·x; float32. Shapes: x, alpha any that broadcast → their broadcast shape. */
export const prelu = defineOp<PreluInputs>({
  kernel: "Prelu",
  lower: (emit, inputs) => {
    const [x, alpha] = [cast(emit, inputs.x, "float32"), cast(emit, inputs.alpha, "float32")];
    const shape = backend_util.assertAndGetBroadcastShape([...x.shape], [...alpha.shape]);
    if (sameShape(shape, x.shape)) return emit.node("PRelu", [x, alpha]);
    // ONNX broadcasts the slope alone.
    return emit.node("Where", [
      emit.node("Less", [x, scalar(emit, "float32", 0)]),
      emit.node("Mul", [alpha, x]),
      x,
    ]);
  },
});

/** Gives min(max(x, 0), 6). Shapes: x any → the same. */
export const relu6 = defineOp<Relu6Inputs>({
  kernel: "Relu6",
  lower: (emit, { x }) => {
    if (x.dtype !== "int32") needFloat("Relu6", x);
    return emit.node("Clip", [x, scalar(emit, x.dtype, 0), scalar(emit, x.dtype, 6)]);
  },
});

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
