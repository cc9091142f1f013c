/** Losses: which may be recorded, what they read, and the one that needs no task. */
import * as tf from "@tensorflow/tfjs-core";
import type { Head, Loss, LossInput } from "./task.ts";

const PURE = new WeakMap<object, readonly Float32Array[]>();

/**
 * Notes that `fn` depends on nothing but its arguments, so that a recorded step may be taken again without it.
 *
 * @param constants Arrays that it makes tensors of, these very ones and the same at each call, where their numbers differ.
 */
export function pure<F extends object>(fn: F, constants: readonly Float32Array[] = []): F {
  PURE.set(fn, constants);
  return fn;
}

/** Whether `fn` is known to depend on nothing but its arguments. */
export function isPure(fn: object): boolean {
  return PURE.has(fn);
}

/** Returns the arrays that `fn` makes tensors of at each call. */
export function constantsOf(fn: object): readonly Float32Array[] {
  return PURE.get(fn) ?? [];
}

const READS = new WeakMap<Loss, LossInput>();

/** Notes what `loss` reads where it is given without a task. */
export function reading(reads: LossInput, loss: Loss): Loss {
  READS.set(loss, reads);
  return loss;
}

/** A loss that nobody knows reads logits where there is a softmax, as cross-entropies do. */
const UNKNOWN: LossInput = { kind: "logits", activation: "softmax", strict: false };

/** Says what an output learns that has a loss and nothing else: nobody knows how to judge it. */
export function headOf(loss: Loss): Head {
  return { task: "loss", target: { kind: "any" }, loss, weight: 1, reads: READS.get(loss) ?? UNKNOWN, decoding: {} };
}

/**
 * The mean of (outputs - targets)², over the batch and all numbers of an output.
 *
 * Shapes: both the same → scalar.
 * Gradient: 2 * (outputs - targets) / count.
 *
 * @throws {TypeError} If the shapes differ.
 */
export const meanSquaredError: Loss = pure(reading({ kind: "answer" }, (targets, outputs) => {
  if (targets.shape.join() !== outputs.shape.join()) {
    throw new TypeError(
      `Cannot take the squared error: targets are [${targets.shape}] and outputs [${outputs.shape}], ` +
        `needed is the same shape`,
    );
  }
  return tf.tidy(() => tf.mean<tf.Scalar>(tf.square(tf.sub(outputs, tf.cast(targets, "float32")))));
}));
