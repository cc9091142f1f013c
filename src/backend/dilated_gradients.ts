/**
 * Gradients of dilated convolutions, which TF.js refuses.
 *
 * Its gradient functions of Conv2D and DepthwiseConv2dNative, and those inside `tf.fused.conv2d` and
 * `tf.fused.depthwiseConv2d`, assert that dilations are 1; its kernels would ignore others. This backend's kernels take
 * them (`src/ops/conv2d_backprop_input.ts` and its neighbours), so here they are asked. With dilations of 1, TF.js's
 * functions run as they are.
 */
import * as tf from "@tensorflow/tfjs-core";
import { shadow } from "../shadow.ts";

type Kernel = "Conv2D" | "DepthwiseConv2dNative";

/** The fused kernels, by what they compute besides bias and activation. */
const FUSED: Readonly<Record<string, Kernel>> = {
  FusedConv2D: "Conv2D",
  FusedDepthwiseConv2D: "DepthwiseConv2dNative",
};

/** Attributes of a convolution, as TF.js passes them. */
type ConvAttrs = tf.NamedAttrMap & { readonly dilations?: number | number[] | null };

/**
 * Gives dilated convolutions a gradient on the backend of this name; on others training them is refused by name.
 *
 * To be called once: it takes the place of TF.js's gradient functions.
 */
export function registerDilatedGradients(backendName: string): void {
  for (const kernel of ["Conv2D", "DepthwiseConv2dNative"] as const) replaceGradient(kernel, backendName);
  const engine = tf.engine();
  // What a fused convolution does with its attributes is known to its own gradient function alone.
  shadow(engine, "customGrad", (next, f) =>
    next((...args) => {
      const { run, result } = watched(() => f(...args));
      if (run === undefined || !isDilated(run.attrs)) return result;
      const kernel = FUSED[run.kernel];
      return {
        ...result,
        gradFunc: (dy, saved) => fusedGradient(kernel, { dy, saved, attrs: run.attrs, backendName }),
      };
    }));
}

/** Whether a convolution has dilations other than 1. */
function isDilated({ dilations }: ConvAttrs): boolean {
  return [dilations ?? 1].flat().some((dilation) => dilation !== 1);
}

function replaceGradient(kernelName: Kernel, backendName: string): void {
  const own = tf.getGradient(kernelName);
  if (own === undefined) return;
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...own,
    gradFunc: (dy, saved, attrs) => {
      if (!isDilated(attrs)) return own.gradFunc(dy, saved, attrs);
      const [x, filter] = saved;
      // Both kernels have one output.
      return gradientsOf(kernelName, { x, filter, dy: dy as tf.Tensor, attrs, backendName });
    },
  });
}

interface Call {
  readonly x: tf.Tensor;
  readonly filter: tf.Tensor;
  readonly dy: tf.Tensor;
  readonly attrs: ConvAttrs;
  readonly backendName: string;
}

/** Gradients of a convolution by its input and its filter, computed when they are asked for. */
function gradientsOf(kernel: Kernel, { x, filter, dy, attrs, backendName }: Call) {
  if (tf.getBackend() !== backendName) {
    throw new Error(
      `Cannot train a convolution with dilations [${attrs.dilations}] on backend "${tf.getBackend()}", which has no ` +
        `gradient for it: needed is "${backendName}"`,
    );
  }
  const { strides, pad, dilations, dataFormat = "NHWC", dimRoundingMode } = attrs;
  const shared = { strides, pad, dilations: dilations ?? 1, dataFormat, dimRoundingMode };
  const run = (direction: "Input" | "Filter", inputs: tf.NamedTensorMap, shape: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(`${kernel}Backprop${direction}`, inputs, { ...shared, ...shape });
  return {
    x: () => run("Input", { dy, filter }, { inputShape: x.shape }),
    filter: () => run("Filter", { x, dy }, { filterShape: filter.shape }),
  };
}

/** The gradient of a fused convolution without activation, which is how TF.js runs it where it is differentiated. */
function fusedGradient(kernel: Kernel, { dy, saved, attrs, backendName }: {
  readonly dy: tf.Tensor;
  readonly saved: readonly tf.Tensor[];
  readonly attrs: ConvAttrs;
  readonly backendName: string;
}): tf.Tensor[] {
  const [filter, x, , bias] = saved;
  const gradients = gradientsOf(kernel, { x, filter, dy, attrs, backendName });
  const byBias = bias === undefined ? [] : [sumTo(dy, bias.shape)];
  return [gradients.x(), gradients.filter(), ...byBias];
}

/** Sums over the dimensions along which `shape` was repeated. */
function sumTo(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length === 0 ? dy : tf.sum(dy, axes), shape);
}

interface KernelRun {
  readonly kernel: string;
  readonly attrs: ConvAttrs;
}

/** Calls `fn` and returns the fused convolution that it ran, if any. */
function watched<T>(fn: () => T): { readonly run: KernelRun | undefined; readonly result: T } {
  const runs: KernelRun[] = [];
  const restore = shadow(tf.engine(), "runKernel", (next, kernel, inputs, attrs) => {
    if (kernel in FUSED) runs.push({ kernel, attrs: attrs ?? {} });
    return next(kernel, inputs, attrs);
  });
  try {
    const result = fn();
    return { run: runs[0], result };
  } finally {
    restore();
  }
}
