/** Kernels "Lstm", "Gru" and "SimpleRnn": their names, and their gradients by kernels of their own. */
import * as tf from "@tensorflow/tfjs-core";
import type { RecurrentAttrs } from "./kernel_types.ts";

/** TF.js's names of the kernels. */
export const RECURRENT_KERNELS = ["Lstm", "Gru", "SimpleRnn"] as const;

/** One of them. */
export type RecurrentKernel = typeof RECURRENT_KERNELS[number];

/** The outputs of each kernel on the engine, in order; those from "gates" on are there for its gradient. */
const OUTPUTS: Readonly<Record<RecurrentKernel, readonly string[]>> = {
  Lstm: ["y", "h", "c", "gates", "cells"],
  Gru: ["y", "h", "gates"],
  SimpleRnn: ["y", "h", "gates"],
};

/** Outputs that gradients read. */
const SAVED: readonly string[] = ["y", "gates", "cells"];

/** Registers the gradients, for every backend; again is harmless. */
export function registerRecurrentGradients(): void {
  for (const kernelName of RECURRENT_KERNELS) {
    if (tf.getGradient(kernelName) !== undefined) continue;
    tf.registerGradient({
      kernelName,
      saveAllInputs: true,
      outputsToSave: OUTPUTS[kernelName].map((name) => SAVED.includes(name)),
      // Kernels of several outputs are given as many dys, and the attributes that they were run with.
      gradFunc: (dys, saved, attrs) =>
        gradientsOf(kernelName, {
          dys: dys as tf.Tensor[],
          saved,
          attrs: attrs as RecurrentAttrs & tf.NamedAttrMap,
        }),
    });
  }
}

interface Taken {
  /** Gradients by the outputs; zeros that TF.js makes up for those that nothing flows to. */
  readonly dys: readonly tf.Tensor[];
  /** The inputs that were given, and the outputs to save. */
  readonly saved: readonly tf.Tensor[];
  readonly attrs: RecurrentAttrs & tf.NamedAttrMap;
}

function gradientsOf(kernel: RecurrentKernel, { dys, saved, attrs }: Taken): ReturnType<tf.GradFunc> {
  const { given, read } = attrs;
  const outputs = OUTPUTS[kernel];
  const names = [...given, ...outputs.filter((name) => SAVED.includes(name))];
  if (saved.length < names.length) {
    throw new Error(`Cannot trace the gradient of kernel "${kernel}": files hold what is computed at inference only`);
  }
  const inputs: tf.NamedTensorMap = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
  for (const output of read) inputs[`d${output}`] = dys[outputs.indexOf(output)];
  const results = tf.engine().runKernel<tf.Tensor[]>(`${kernel}Grad`, inputs, attrs);
  // A mask, the last input, is none of them: zeros flow to it.
  return Object.fromEntries(given.map((name, i) => [i, () => results[i] ?? tf.zeros(inputs[name].shape)]));
}
