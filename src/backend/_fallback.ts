/** Runs the cpu backend's kernel for what ONNX cannot express. */
import * as tf from "@tensorflow/tfjs-core";
import type { OnnxRuntimeBackend } from "./backend.ts";

interface KernelArgs {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly backend: unknown;
  readonly attrs?: tf.NamedAttrMap;
}

/** A kernel's inputs as TF.js really passes them: by name, in an array, or in an array under a name. */
type Inputs = tf.TensorInfo | undefined | readonly Inputs[] | { readonly [name: string]: Inputs };

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
  const cpu = tf.findBackend("cpu");
  const origins = new Map<object, tf.TensorInfo>();
  const results: tf.TensorInfo[] = [];
  try {
    const inputs = mapInfos(args.inputs as Inputs, (info) => {
      const copy = copyTo(cpu, info, backend.readSync(info.dataId));
      origins.set(copy.dataId, info);
      return copy;
    });
    // The inputs keep their form, of which TF.js's own type knows only a part.
    const named = inputs as tf.NamedTensorInfoMap;
    const outputs = config.kernelFunc({ inputs: named, attrs: args.attrs, backend: cpu });
    results.push(...[outputs].flat());
    const taken = results.map((output) => take(backend, output, { cpu, origin: origins.get(output.dataId) }));
    return Array.isArray(outputs) ? taken : taken[0];
  } finally {
    for (const { dataId } of results) cpu.disposeData(dataId, true);
    for (const dataId of origins.keys()) cpu.disposeData(dataId, true);
  }
}

/** Applies `fn` to every tensor of `inputs`, leaving out absent ones by name. */
function mapInfos(inputs: Inputs, fn: (info: tf.TensorInfo) => tf.Tensor): unknown {
  if (inputs === undefined) return undefined;
  if (Array.isArray(inputs)) return inputs.map((input: Inputs) => mapInfos(input, fn));
  if (isInfo(inputs)) return fn(inputs);
  const present = Object.entries(inputs).filter(([, input]) => input !== undefined);
  return Object.fromEntries(present.map(([name, input]) => [name, mapInfos(input, fn)]));
}

function isInfo(inputs: NonNullable<Inputs>): inputs is tf.TensorInfo {
  return "dataId" in inputs;
}

/** Makes a tensor of the cpu backend; some of its kernels ask for more than a TensorInfo has, such as the rank. */
function copyTo(cpu: tf.KernelBackend, info: tf.TensorInfo, values: tf.BackendValues): tf.Tensor {
  const { shape, dtype } = info;
  const dataId = dtype === "complex64" ? writeComplex(cpu, shape, values) : cpu.write(values, shape, dtype);
  return new tf.Tensor(shape, dtype, dataId, 0);
}

/** The cpu backend keeps the two halves of complex numbers apart; its kernel for that is the way in. */
function writeComplex(cpu: tf.KernelBackend, shape: number[], values: tf.BackendValues): object {
  const parts = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
  const [real, imag] = [parts.real, parts.imag].map((part) => ({
    dataId: cpu.write(part, shape, "float32"),
    shape,
    dtype: "float32" as const,
  }));
  const complex = tf.getKernel("Complex", "cpu").kernelFunc({ inputs: { real, imag }, backend: cpu });
  for (const { dataId } of [real, imag]) cpu.disposeData(dataId, true);
  // The kernel has one output.
  return (complex as tf.TensorInfo).dataId;
}

/** Makes the backend's tensor of a result; one that is an input as it was stays that input. */
function take(
  backend: OnnxRuntimeBackend,
  { dataId, shape, dtype }: tf.TensorInfo,
  { cpu, origin }: { readonly cpu: tf.KernelBackend; readonly origin: tf.TensorInfo | undefined },
): tf.TensorInfo {
  if (origin === undefined) return { dataId: backend.write(cpu.readSync(dataId), shape, dtype), shape, dtype };
  backend.incRef(origin.dataId);
  return { dataId: origin.dataId, shape, dtype };
}
