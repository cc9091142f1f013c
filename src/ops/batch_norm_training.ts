/**
 * Batch normalization over a batch's own statistics, in few passes over memory.
 *
 * With s the mean of the beginning of the batch and d = x − s: mean = s + Σd / N and variance = Σd² / N − (Σd / N)², each
 * one reduction; then the BatchNormalization operator applies them to d. The mean of one k-th of all numbers lies within
 * √k deviations of the mean of all, whatever they are, so that the subtraction loses k·2⁻²⁴ of the variance at the most;
 * it is kept from going below 0. Behind a convolution, x − s is that convolution with another bias
 * (src/passes/step/center_convolutions.ts).
 *
 * Gradient, with m = Σd / N, r = 1/√(variance + ε) and x̂ = (d − m)·r:
 *   dβ = Σdy,  dγ = Σdy·x̂ = r·(Σdy·d − m·Σdy),  dx = γ·r·(dy − dβ/N − x̂·dγ/N) = a·dy + b·d + c
 *   with a = γ·r, b = −a·r·dγ/N, c = −a·dβ/N − b·m, all per channel.
 */
import type {
  BatchNormTrainingAttrs,
  BatchNormTrainingGradInputs,
  BatchNormTrainingInputs,
} from "../quant/kernel_types.ts";
import { reshaped } from "./_emit.ts";
import { reduceSum, toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** All axes but the last. */
function batchAxes(x: Value): number[] {
  return Array.from({ length: x.shape.length - 1 }, (_, axis) => axis);
}

/** Values that one channel has in the batch. */
function countPerChannel(x: Value): number {
  return x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
}

/** x·scale + offset per channel, as one operator. */
function affine(emit: Emit, x: Value, { scale, offset }: { readonly scale: Value; readonly offset: Value }): Value {
  const channels = scale.shape[0];
  const zeros = emit.constant("float32", [channels], new Float32Array(channels));
  const ones = emit.constant("float32", [channels], new Float32Array(channels).fill(1));
  return applyBatchNorm(emit, [x, scale, offset, zeros, ones], 0);
}

function applyBatchNorm(emit: Emit, [x, ...rest]: readonly Value[], epsilon: number): Value {
  if (x.shape.length === 2) return emit.node("BatchNormalization", [x, ...rest], { epsilon });
  if (x.shape.length !== 4) {
    const rows = reshaped(emit, x, [countPerChannel(x), x.shape[x.shape.length - 1]]);
    return reshaped(emit, applyBatchNorm(emit, [rows, ...rest], epsilon), x.shape);
  }
  return toChannelsLast(emit, emit.node("BatchNormalization", [toChannelsFirst(emit, x), ...rest], { epsilon }));
}

/** A batch around the mean of its beginning. */
interface Centered {
  /** That mean, [c]. */
  readonly shift: Value;
  /** x − shift, of x's shape. */
  readonly d: Value;
  /** Mean of d, [c]. */
  readonly mean: Value;
}

/** Emits the same nodes in both directions, which a step computes once. */
function centered(emit: Emit, x: Value): Centered {
  // A picture's upper quarter, rounded up.
  const ends = x.shape.length === 4 ? [1, Math.ceil(x.shape[1] / 4)] : [1];
  const bounds = [ends.map(() => 0), ends, ends.map((_, axis) => axis)];
  const first = emit.node("Slice", [x, ...bounds.map((values) => emit.constant("int64", [values.length], values))]);
  const shift = emit.node("ReduceMean", [first], { axes: batchAxes(x), keepdims: 0 });
  const d = emit.node("Sub", [x, shift]);
  return { shift, d, mean: emit.node("ReduceMean", [d], { axes: batchAxes(x), keepdims: 0 }) };
}

/** Normalizes by the batch's statistics. Shapes: x […, c], gamma and beta [c] → y […, c], mean [c], variance [c]. */
export const batchNormTraining = defineOp<BatchNormTrainingInputs, BatchNormTrainingAttrs>({
  kernel: "BatchNormTraining",
  lower: (emit, { x, gamma, beta }, { epsilon }) => {
    const { shift, d, mean } = centered(emit, x);
    const count = emit.constant("float32", [], [countPerChannel(x)]);
    const squares = emit.node("ReduceSumSquare", [d], { axes: batchAxes(x), keepdims: 0 });
    const difference = emit.node("Sub", [emit.node("Div", [squares, count]), emit.node("Mul", [mean, mean])]);
    const variance = emit.node("Max", [difference, emit.constant("float32", [], [0])]);
    return [
      applyBatchNorm(emit, [d, gamma, beta, mean, variance], epsilon),
      emit.node("Add", [shift, mean]),
      variance,
    ];
  },
});

/** Gradient of {@linkcode batchNormTraining}. Shapes: x, dy […, c] → dx […, c], dgamma [c], dbeta [c]. */
export const batchNormTrainingGrad = defineOp<BatchNormTrainingGradInputs, BatchNormTrainingAttrs>({
  kernel: "BatchNormTrainingGrad",
  lower: (emit, { x, dy, gamma, variance }, { epsilon }) => {
    const axes = batchAxes(x);
    const { d, mean } = centered(emit, x);
    const count = emit.constant("float32", [], [countPerChannel(x)]);
    const binary = (op: string) => (a: Value, b: Value) => emit.node(op, [a, b]);
    const [mul, sub, div] = [binary("Mul"), binary("Sub"), binary("Div")];
    const deviation = emit.node("Sqrt", [emit.node("Add", [variance, emit.constant("float32", [], [epsilon])])]);
    const dbeta = reduceSum(emit, dy, { axes });
    const products = reduceSum(emit, mul(dy, d), { axes });
    const dgamma = div(sub(products, mul(mean, dbeta)), deviation);
    const a = div(gamma, deviation);
    const b = emit.node("Neg", [div(mul(a, dgamma), mul(deviation, count))]);
    const c = emit.node("Neg", [emit.node("Add", [div(mul(a, dbeta), count), mul(b, mean)])]);
    const zero = emit.constant("float32", c.shape, new Float32Array(c.shape[0]));
    const dx = emit.node("Add", [
      affine(emit, dy, { scale: a, offset: c }),
      affine(emit, d, { scale: b, offset: zero }),
    ]);
    return [dx, dgamma, dbeta];
  },
});
