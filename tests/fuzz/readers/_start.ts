/** Starts TensorFlow.js on its own CPU backend, which loads nothing and takes no threads. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { registerQuantKernels, registerQuantLayers } from "../../../src/quant/mod.ts";

/** Makes the cpu backend the current one, with the kernels and layers of this project. */
export async function startTf(): Promise<void> {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
  registerQuantKernels("cpu");
  registerQuantLayers();
}
