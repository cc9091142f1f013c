/** Runs the cpu backend's kernel for what ONNX cannot express. */
import * as tf from "@tensorflow/tfjs-core";
import type { OnnxRuntimeBackend } from "./backend.ts";

interface KernelArgs {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly backend: unknown;
  readonly attrs?: tf.NamedAttrMap;
}

/** Backend methods that TF.js's cpu backend has and `KernelBackend` does not declare. */
interface CpuBackend extends tf.KernelBackend {
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: tf.BackendValues): tf.TensorInfo;
}

/**
 * Runs `kernel` on the cpu backend: reads the inputs, computes, takes the outputs over.
 *
 * @throws {TypeError} If the cpu backend has no such kernel.
 */
export function fallBack(kernel: string, args: KernelArgs): tf.TensorInfo | tf.TensorInfo[] {
  const backend = args.backend as OnnxRuntimeBackend;
  const config = tf.getKernel(kernel, "cpu");
  if (config === undefined) {
    throw new TypeError(`Cannot run kernel "${kernel}": neither ONNX nor the cpu backend has it`);
  }
  backend.countFallback(kernel);
  // The cpu backend is registered before this one's kernels are, see registerBackend.
  const cpu = tf.findBackend("cpu") as CpuBackend;
  const copies: tf.TensorInfo[] = [];
  const inputs = mapInfos(args.inputs, (info) => {
    const copy = cpu.makeTensorInfo(info.shape, info.dtype, backend.readSync(info.dataId));
    copies.push(copy);
    return copy;
  });
  const results = config.kernelFunc({ inputs, attrs: args.attrs, backend: cpu });
  const taken = (Array.isArray(results) ? results : [results]).map((info) => ({
    dataId: backend.write(copyOf(cpu.readSync(info.dataId)), info.shape, info.dtype),
    shape: info.shape,
    dtype: info.dtype,
  }));
  for (const info of [...(Array.isArray(results) ? results : [results]), ...copies]) cpu.disposeData(info.dataId, true);
  return Array.isArray(results) ? taken : taken[0];
}

/** A kernel may return an input's own array, which the backend goes on using. */
function copyOf(values: tf.BackendValues): tf.BackendValues {
  return Array.isArray(values) ? values : values.slice();
}

/** Maps inputs, which TF.js passes as an object or, for variadic kernels, as an array. */
function mapInfos(inputs: tf.NamedTensorInfoMap, fn: (info: tf.TensorInfo) => tf.TensorInfo): tf.NamedTensorInfoMap {
  const entries = Object.entries(inputs).filter(([, info]) => info !== undefined);
  const mapped = entries.map(([key, info]) => [key, fn(info as tf.TensorInfo)] as const);
  // Variadic kernels index and measure their inputs as an array.
  return Array.isArray(inputs) ? mapped.map(([, info]) => info) as never : Object.fromEntries(mapped);
}
