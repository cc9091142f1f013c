/**
 * TF.js's recurrent layers, as one kernel each on the backend that has them.
 *
 * TF.js calls a layer's cell once a step; a layer of 28 steps becomes a thousand operators, in training and in files.
 * Here the method that does so is replaced, on the prototype that LSTM, GRU, SimpleRNN, RNN and what wraps them share:
 * layers, their names, weights and configurations stay TF.js's own. What no kernel computes is left to TF.js.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { shadow } from "../shadow.ts";
import {
  RECURRENT_ACTIVATIONS,
  RECURRENT_INPUTS,
  type RecurrentActivation,
  type RecurrentInputs,
} from "./kernel_types.ts";
import { type RecurrentKernel, registerRecurrentGradients } from "./gradients.ts";
import { registerRecurrentCells, ResetAfterGRUCell } from "./reset_after.ts";

/** The cells that have a kernel, by their class's name. */
const KERNELS: ReadonlyMap<string, RecurrentKernel> = new Map([
  ["LSTMCell", "Lstm"],
  ["GRUCell", "Gru"],
  ["ResetAfterGRUCell", "Gru"],
  ["SimpleRNNCell", "SimpleRnn"],
]);

/**
 * Lets TF.js's recurrent layers run the kernels "Lstm", "Gru" and "SimpleRnn" on the backend of this name.
 *
 * To be called once. Layers stay TF.js's on other backends, and on this one where they are stateful, drop values while
 * training, or have a cell, an activation or a mask for which there is no kernel.
 */
export function registerRecurrentLayers(backendName: string): void {
  registerRecurrentGradients();
  registerRecurrentCells();
  // TF.js 4.22 hands all layers of a model one object of arguments, and leaves a layer's initial states in it.
  shadow(tfl.RNN.prototype, "apply", (next, inputs, kwargs) => next(inputs, kwargs && { ...kwargs }));
  shadow(tfl.RNN.prototype, "call", function (next, inputs, kwargs) {
    return tf.tidy(() => {
      const run = tf.getBackend() === backendName ? runOf(this, inputs, kwargs) : undefined;
      return run === undefined ? next(inputs, kwargs) : runKernel(this, run);
    });
  });
}

/** What a kernel is run with. */
interface Run {
  readonly kernel: RecurrentKernel;
  readonly inputs: tf.NamedTensorMap;
  readonly activation: RecurrentActivation;
  readonly recurrentActivation: RecurrentActivation;
  readonly resetAfter: boolean;
}

/** What TF.js passes to a recurrent layer besides its input. */
interface CallArgs {
  readonly mask?: tf.Tensor | tf.Tensor[] | null;
  readonly training?: boolean | null;
  readonly initialState?: readonly tf.Tensor[] | null;
}

/** Returns what to run in the place of `layer`'s own method; undefined if no kernel computes the same. */
function runOf(layer: tfl.RNN, inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs | null): Run | undefined {
  const { mask, training, initialState } = kwargs ?? {};
  const kernel = kernelOf(layer.cell);
  if (kernel === undefined || layer.stateful) return undefined;
  const cell = layer.cell.getConfig();
  if (training && [cell.dropout, cell.recurrentDropout].some(isDropping)) return undefined;
  const { activation, recurrentActivation = "linear" } = cell;
  if (!isKnown(activation) || !isKnown(recurrentActivation)) return undefined;
  const [x, ...rest] = Array.isArray(inputs) ? inputs : [inputs];
  if (rest.length > 0 || x.dtype !== "float32" || x.rank !== 3 || x.size === 0) return undefined;
  const named = { x, ...weightsOf(layer.cell), ...statesOf(kernel, initialState), ...maskOf(mask, x) };
  const resetAfter = layer.cell instanceof ResetAfterGRUCell;
  return hasAll(named) ? { kernel, inputs: named, activation, recurrentActivation, resetAfter } : undefined;
}

/** The kernel of TF.js's own cells; somebody else's may have the same name. */
function kernelOf(cell: tfl.RNN["cell"]): RecurrentKernel | undefined {
  const name = cell.getClassName();
  const [known] = tf.serialization.SerializationMap.getMap().classNameMap[name] ?? [];
  return cell.constructor === known ? KERNELS.get(name) : undefined;
}

function isDropping(rate: unknown): boolean {
  return typeof rate === "number" && rate > 0 && rate < 1;
}

function isKnown(name: unknown): name is RecurrentActivation {
  return RECURRENT_ACTIVATIONS.some((known) => known === name);
}

/** Inputs of the kernel by name: null for what is there and no kernel takes. */
type Inputs = { readonly [Name in keyof RecurrentInputs]?: tf.Tensor | null };

function hasAll(inputs: Inputs): inputs is { readonly [Name in keyof RecurrentInputs]: tf.Tensor } {
  return Object.values(inputs).every((input) => input !== null);
}

function weightsOf(cell: tfl.RNN["cell"]): Inputs {
  // By name: those that are not trained come behind the others.
  const named = (part: string) =>
    cell.weights.find(({ originalName }) => originalName.split("/").at(-1) === part)?.read();
  const [bias, recurrentBias] = [named("bias"), named("recurrent_bias")];
  return {
    kernel: named("kernel") ?? null,
    recurrentKernel: named("recurrent_kernel") ?? null,
    ...(bias === undefined ? {} : { bias }),
    ...(recurrentBias === undefined ? {} : { recurrentBias }),
  };
}

function statesOf(kernel: RecurrentKernel, states: CallArgs["initialState"]): Inputs {
  // TF.js says how many are needed.
  if (states == null) return {};
  const [h0, c0, ...rest] = states;
  const isPlain = rest.length === 0 && (c0 !== undefined) === (kernel === "Lstm");
  if (!isPlain || states.some(({ dtype, rank }) => dtype !== "float32" || rank !== 2)) return { h0: null };
  return { h0, ...(c0 === undefined ? {} : { c0 }) };
}

/** A mask of steps, as TF.js's layers make them. */
function maskOf(mask: CallArgs["mask"], x: tf.Tensor): Inputs {
  if (mask == null) return {};
  const [samples, steps] = x.shape;
  if (Array.isArray(mask) || mask.size !== samples * steps || mask.shape[1] !== steps) return { mask: null };
  return { mask: tf.reshape(tf.cast(mask, "bool"), [samples, steps]) };
}

function runKernel(layer: tfl.RNN, { kernel, inputs, ...run }: Run): tf.Tensor | tf.Tensor[] {
  const { goBackwards, returnSequences, returnState } = layer;
  const states = kernel === "Lstm" ? ["h", "c"] : ["h"];
  const given = RECURRENT_INPUTS.filter((name) => inputs[name] !== undefined);
  const attrs = {
    ...run,
    goBackwards,
    given,
    read: [...(returnSequences ? ["y"] : []), ...(returnState ? states : returnSequences ? [] : ["h"])],
  };
  const outputs = tf.engine().runKernel<tf.Tensor[]>(kernel, asMap(given.map((name) => inputs[name])), attrs);
  const [y, ...last] = outputs.slice(0, 1 + states.length);
  const output = returnSequences ? y : last[0];
  return returnState ? [output, ...last] : output;
}

/** TF.js takes a list of inputs and declares a map. */
function asMap(tensors: readonly tf.Tensor[]): tf.NamedTensorMap {
  return Object.assign([], Object.fromEntries(tensors.map((tensor, i) => [i, tensor])));
}
