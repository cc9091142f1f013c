/** What this room's TF.js kernels share: reading inputs and writing outputs on any backend, registering once. */
import * as tf from "@tensorflow/tfjs-core";

type KernelArgs = Parameters<tf.KernelFunc>[0];

/** Reads and writes the tensors of one kernel call. */
export interface KernelIO {
  read(tensor: tf.TensorInfo): Float32Array;
  write(values: Float32Array, shape: readonly number[]): tf.TensorInfo;
}

/** Returns the reader and writer for a kernel called with `args`. */
export function kernelIO({ backend }: KernelArgs): KernelIO {
  // TF.js types every kernel's backend as {}; it passes the backend that the kernel was registered for.
  const store = backend as tf.KernelBackend;
  return {
    // This room's kernels take float32 tensors only, and those are held in Float32Arrays.
    read: ({ dataId }) => store.readSync(dataId) as Float32Array,
    write: (values, shape) => ({
      dataId: store.write(values, [...shape], "float32"),
      shape: [...shape],
      dtype: "float32",
    }),
  };
}

/** Registers `config`'s kernel, unless its backend has it already. */
export function registerKernelOnce(config: tf.KernelConfig): void {
  if (tf.getKernel(config.kernelName, config.backendName) === undefined) tf.registerKernel(config);
}

/** Registers `config`'s gradient, unless its kernel has one already. */
export function registerGradientOnce(config: tf.GradConfig): void {
  if (tf.getGradient(config.kernelName) === undefined) tf.registerGradient(config);
}

/** Returns the number of elements of `shape`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
