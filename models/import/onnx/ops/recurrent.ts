/**
 * Recurrent operators: a layer of TF.js for each direction.
 *
 * ONNX's sequences [t, n, c] come with their batch first, [n, t, c]; so do outputs: Y [n, t, directions, units], and last
 * states [n, directions, units].
 */
import { type Call, realsOf, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import type { RealWeight } from "../_builder.ts";
import { type LayerConfig, valueOf } from "../../../../src/rewrite/mod.ts";
import type { Value } from "../_value.ts";

/** The rows. */
export const RECURRENT: Readonly<Record<string, Row>> = {
  // TF.js's gates are i, f, c, o; ONNX's i, o, f, c.
  LSTM: (call) => recurrent(call, { className: "LSTM", gates: [0, 2, 3, 1], states: 2, activations: LSTM_DEFAULT }),
  GRU: (call) => recurrent(call, { className: "GRU", gates: [0, 1, 2], states: 1, activations: ["Sigmoid", "Tanh"] }),
  RNN: (call) => recurrent(call, { className: "SimpleRNN", gates: [0], states: 1, activations: ["Tanh"] }),
};

const LSTM_DEFAULT = ["Sigmoid", "Tanh", "Tanh"] as const;

/** One of ONNX's recurrent operators. */
interface Cell {
  readonly className: "LSTM" | "GRU" | "SimpleRNN";
  /** For each of TF.js's gates in order, where ONNX has it. */
  readonly gates: readonly number[];
  /** How many states it has. */
  readonly states: 1 | 2;
  /** Its activations unless it says others. */
  readonly activations: readonly string[];
}

/** The values of one direction that somebody reads, by the names of stored ones. */
interface Direction {
  /** [t, units] */
  readonly y?: string;
  /** [units] each. */
  readonly states: readonly string[];
}

function recurrent(call: Call, cell: Cell): readonly Value[] {
  checkPlain(call);
  const kind = call.text("direction", "forward");
  const directions = kind === "bidirectional" ? [false, true] : [kind === "reverse"];
  const made = directions.map((goBackwards, at) =>
    makeDirection(call, cell, {
      at,
      goBackwards,
      suffix: directions.length === 1 ? "" : goBackwards ? "_back" : "_forth",
    })
  );
  const units = call.number("hidden_size", call.inputShape(2)[2]);
  const [samples, steps] = call.value(0).shape;
  const { builder } = call;
  const beside = (names: readonly string[], suffix: string) =>
    names.length === 1
      ? names[0]
      : builder.layer({ className: "Concatenate", config: { axis: -1 }, inbound: names }, suffix);
  const both = (names: readonly (string | undefined)[], stored: readonly number[], suffix: string): string => {
    const known = names.filter((name) => name !== undefined);
    if (known.length === 0) return "";
    const flat = [...stored, known.length * units];
    return builder.reshape(beside(known, suffix), [...stored, known.length, units], flat);
  };
  const y = both(made.map(({ y }) => y), [steps], "_sequences");
  const states = Array.from({ length: cell.states }, (_, i): Value => {
    const own = made.map(({ states }) => states[i]);
    const name = both(own, [], "_states");
    const parts = own.map((state): Value => ({ shape: [samples, units], order: [1], read: () => state }));
    return { shape: [samples, made.length, units], order: [1, 2], read: () => name, parts: { axis: 1, values: parts } };
  });
  return [{ shape: [samples, steps, made.length, units], order: [1, 2, 3], read: () => y }, ...states];
}

/** Refuses what no layer does. */
function checkPlain(call: Call): void {
  const [steps] = [call.value(0).shape[1]];
  if (call.number("clip", 0) !== 0) refuse(`it clips what goes into gates (clip ${call.number("clip", 0)})`);
  if (call.number("input_forget", 0) !== 0) refuse("its input gate is its forget gate's rest (input_forget)");
  if (call.number("layout", 0) !== 0) refuse("it has samples first (layout 1)");
  if (call.has(4) && call.reals(4, "sequence_lens").some((length) => length !== steps)) {
    refuse(`its sequences have their own lengths (sequence_lens), all ${steps} steps of each are needed`);
  }
  if (call.node.op === "LSTM" && call.has(7) && call.reals(7, "peepholes").some((weight) => weight !== 0)) {
    refuse("its gates read the cell (peepholes)");
  }
}

interface Way {
  /** Which direction it is in the weights. */
  readonly at: number;
  readonly goBackwards: boolean;
  readonly suffix: string;
}

function makeDirection(call: Call, cell: Cell, { at, goBackwards, suffix }: Way): Direction {
  const { builder } = call;
  const isAfter = cell.className === "GRU" && call.number("linear_before_reset", 0) !== 0;
  const { weights, units } = weightsOf(call, cell, { at, isAfter });
  const reads = [0, 1, 2].map((i) => call.isRead(call.node.outputs[i] ?? ""));
  const returnSequences = reads[0];
  // A layer of no sequences gives its last state for an output.
  const returnState = reads[2] || (returnSequences && reads[1]);
  const own = { units, useBias: weights.some(({ name }) => name === "bias"), ...activationsOf(call, cell, at) };
  const ways = { returnSequences, returnState, goBackwards };
  const name = builder.layer({
    className: isAfter ? "RNN" : cell.className,
    config: isAfter ? { cell: { className: "ResetAfterGRUCell", config: own }, ...ways } : { ...own, ...ways },
    inbound: [builder.stored(call.value(0)), ...initialStates(call, cell, { at, units })],
    weights,
    outputs: returnState ? 1 + cell.states : 1,
  }, suffix);
  const states = Array.from({ length: cell.states }, (_, i) => returnState ? valueOf(name, 1 + i) : name);
  if (!returnSequences) return { states };
  return { y: goBackwards ? turned(call, name, suffix) : name, states: returnState ? states : [] };
}

/** TF.js gives the states of a layer that goes backwards in the order in which it took steps. */
function turned(call: Call, y: string, suffix: string): string {
  const [, steps] = call.value(0).shape;
  const options = { axis: 1, indices: Array.from({ length: steps }, (_, i) => steps - 1 - i) };
  return operation(call, "gather", { inbound: [y], options, suffix: `${suffix}_turned` });
}

/** ONNX's names of activations that TF.js's layers and its own operators have, with the α and β that make them TF.js's. */
const ACTIVATIONS: Readonly<Record<string, { readonly is: string; readonly numbers?: readonly number[] }>> = {
  sigmoid: { is: "sigmoid" },
  tanh: { is: "tanh" },
  relu: { is: "relu" },
  softsign: { is: "softsign" },
  softplus: { is: "softplus" },
  elu: { is: "elu", numbers: [1] },
  hardsigmoid: { is: "hardSigmoid", numbers: [0.2, 0.5] },
  affine: { is: "linear", numbers: [1, 0] },
};

function activationsOf(call: Call, { activations, className }: Cell, at: number): LayerConfig {
  const given = call.node.attrs.activations;
  const all = Array.isArray(given) ? given.map(String) : [];
  if (["activation_alpha", "activation_beta"].some((key) => call.numbers(key)?.length)) checkNumbers(call, all);
  const own = all.length === 0 ? activations : all.slice(at * activations.length, (at + 1) * activations.length);
  const names = own.map((name) =>
    ACTIVATIONS[name.toLowerCase()]?.is ?? refuse(`its activation "${name}" is none of TF.js's`)
  );
  if (className === "SimpleRNN") return { activation: names[0] };
  const [recurrentActivation, activation, last = activation] = names;
  if (last !== activation) refuse(`its activations are ${own.join(", ")}, the last two have to be one`);
  return { activation, recurrentActivation };
}

/** Activations take the numbers of the two lists in turn, each as many as it has. */
function checkNumbers(call: Call, names: readonly string[]): void {
  const [alphas, betas] = ["activation_alpha", "activation_beta"].map((key) => [...call.numbers(key) ?? []]);
  for (const name of names) {
    const { numbers = [] } = ACTIVATIONS[name.toLowerCase()] ?? {};
    numbers.forEach((needed, i) => {
      const found = [alphas, betas][i].shift() ?? needed;
      if (Math.abs(found - needed) > 1e-6) {
        refuse(`its activation "${name}" has the number ${found}, ${needed} is needed`);
      }
    });
  }
}

/** The weights of one direction in TF.js's layout: gates side by side. */
function weightsOf(
  call: Call,
  { gates }: Cell,
  { at, isAfter }: { readonly at: number; readonly isAfter: boolean },
): { readonly weights: readonly RealWeight[]; readonly units: number } {
  const units = call.number("hidden_size", call.inputShape(2)[2]);
  const width = gates.length * units;
  const matrix = (i: number, name: string): RealWeight => {
    const values = call.reals(i, name);
    const [, , columns] = call.inputShape(i);
    const own = values.subarray(at * width * columns, (at + 1) * width * columns);
    const data = Float32Array.from({ length: own.length }, (_, k) => {
      const [row, unit] = [Math.floor(k / width), k % width];
      return own[(gates[Math.floor(unit / units)] * units + unit % units) * columns + row];
    });
    return { name, shape: [columns, width], data };
  };
  const kernels = [matrix(1, "kernel"), matrix(2, "recurrent_kernel")];
  if (!call.has(3)) return { weights: kernels, units };
  const given = call.reals(3, "bias").subarray(at * 2 * width, (at + 1) * 2 * width);
  const inOrder = (k: number) => gates[Math.floor(k / units)] * units + k % units;
  // The bias of the state is added to that of the input, but for one that is reset with it.
  const summed = (k: number) => isAfter && k >= 2 * units ? 0 : given[width + inOrder(k)];
  const bias = Float32Array.from({ length: width }, (_, k) => given[inOrder(k)] + summed(k));
  const recurrent = { name: "recurrent_bias", shape: [units], data: given.slice(2 * width - units) };
  return {
    weights: [...kernels, { name: "bias", shape: [width], data: bias }, ...(isAfter ? [recurrent] : [])],
    units,
  };
}

interface First {
  readonly at: number;
  readonly units: number;
}

/** The states before the first step: none where they are zeros. */
function initialStates(call: Call, { states }: Cell, { at, units }: First): readonly string[] {
  const places = Array.from({ length: states }, (_, i) => 5 + i);
  const isZero = (i: number) => !call.has(i) || (call.constant(i) !== undefined && isAllZero(call, i));
  if (places.every(isZero)) return [];
  return places.map((i) => {
    if (isZero(i)) return call.builder.constant([units], new Float32Array(units));
    return call.isValue(i) ? stateOf(call, i, { at, units }) : constantState(call, i, { at, units });
  });
}

function isAllZero(call: Call, i: number): boolean {
  return call.reals(i, "initial state").every((value) => value === 0);
}

/** A constant [directions, n, units], the same for each sample. */
function constantState(call: Call, i: number, { at, units }: First): string {
  const tensor = call.constant(i) ?? refuse("its initial state is unknown");
  const [, samples] = tensor.shape;
  const own = realsOf(tensor).subarray(at * samples * units, (at + 1) * samples * units);
  if (!own.every((value, k) => value === own[k % units])) refuse("its initial state differs by sample");
  return call.builder.constant([units], own.slice(0, units));
}

/** One direction of a computed [n, directions, units]. */
function stateOf(call: Call, i: number, { at, units }: First): string {
  const state = call.value(i);
  const known = state.parts?.axis === 1 ? state.parts.values[at] : undefined;
  if (known !== undefined) return call.builder.stored(known);
  const stored = call.builder.stored(state);
  if (state.shape[1] === 1) return call.builder.reshape(stored, [units], [1, units]);
  const options = { begin: [at, 0], end: [at + 1, units], strides: [1, 1] };
  const name = operation(call, "slice", { inbound: [stored], options, suffix: `_initial${at}` });
  return call.builder.reshape(name, [units], [1, units]);
}
