/** Registers every op of the table as a kernel of the backend, and the cpu backend's kernels for the rest. */
import * as tf from "@tensorflow/tfjs-core";
import type { Value } from "../onnx/writer.ts";
import { OPS } from "../ops/mod.ts";
import { type Inputs, type Op, Unsupported } from "../ops/op.ts";
import type { OnnxRuntimeBackend } from "./backend.ts";
import { fallBack } from "./_fallback.ts";

const TF_DTYPES: Readonly<Partial<Record<Value["dtype"], tf.DataType>>> = {
  float32: "float32",
  int32: "int32",
  bool: "bool",
};

/** Registers all kernels under backend `name`. The cpu backend must have been registered. */
export function registerKernels(name: string): void {
  for (const op of Object.values(OPS)) {
    tf.registerKernel({ kernelName: op.kernel, backendName: name, kernelFunc: (args) => record(op, args) });
  }
  for (const { kernelName } of tf.getKernelsForBackend("cpu")) {
    if (tf.getKernel(kernelName, name) !== undefined) continue;
    tf.registerKernel({ kernelName, backendName: name, kernelFunc: (args) => fallBack(kernelName, args) });
  }
}

interface KernelArgs {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly backend: unknown;
  readonly attrs?: tf.NamedAttrMap;
}

/** Records `op`, or runs the cpu backend's kernel where ONNX cannot express what is asked. */
function record(op: Op, args: KernelArgs): tf.TensorInfo | tf.TensorInfo[] {
  // TF.js hands a kernel the backend that it was registered for.
  const backend = args.backend as OnnxRuntimeBackend;
  const infos = Object.entries(args.inputs).filter(([, info]) => info !== undefined) as [string, tf.TensorInfo][];
  backend.boundRecording(infos.map(([, info]) => info));
  if (infos.some(([, { dtype }]) => dtype === "string" || dtype === "complex64")) return fallBack(op.kernel, args);
  const inputs: Record<string, Value> = {};
  for (const [key, info] of infos) inputs[key] = backend.valueFor(info);
  let outputs: Value | readonly Value[];
  try {
    const lower = (!backend.isTracing && op.lowerStep) || op.lower;
    outputs = lower(backend.emit, inputs as Inputs, args.attrs ?? {});
  } catch (error) {
    if (error instanceof Unsupported) return fallBack(op.kernel, args);
    throw error;
  }
  const passed = new Map(infos.map(([key, info]) => [inputs[key], info]));
  if ("name" in outputs) return toTensor(backend, outputs, passed);
  return outputs.map((output) => toTensor(backend, output, passed));
}

function toTensor(
  backend: OnnxRuntimeBackend,
  output: Value,
  passed: ReadonlyMap<Value, tf.TensorInfo>,
): tf.TensorInfo {
  const input = passed.get(output);
  if (input !== undefined) {
    backend.incRef(input.dataId);
    return { dataId: input.dataId, shape: [...output.shape], dtype: input.dtype };
  }
  const dtype = TF_DTYPES[output.dtype];
  if (dtype === undefined) throw new TypeError(`Cannot return "${output.name}" to TF.js: its dtype is ${output.dtype}`);
  return backend.tensorOf(output, dtype);
}
