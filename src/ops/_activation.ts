/** The activation at the end of TF.js's fused kernels. */
import { emitElu, emitSigmoid } from "./_accurate.ts";
import { type Emit, Unsupported, type Value } from "./op.ts";

/** Attributes and inputs that TF.js's fused kernels share. */
export interface FusedActivation {
  readonly activation?: string | null;
  readonly leakyreluAlpha?: number;
  readonly preluActivationWeights?: Value | undefined;
}

/** Applies a fused kernel's activation to `x`. */
export function activate(emit: Emit, x: Value, options: FusedActivation): Value {
  switch (options.activation ?? "linear") {
    case "linear":
      return x;
    case "relu":
      return emit.node("Relu", [x]);
    case "relu6":
      return emit.node("Clip", [x, emit.constant("float32", [], [0]), emit.constant("float32", [], [6])]);
    case "elu":
      return emitElu(emit, x);
    case "sigmoid":
      return emitSigmoid(emit, x);
    case "leakyrelu":
      return emit.node("LeakyRelu", [x], { alpha: options.leakyreluAlpha ?? 0.2 });
    case "prelu":
      return emit.node("PRelu", [x, options.preluActivationWeights!]);
    default:
      throw new Unsupported(
        `Cannot lower the fused activation "${options.activation}": no ONNX operator is known for it`,
      );
  }
}
