/** How each activation function is quantized, as an `Activation` layer. */
import {
  hardSigmoid,
  type LayerRule,
  noKernel,
  relu,
  sameScale,
  signedUnitInterval,
  split,
  unitInterval,
} from "./layer_rule.ts";

/** The activation functions of TF.js 4.22, as layers spell them. */
export type ActivationName =
  | "elu"
  | "gelu"
  | "gelu_new"
  | "hardSigmoid"
  | "linear"
  | "logSoftmax"
  | "mish"
  | "relu"
  | "relu6"
  | "selu"
  | "sigmoid"
  | "softmax"
  | "softplus"
  | "softsign"
  | "swish"
  | "tanh";

/** Rules by activation. */
export const ACTIVATION_RULES: Readonly<Record<ActivationName, LayerRule>> = {
  elu: noKernel("Elu"),
  gelu: noKernel("Erf"),
  gelu_new: noKernel("Tanh"),
  hardSigmoid,
  linear: sameScale,
  logSoftmax: noKernel("LogSoftmax"),
  mish: noKernel("Softplus and Tanh"),
  relu,
  relu6: relu,
  selu: noKernel("Selu"),
  sigmoid: unitInterval,
  softmax: unitInterval,
  softplus: noKernel("Softplus"),
  softsign: noKernel("Softsign"),
  swish: split("sigmoid and Multiply", "it is applied inside its layer, not to its output"),
  tanh: signedUnitInterval,
};

/** Returns the rule of the activation called `name`. */
export function activationRule(name: unknown): LayerRule {
  return isActivationName(name) ? ACTIVATION_RULES[name] : noKernel(`the activation "${name}"`);
}

function isActivationName(name: unknown): name is ActivationName {
  return typeof name === "string" && Object.hasOwn(ACTIVATION_RULES, name);
}
