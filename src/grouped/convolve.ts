/**
 * Convolution in groups of channels, as TF.js has none.
 *
 * A backend that has the kernel "GroupConv2D" runs it, and its gradient's kernels; on others it is one convolution a
 * group, which TF.js differentiates itself.
 */
import * as tf from "@tensorflow/tfjs-core";

/** TF.js's name of the kernel. */
const KERNEL = "GroupConv2D";

/** How a grouped convolution slides over its picture. */
export interface GroupConvAttrs {
  /** Groups that channels come in, beside each other, of inputs and outputs alike. */
  readonly groups: number;
  /** Down and to the right. */
  readonly strides: readonly [number, number];
  readonly pad: "same" | "valid";
  /** Down and to the right. */
  readonly dilations: readonly [number, number];
}

/**
 * Convolves each group of channels with filters of its own: the k-th of g groups of filters reads the k-th of g groups
 * of channels, and nothing else.
 *
 * Shapes: x [n, h, w, in], filter [kh, kw, in / groups, out] → [n, h', w', out].
 * Gradient: to both; of dilated ones on backends that have the kernel alone.
 *
 * @throws {Error} On other backends if both strides and dilations are greater than 1, which TF.js's convolution refuses.
 */
export function groupConvolution(x: tf.Tensor4D, filter: tf.Tensor4D, attrs: GroupConvAttrs): tf.Tensor4D {
  if (tf.getKernel(KERNEL, tf.getBackend()) === undefined) return byGroups(x, filter, attrs);
  return tf.engine().runKernel(KERNEL, { x, filter }, { ...attrs });
}

function byGroups(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { groups, strides: [down, right], pad, dilations: [rows, columns] }: GroupConvAttrs,
): tf.Tensor4D {
  // TF.js has no gradient of splitting into one part.
  if (groups === 1) return tf.conv2d(x, filter, [down, right], pad, "NHWC", [rows, columns]);
  const filters = tf.split<tf.Tensor4D>(filter, groups, 3);
  const parts = tf.split<tf.Tensor4D>(x, groups, 3).map((part, i) =>
    tf.conv2d(part, filters[i], [down, right], pad, "NHWC", [rows, columns])
  );
  return tf.concat(parts, 3);
}

/** Registers the gradient of kernel "GroupConv2D", for every backend that has its kernels; again is harmless. */
export function registerGroupConvGradient(): void {
  if (tf.getGradient(KERNEL) !== undefined) return;
  tf.registerGradient({
    kernelName: KERNEL,
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, [x, filter], attrs) => {
      const run = (direction: "Input" | "Filter", inputs: tf.NamedTensorMap, shape: tf.NamedAttrMap): tf.Tensor =>
        tf.engine().runKernel(`${KERNEL}Backprop${direction}`, inputs, { ...attrs, ...shape });
      // The kernel has one output.
      const by = dy as tf.Tensor;
      return {
        x: () => run("Input", { dy: by, filter }, { inputShape: x.shape }),
        filter: () => run("Filter", { x, dy: by }, { filterShape: filter.shape }),
      };
    },
  });
}
