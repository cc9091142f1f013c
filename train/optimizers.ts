/** Optimizers of `tf.train` by name, and their learning rates. */
import * as tf from "@tensorflow/tfjs-core";
import { checkChoice } from "../src/text/nearest.ts";

/** Names of the optimizers, as in `tf.train`. */
export type OptimizerName = "sgd" | "momentum" | "rmsprop" | "adam" | "adamax" | "adagrad" | "adadelta";

/** Numbers that optimizers take; each uses its own and ignores the rest. */
export interface OptimizerOptions {
  /** Above 0. Default: `DEFAULT_LEARNING_RATES` of the optimizer. */
  readonly learningRate?: number;
  /** Share of the previous step that is kept: momentum (default 0.9), rmsprop (default 0). */
  readonly momentum?: number;
  /** Whether momentum looks ahead (Nesterov). Default: false. */
  readonly nesterov?: boolean;
  /** Decay of the first moment: adam, adamax. Default: 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment: adam, adamax. Default: 0.999. */
  readonly beta2?: number;
  /** Decay of the mean square: rmsprop (default 0.9), adadelta (default 0.95). */
  readonly rho?: number;
  /** Added to denominators: rmsprop, adam, adamax, adadelta. Default: 1e-7. */
  readonly epsilon?: number;
}

/**
 * Learning rates that are a fair start for each optimizer.
 *
 * Adadelta's is a factor on its own step size, 1 in the paper; but TF.js divides by the mean square of the steps before,
 * so that its first step is the gradient itself times this rate.
 */
export const DEFAULT_LEARNING_RATES: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.01,
  momentum: 0.01,
  rmsprop: 0.001,
  adam: 0.001,
  adamax: 0.002,
  adagrad: 0.01,
  adadelta: 0.1,
};

/** Options with the learning rate filled in. */
type Given = OptimizerOptions & { readonly learningRate: number };

const EPSILON = 1e-7;

const MAKERS: Readonly<Record<OptimizerName, (given: Given) => tf.Optimizer>> = {
  sgd: ({ learningRate }) => tf.train.sgd(learningRate),
  momentum: ({ learningRate, momentum = 0.9, nesterov = false }) => tf.train.momentum(learningRate, momentum, nesterov),
  rmsprop: ({ learningRate, rho = 0.9, momentum = 0, epsilon = EPSILON }) =>
    tf.train.rmsprop(learningRate, rho, momentum, epsilon),
  adam: ({ learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = EPSILON }) =>
    tf.train.adam(learningRate, beta1, beta2, epsilon),
  adamax: ({ learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = EPSILON }) =>
    tf.train.adamax(learningRate, beta1, beta2, epsilon),
  adagrad: ({ learningRate }) => tf.train.adagrad(learningRate),
  adadelta: ({ learningRate, rho = 0.95, epsilon = EPSILON }) => tf.train.adadelta(learningRate, rho, epsilon),
};

/** The optimizers that `optimizerFor` knows. */
export const OPTIMIZER_NAMES: readonly OptimizerName[] = typedKeys(MAKERS);

/**
 * Makes the optimizer called `name`.
 *
 * Its state is the caller's to dispose of. It belongs to the backend that is current now.
 *
 * @throws {RangeError} If there is no optimizer of that name, or the learning rate is not a number above 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { optimizerFor } from "./optimizers.ts";
 *
 * assert.equal(optimizerFor("adam", { learningRate: 1e-3 }).getClassName(), "Adam");
 * assert.throws(() => optimizerFor("adma"), /did you mean "adam"/);
 * ```
 */
export function optimizerFor(name: string, options: OptimizerOptions = {}): tf.Optimizer {
  const known = checkChoice(name, { of: OPTIMIZER_NAMES, cannot: `Cannot make the optimizer "${name}"` });
  const learningRate = options.learningRate ?? DEFAULT_LEARNING_RATES[known];
  checkRate(learningRate, `make the optimizer "${name}"`);
  return MAKERS[known]({ ...options, learningRate });
}

/**
 * Sets the learning rate of `optimizer` from its next step on, as TF.js allows it.
 *
 * Works for all optimizers of `tf.train`: sgd and momentum have a setter, the others read their field at every step. On
 * the backend "onnxruntime" the rate then is an input of the recorded step: the first change costs one compilation.
 * An optimizer of the caller's own works if it reads a field `learningRate` at every step.
 *
 * @throws {RangeError} If the rate is not a number from 0.
 * @throws {TypeError} If the optimizer has no such field.
 */
export function setLearningRate(optimizer: tf.Optimizer, rate: number): void {
  if (!(rate >= 0 && rate < Infinity)) {
    throw new RangeError(`Cannot set the learning rate: it is ${rate}, needed is a number from 0`);
  }
  if (learningRateOf(optimizer) === rate) return;
  if (hasSetter(optimizer)) return optimizer.setLearningRate(rate);
  if (learningRateOf(optimizer) === undefined) {
    throw new TypeError(
      `Cannot set the learning rate of "${optimizer.getClassName()}": it has no field learningRate`,
    );
  }
  // The field is `protected`, which only TypeScript knows of.
  Reflect.set(optimizer, "learningRate", rate);
}

/** Whether `optimizer` is one of those with a setter. (In TF.js every optimizer is an instance of SGDOptimizer.) */
function hasSetter(optimizer: tf.Optimizer): optimizer is tf.SGDOptimizer {
  return typeof Reflect.get(optimizer, "setLearningRate") === "function";
}

/** Returns the learning rate that `optimizer` is at, or undefined if it shows none. */
export function learningRateOf(optimizer: tf.Optimizer): number | undefined {
  const rate: unknown = Reflect.get(optimizer, "learningRate");
  return typeof rate === "number" ? rate : undefined;
}

/**
 * Checks a learning rate.
 *
 * @throws {RangeError} If `rate` is no number above 0.
 */
export function checkRate(rate: number, doing: string): void {
  if (rate > 0 && rate < Infinity) return;
  throw new RangeError(`Cannot ${doing}: the learning rate is ${rate}, needed is a number above 0`);
}

function typedKeys<K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] {
  // The records of this file have no keys beyond their type's.
  return Object.keys(record) as K[];
}
