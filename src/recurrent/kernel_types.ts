/** Inputs and attributes of the kernels of recurrent layers, as interfaces. */
import type { TensorInfo } from "@tensorflow/tfjs-core";

/** TF.js's names of the activations that ONNX's recurrent operators have too. */
export const RECURRENT_ACTIVATIONS = [
  "elu",
  "hardSigmoid",
  "linear",
  "relu",
  "sigmoid",
  "softplus",
  "softsign",
  "tanh",
] as const;

/** One of them. */
export type RecurrentActivation = typeof RECURRENT_ACTIVATIONS[number];

/**
 * Inputs of kernels "Lstm", "Gru" and "SimpleRnn", for n sequences of t steps. Gates stand side by side in the weights:
 * i, f, c, o of an LSTM, z, r, h of a GRU, one of a simple RNN.
 *
 * TF.js saves optional inputs for a gradient only of kernels whose inputs are a list, so that these are one: attribute
 * `given` names them.
 *
 * Outputs: y [n, t, units], the state behind each step in the order in which they are taken; h [n, units], the last of
 * them; of Lstm the last cell state as well, [n, units]. The engine adds what gradients read, see RecurrentGradInputs.
 */
export interface RecurrentInputs {
  /** [n, t, features], float32 like all but the mask. */
  readonly x: TensorInfo;
  /** [features, gates · units]. */
  readonly kernel: TensorInfo;
  /** [units, gates · units]. */
  readonly recurrentKernel: TensorInfo;
  /** [gates · units]. */
  readonly bias?: TensorInfo;
  /** Added to what the state gives the new state, of a Gru that resets it afterwards, [units]; zeros if absent. */
  readonly recurrentBias?: TensorInfo;
  /** State before the first step, [n, units]; zeros if absent. */
  readonly h0?: TensorInfo;
  /** Cell state before the first step, of Lstm alone, [n, units]; zeros if absent. */
  readonly c0?: TensorInfo;
  /** Which steps count, bool [n, t]; all if absent. The others leave states as they are. */
  readonly mask?: TensorInfo;
}

/** Names of these inputs, in the order of their gradients; the mask has none. */
export const RECURRENT_INPUTS = [
  "x",
  "kernel",
  "recurrentKernel",
  "bias",
  "recurrentBias",
  "h0",
  "c0",
  "mask",
] as const satisfies readonly (
  keyof RecurrentInputs
)[];

/** Attributes of these kernels and of their gradients. */
export interface RecurrentAttrs {
  /** Of what a step adds to the state. */
  readonly activation: RecurrentActivation;
  /** Of the gates; a simple RNN has none. */
  readonly recurrentActivation: RecurrentActivation;
  /** Whether steps are taken from the last to the first. */
  readonly goBackwards: boolean;
  /** Of a Gru: whether the state is reset behind its product with the kernel, as PyTorch has it. Default: before it. */
  readonly resetAfter?: boolean;
  /** The inputs that are there, in the order of {@linkcode RECURRENT_INPUTS}. */
  readonly given: readonly (keyof RecurrentInputs)[];
  /** The outputs that are read: they alone are differentiated. */
  readonly read: readonly RecurrentOutput[];
}

/** Outputs that a layer may read, by name: all states, the last one, the last cell state. */
export type RecurrentOutput = "y" | "h" | "c";

/**
 * Inputs of kernels "LstmGrad", "GruGrad" and "SimpleRnnGrad". Outputs: gradients by the inputs of the forward kernel that
 * are given, in the order of {@linkcode RECURRENT_INPUTS}, the mask left out.
 */
export interface RecurrentGradInputs extends RecurrentInputs {
  /** All states, as the forward kernel returned them, and behind them: */
  readonly y: TensorInfo;
  /** What went into the gates, [t·n, gates · units], steps in the order in which they were taken. */
  readonly gates: TensorInfo;
  /** The cells of an LSTM behind each step, [t·n, units]. */
  readonly cells?: TensorInfo;
  /** Gradient by y, absent where y is not read; the same goes for the others. */
  readonly dy?: TensorInfo;
  /** Gradient by the last state. */
  readonly dh?: TensorInfo;
  /** Gradient by the last cell state. */
  readonly dc?: TensorInfo;
}
