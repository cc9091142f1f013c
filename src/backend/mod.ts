/** Makes the backend known to TF.js. */
import * as tf from "@tensorflow/tfjs-core";
import { OnnxRuntimeBackend } from "./backend.ts";
import type { BackendOptions } from "./options.ts";
import { addChainedMethods } from "./_chained_methods.ts";
import { registerKernels } from "./kernels.ts";

export { OnnxRuntimeBackend } from "./backend.ts";
export type { BackendOptions, TraceInput, TraceOptions } from "./options.ts";
export type { RepeatedStep } from "./_repeat.ts";
export { chooseDevice, type Device, type DeviceChoice, DEVICES, deviceWarning } from "./device.ts";

/** The name under which TF.js knows the backend. */
export const BACKEND = "onnxruntime";

let registered = false;

/**
 * Registers the backend "onnxruntime" with TF.js and makes it the current one.
 *
 * Calling it again returns the same backend, on another device if one is asked for. The cpu backend comes along, for kernels that ONNX cannot express, and so do
 * the methods of tensors that TF.js's recurrent layers need and `@tensorflow/tfjs-core` alone does not have.
 *
 * @returns The backend.
 */
export async function registerBackend(options: BackendOptions = {}): Promise<OnnxRuntimeBackend> {
  tf.env().set("PROD", true);
  await import("@tensorflow/tfjs-backend-cpu");
  if (!registered) {
    registered = true;
    // Below the priority of no other backend: a program that registers this one wants it.
    tf.registerBackend(BACKEND, () => new OnnxRuntimeBackend(options), 10);
    registerKernels(BACKEND);
    addChainedMethods();
  }
  await tf.setBackend(BACKEND);
  // The factory above made it.
  const backend = tf.backend() as OnnxRuntimeBackend;
  if (options.device !== undefined) backend.useDevice(options.device, options.onWarning);
  return backend;
}
