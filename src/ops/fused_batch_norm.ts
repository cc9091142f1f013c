import type { FusedBatchNormAttrs, FusedBatchNormInputs } from "@tensorflow/tfjs-core";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** y = (x − mean) · scale / √(variance + ε) + offset, with statistics given. Shapes: x […, c], the rest [c] → […, c]. */
export const fusedBatchNorm = defineOp<FusedBatchNormInputs, FusedBatchNormAttrs>({
  kernel: "FusedBatchNorm",
  lower: (emit, inputs, { varianceEpsilon }) => {
    const { x, mean, variance } = inputs;
    const isPerChannel = [mean, variance, inputs.scale, inputs.offset].every((v) =>
      v === undefined || v.shape.length === 1
    );
    if (!isPerChannel || (x.shape.length !== 2 && x.shape.length !== 4)) {
      return composite(emit, inputs, varianceEpsilon);
    }
    const scale = inputs.scale ?? emit.constant("float32", mean.shape, new Float32Array(mean.shape[0]).fill(1));
    const offset = inputs.offset ?? emit.constant("float32", mean.shape, new Float32Array(mean.shape[0]));
    const normalize = (x: Value) =>
      emit.node("BatchNormalization", [x, scale, offset, mean, variance], { epsilon: varianceEpsilon });
    return x.shape.length === 2 ? normalize(x) : toChannelsLast(emit, normalize(toChannelsFirst(emit, x)));
  },
});

interface Parts {
  readonly x: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly scale?: Value | undefined;
  readonly offset?: Value | undefined;
}

/** Statistics of x's own shape, as TF.js allows, broadcast like any operand. */
function composite(emit: Emit, { x, mean, variance, scale, offset }: Parts, epsilon: number): Value {
  const deviation = emit.node("Sqrt", [emit.node("Add", [variance, emit.constant("float32", [], [epsilon])])]);
  let y = emit.node("Div", [emit.node("Sub", [x, mean]), deviation]);
  if (scale !== undefined) y = emit.node("Mul", [y, scale]);
  return offset === undefined ? y : emit.node("Add", [y, offset]);
}
