/** Makes the backend known to TF.js. */
import * as tf from "@tensorflow/tfjs-core";
import { OnnxRuntimeBackend } from "./backend.ts";
import type { BackendOptions } from "./options.ts";
import { registerGroupConvGradient } from "../grouped/convolve.ts";
import { registerRecurrentLayers } from "../recurrent/layers.ts";
import { addChainedMethods } from "./_chained_methods.ts";
import { registerDilatedGradients } from "./dilated_gradients.ts";
import { checkOptions } from "./_settings.ts";
import { registerKernels } from "./kernels.ts";
import { registerTileGradient } from "./tile_gradient.ts";

/** The name under which TF.js knows the backend. */
export const BACKEND = "onnxruntime";

let registered = false;

/**
 * Registers the backend "onnxruntime" with TF.js and makes it the current one.
 *
 * Calling it again returns the same backend, changed by the options that are named; the others stay as they are. With
 * another number of threads, device or prefix of profiles it computes what it has recorded, forgets its compiled graphs
 * and makes sessions anew; tensors keep their values. The cpu backend comes along, for kernels that ONNX cannot express,
 * and so do the methods of tensors that TF.js's recurrent layers need and `@tensorflow/tfjs-core` alone does not have.
 *
 * @returns The backend.
 * @throws {RangeError} If a number is not an integer, or too small; nothing is changed then.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import { registerBackend } from "./register.ts";
 *
 * const backend = await registerBackend({ threads: 1 });
 * const x = tf.square(tf.tensor1d([1, 2, 3]));
 * assert.equal(await registerBackend({ threads: 2 }), backend);
 * assert.deepEqual([...await x.data()], [1, 4, 9]);
 * ```
 */
export async function registerBackend(options: BackendOptions = {}): Promise<OnnxRuntimeBackend> {
  // TF.js would keep what a backend's constructor throws to itself.
  checkOptions(options);
  tf.env().set("PROD", true);
  await import("@tensorflow/tfjs-backend-cpu");
  if (!registered) {
    registered = true;
    // Below the priority of no other backend: a program that registers this one wants it.
    tf.registerBackend(BACKEND, () => new OnnxRuntimeBackend(options), 10);
    registerKernels(BACKEND);
    registerDilatedGradients(BACKEND);
    registerTileGradient(BACKEND);
    registerRecurrentLayers(BACKEND);
    registerGroupConvGradient();
    addChainedMethods();
  }
  await tf.setBackend(BACKEND);
  // The factory above made it.
  const backend = tf.backend() as OnnxRuntimeBackend;
  backend.change(options);
  return backend;
}
