/** Kernels "FakeQuantize" and "FakeQuantizeGrad" on typed arrays: the cpu backend's, and the oracle for others. */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import { type ChannelLayout, channelLayout } from "../numbers/channels.ts";
import { type KernelIO, kernelIO, registerKernelOnce } from "./_kernel.ts";
import { FAKE_QUANTIZE, FAKE_QUANTIZE_GRAD } from "./fake_quantize.ts";
import type { FakeQuantizeAttrs, FakeQuantizeGradInputs, FakeQuantizeInputs } from "./kernel_types.ts";
import { clampCode } from "../numbers/codes.ts";
import { realOf, unclampedCode } from "../numbers/quantize.ts";

/** Registers both kernels for `backendName`; again is harmless. */
export function registerFakeQuantizeKernels(backendName: string): void {
  registerKernelOnce({ kernelName: FAKE_QUANTIZE, backendName, kernelFunc: fakeQuantizeKernel });
  registerKernelOnce({ kernelName: FAKE_QUANTIZE_GRAD, backendName, kernelFunc: fakeQuantizeGradKernel });
}

const fakeQuantizeKernel: KernelFunc = (args): TensorInfo => {
  // TF.js calls a kernel with the inputs and attributes that `fakeQuantize` passes.
  const { x, ...grid } = args.inputs as FakeQuantizeInputs & typeof args.inputs;
  const attrs = args.attrs as FakeQuantizeAttrs & typeof args.attrs;
  const io = kernelIO(args);
  const { params, channelOf } = layoutOf(io, { x, scale: grid.scale, zeroPoint: grid.zeroPoint }, attrs);
  const y = io.read(x).map((value, i) => {
    const channel = params[channelOf(i)];
    return realOf(clampCode(unclampedCode(value, channel), attrs), channel);
  });
  return io.write(y, x.shape);
};

const fakeQuantizeGradKernel: KernelFunc = (args): TensorInfo => {
  // TF.js calls a kernel with the inputs and attributes that the gradient passes.
  const inputs = args.inputs as FakeQuantizeGradInputs & typeof args.inputs;
  const attrs = args.attrs as FakeQuantizeAttrs & typeof args.attrs;
  const io = kernelIO(args);
  const { params, channelOf } = layoutOf(io, inputs, attrs);
  const x = io.read(inputs.x);
  const dx = io.read(inputs.dy).map((dy, i) => {
    const code = unclampedCode(x[i], params[channelOf(i)]);
    return code >= attrs.qmin && code <= attrs.qmax ? dy : 0;
  });
  return io.write(dx, inputs.x.shape);
};

function layoutOf(io: KernelIO, inputs: FakeQuantizeInputs, { granularity }: FakeQuantizeAttrs): ChannelLayout {
  const [scale, zeroPoint] = [io.read(inputs.scale), io.read(inputs.zeroPoint)];
  return channelLayout(inputs.x.shape, { scale, zeroPoint, granularity });
}
