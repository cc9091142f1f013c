/** TF.js's wasm backend, with what it lacks to train a small convolutional net. */
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

const WASM = "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm";

/** Makes wasm the current backend. */
export async function useWasm(): Promise<void> {
  const folder = fileURLToPath(new URL("./", import.meta.resolve(WASM)));
  setWasmPaths(folder);
  if (!await tf.setBackend("wasm")) throw new Error("Cannot bench TF.js's wasm backend: it does not start");
  tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName: "wasm", kernelFunc: filterGradient });
  for (const { kernelName } of tf.getKernelsForBackend("cpu")) {
    if (tf.getKernel(kernelName, "wasm") !== undefined) continue;
    tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc: (args) => runOnCpu(kernelName, args) });
  }
}

type Args = Parameters<tf.KernelFunc>[0];

/** The gradient of a convolution of stride 1 by its filter is a convolution: x's batch as channels, dy as the filter. */
function filterGradient({ inputs, attrs }: Args): tf.TensorInfo {
  // TF.js passes the kernel's inputs and attributes by these names.
  const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
  const { strides, pad, filterShape } = attrs as tf.Conv2DBackpropFilterAttrs & typeof attrs;
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad);
  const { top, bottom, left, right } = info.padInfo;
  return tf.tidy(() => {
    const swapped = tf.transpose(asTensor(x), [3, 1, 2, 0]);
    const padded = tf.pad(swapped, [[0, 0], [top, bottom], [left, right], [0, 0]]);
    const filter = tf.transpose(asTensor(dy), [1, 2, 0, 3]);
    const gradient = tf.conv2d(padded, filter, 1, "valid", "NHWC", [info.strideHeight, info.strideWidth]);
    const cut = tf.slice(gradient, [0, 0, 0, 0], [-1, filterShape[0], filterShape[1], -1]);
    return tf.transpose(cut, [1, 2, 0, 3]);
  });
}

/** A kernel is handed descriptions of tensors; ops want tensors, which share the data and are not disposed of. */
function asTensor<T extends tf.Tensor>(info: T): T {
  const view = tf.engine().makeTensorFromTensorInfo({ dataId: info.dataId, shape: [...info.shape], dtype: info.dtype });
  tf.backend().incRef(info.dataId);
  return view as T;
}

interface CpuBackend extends tf.KernelBackend {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: tf.BackendValues): tf.TensorInfo;
}

function runOnCpu(kernel: string, { inputs, attrs, backend }: Args): tf.TensorInfo | tf.TensorInfo[] {
  // Both backends have been made by now.
  const [wasm, cpu] = [backend as tf.KernelBackend, tf.findBackend("cpu") as CpuBackend];
  const copies = Object.entries(inputs).filter(([, info]) => info !== undefined).map(([name, info]) => {
    const { dataId, shape, dtype } = info as tf.TensorInfo;
    return [name, cpu.makeTensorInfo([...shape], dtype, wasm.readSync(dataId))] as const;
  });
  const results = tf.getKernel(kernel, "cpu").kernelFunc({
    inputs: Object.fromEntries(copies),
    backend: cpu,
    ...(attrs && { attrs }),
  });
  const taken = [results].flat().map(({ dataId, shape, dtype }) => ({
    dataId: wasm.write(cpu.readSync(dataId), shape, dtype),
    shape,
    dtype,
  }));
  return Array.isArray(results) ? taken : taken[0];
}
