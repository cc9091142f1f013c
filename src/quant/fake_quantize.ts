/**
 * Fake quantization: rounding real values to a grid, in float, with a straight-through gradient.
 *
 * Kernel "FakeQuantize" computes y = (clamp(rne(x / s) + z, qmin, qmax) - z) * s; kernel "FakeQuantizeGrad" passes dy
 * where the code lies within [qmin, qmax] before it is clamped.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { FakeQuantizeAttrs } from "./kernel_types.ts";
import { registerGradientOnce } from "./_kernel.ts";
import { type Granularity, type Grid, PER_TENSOR, perChannel, type PerSlice, type QParams } from "../numbers/scheme.ts";

/** TF.js's name of the forward kernel. */
export const FAKE_QUANTIZE = "FakeQuantize";
/** TF.js's name of the gradient kernel. */
export const FAKE_QUANTIZE_GRAD = "FakeQuantizeGrad";

/**
 * Rounds `x` to the grid of `grid`, with a straight-through gradient.
 *
 * Equals ONNX DequantizeLinear(QuantizeLinear(x)) in float32: divide, round half to even, add the zero point, clamp,
 * subtract the zero point, multiply. NaN stays NaN. `registerQuantKernels()` comes first. With qmin -Infinity and qmax
 * Infinity nothing is clamped.
 *
 * Gradient: dy where the code lies within [qmin, qmax] before clamping, else 0. The scale and zero point are leaves:
 * asking for their gradient throws.
 *
 * @param x Real values, float32, any shape.
 * @param grid Numbers, or float32 tensors of one shape, [] or [channels], computed in the graph or a layer's variables;
 * of tensors the scales are not checked, for that would read them back.
 * @throws {TypeError} If x is not float32, or the scales' shape does not fit x's axis.
 * @throws {RangeError} If a scale given as a number is not greater than 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { fakeQuantize } from "./fake_quantize.ts";
 * import { PER_TENSOR } from "../numbers/scheme.ts";
 * import { registerQuantKernels } from "./kernels.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const grid = { scale: 0.5, zeroPoint: 0, qmin: 0, qmax: 3, granularity: PER_TENSOR };
 * const y = fakeQuantize(tf.tensor([0.2, 0.3, 9]), grid);
 * assert.deepEqual([...y.dataSync()], [0, 0.5, 1.5]);
 * ```
 */
export function fakeQuantize<T extends tf.Tensor>(x: T, grid: Grid<PerSlice> | Grid<tf.Tensor>): T {
  if (x.dtype !== "float32") throw new TypeError(`Cannot fake-quantize: x is ${x.dtype}, float32 is needed`);
  return tf.tidy(() => {
    const { scale, zeroPoint } = tensorsOf(grid);
    if (zeroPoint.shape.toString() !== scale.shape.toString()) {
      throw new TypeError(`Cannot fake-quantize: scale has shape [${scale.shape}], zeroPoint [${zeroPoint.shape}]`);
    }
    const granularity = granularityFor(x.shape, { granularity: grid.granularity, scale });
    const attrs: FakeQuantizeAttrs = { qmin: grid.qmin, qmax: grid.qmax, granularity };
    return tf.engine().runKernel<T>(FAKE_QUANTIZE, { x, scale, zeroPoint }, { ...attrs });
  });
}

/** Registers the gradient of kernel "FakeQuantize", for every backend; again is harmless. */
export function registerFakeQuantizeGradient(): void {
  registerGradientOnce({
    kernelName: FAKE_QUANTIZE,
    inputsToSave: ["x", "scale", "zeroPoint"],
    gradFunc: (dy, saved, attrs) => {
      const [x, scale, zeroPoint] = saved;
      const hasEnds = Number.isFinite(attrs.qmin) || Number.isFinite(attrs.qmax);
      // A kernel with one output is given one dy, and the attributes it was run with.
      const inputs = { x, dy: dy as tf.Tensor, scale, zeroPoint };
      return {
        x: () => hasEnds ? tf.engine().runKernel<tf.Tensor>(FAKE_QUANTIZE_GRAD, inputs, attrs) : tf.clone(inputs.dy),
        scale: () => refuseGradient("scale"),
        zeroPoint: () => refuseGradient("zeroPoint"),
      };
    },
  });
}

function refuseGradient(input: string): never {
  throw new Error(`Cannot differentiate FakeQuantize by ${input}: it is a leaf, only x has a gradient`);
}

function tensorsOf({ scale, zeroPoint }: QParams<PerSlice> | QParams<tf.Tensor>): QParams<tf.Tensor> {
  const scales = scale instanceof tf.Tensor ? scale : tensorOf(positive(scale));
  if (zeroPoint instanceof tf.Tensor) return { scale: scales, zeroPoint };
  // One zero point for all scales, the symmetric case.
  if (typeof zeroPoint === "number") return { scale: scales, zeroPoint: tf.fill(scales.shape, zeroPoint, "float32") };
  return { scale: scales, zeroPoint: tensorOf(zeroPoint) };
}

function tensorOf(values: PerSlice): tf.Tensor {
  return typeof values === "number" ? tf.scalar(values, "float32") : tf.tensor1d(Float32Array.from(values));
}

function positive(scale: PerSlice): PerSlice {
  const bad = (typeof scale === "number" ? [scale] : Array.from(scale)).find((value) => !(Math.fround(value) > 0));
  if (bad !== undefined) throw new RangeError(`Cannot fake-quantize: a scale is ${bad}, it must be above 0`);
  return scale;
}

interface Along {
  readonly granularity: Granularity;
  readonly scale: tf.Tensor;
}

/** Returns the granularity with its axis counted from the front. */
function granularityFor(shape: readonly number[], { granularity, scale }: Along): Granularity {
  if (granularity.kind === "per-tensor") {
    if (scale.rank === 0) return PER_TENSOR;
    throw new TypeError(`Cannot fake-quantize per tensor: scale has shape [${scale.shape}], one number is needed`);
  }
  const { axis } = granularity;
  const at = axis < 0 ? axis + shape.length : axis;
  if (scale.rank !== 1 || scale.shape[0] !== shape[at]) {
    throw new TypeError(`Cannot fake-quantize along axis ${axis}: x has shape [${shape}], scale [${scale.shape}]`);
  }
  return perChannel(at);
}
