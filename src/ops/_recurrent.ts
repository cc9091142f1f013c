/**
 * Recurrent layers as ONNX's operators, which files hold: weights and sequences in ONNX's order, and masks.
 *
 * A step that a mask leaves out changes no state, and its result is the state as it was. So the steps that count are
 * moved to the front, in their order, where `sequence_lens` says how many there are, and each step's result is then looked
 * up by the number of those that count up to it. For a mask that is a tail the first is no move at all.
 */
import type { RecurrentActivation, RecurrentAttrs, RecurrentInputs } from "../recurrent/kernel_types.ts";
import { activationAttrs } from "./_recurrent_activation.ts";
import { cast, scalar, transposed, unsqueezed, vector } from "./_emit.ts";
import { turned } from "./reverse.ts";
import type { Attrs } from "../onnx/graph.ts";
import type { Emit, Value, ValuesOf } from "./op.ts";

/** One of ONNX's recurrent operators. */
export interface RecurrentOp {
  readonly op: "LSTM" | "GRU" | "RNN";
  /** For each of ONNX's gates in order, where TF.js has it. */
  readonly gates: readonly number[];
  /** Its activations, in ONNX's order. */
  readonly activations: readonly RecurrentActivation[];
  /** Attributes that it alone has. */
  readonly attrs?: Attrs;
}

/** A recurrent kernel's inputs by name. */
export type Inputs = ValuesOf<RecurrentInputs>;

/** Swaps samples and steps: [n, t, c] → [t, n, c] and back. */
export function swapped(emit: Emit, x: Value): Value {
  return transposed(emit, x, [1, 0, 2]);
}

/** Takes the second of `x`'s axes, which is that of the steps, from its end to its start. */
export function backwards(emit: Emit, x: Value): Value {
  return turned(emit, x, [1]);
}

/**
 * Names the inputs of a recurrent kernel.
 *
 * @throws {TypeError} If one of those that every layer has is not given.
 */
export function namedInputs(list: readonly Value[], { given }: Pick<RecurrentAttrs, "given">): Inputs {
  // What TF.js calls a list comes as an object.
  const values: readonly Value[] = Object.values(list);
  const named: { -readonly [Name in keyof Inputs]?: Value } = {};
  given.forEach((name, i) => named[name] = values[i]);
  const { x, kernel, recurrentKernel } = named;
  if (x === undefined || kernel === undefined || recurrentKernel === undefined) {
    throw new TypeError(`Cannot lower a recurrent layer: given are ${given.join(", ")}, needed are x and two kernels`);
  }
  return { ...named, x, kernel, recurrentKernel };
}

/** Emits a recurrent layer and returns its outputs: y, h and, of an LSTM, c. */
export function emitRecurrent(
  emit: Emit,
  inputs: Inputs,
  { goBackwards, ...cell }: RecurrentOp & Pick<RecurrentAttrs, "goBackwards">,
): readonly Value[] {
  const { x, mask } = inputs;
  if (mask !== undefined) {
    const ordered = goBackwards ? { x: backwards(emit, x), mask: backwards(emit, mask) } : { x, mask };
    return emitMasked(emit, { ...inputs, ...ordered }, cell);
  }
  const { y, states } = emitOperator(emit, inputs, { ...cell, direction: goBackwards ? "reverse" : "forward" });
  // ONNX gives the states in the order of the steps whichever way they are taken.
  return [goBackwards ? backwards(emit, y) : y, ...states];
}

interface Run extends RecurrentOp {
  readonly direction: "forward" | "reverse";
  /** How many steps of each sequence count, int32 [n]; all if absent. */
  readonly lengths?: Value;
}

/** Emits the operator. Shapes: y [n, t, units], states [n, units]. */
function emitOperator(emit: Emit, inputs: Inputs, run: Run) {
  const { x, kernel, recurrentKernel, bias, recurrentBias, h0, c0 } = inputs;
  const { op, gates, activations, direction, lengths = null } = run;
  const units = recurrentKernel.shape[0];
  const columns = (weight: Value) => gatesOf(emit, weight, gates);
  const initial = (state: Value | undefined) => state === undefined ? null : unsqueezed(emit, state, [0]);
  const states = op === "LSTM" ? [initial(h0), initial(c0)] : [initial(h0)];
  const all = [
    swapped(emit, x),
    unsqueezed(emit, transposed(emit, columns(kernel), [1, 0]), [0]),
    unsqueezed(emit, transposed(emit, columns(recurrentKernel), [1, 0]), [0]),
    bias === undefined ? null : emitBias(emit, columns(bias), recurrentBias),
    lengths,
    ...states,
  ];
  const present = all.slice(0, all.findLastIndex((input) => input !== null) + 1);
  const attrs = { hidden_size: units, direction, ...activationAttrs(activations), ...run.attrs };
  const [y, ...last] = emit.nodes(op, present, attrs, 1 + states.length);
  return {
    y: swapped(emit, emit.node("Squeeze", [y, vector(emit, [1])])),
    states: last.map((state) => emit.node("Squeeze", [state, vector(emit, [0])])),
  };
}

/** The gates of a weight, which stand side by side along its last axis, in ONNX's order. */
function gatesOf(emit: Emit, weight: Value, order: readonly number[]): Value {
  if (order.every((gate, i) => gate === i)) return weight;
  const axis = weight.shape.length - 1;
  const units = weight.shape[axis] / order.length;
  const parts = emit.nodes("Split", [weight, vector(emit, order.map(() => units))], { axis }, order.length);
  return emit.node("Concat", order.map((gate) => parts[gate]), { axis });
}

/** ONNX has a bias of the input and one of the state, whose last gate's may count by itself: → [1, 2 · gates · units]. */
function emitBias(emit: Emit, bias: Value, recurrent?: Value): Value {
  const [length] = bias.shape;
  const both = recurrent === undefined
    ? emit.node("Pad", [bias, vector(emit, [0, length])])
    : emit.node("Concat", [bias, atEnd(emit, recurrent, length)], { axis: 0 });
  return unsqueezed(emit, both, [0]);
}

/** Puts zeros before a vector, for it to have `length` elements. */
export function atEnd(emit: Emit, vectorOfLast: Value, length: number): Value {
  return emit.node("Pad", [vectorOfLast, vector(emit, [length - vectorOfLast.shape[0], 0])]);
}

/** A layer whose mask is given, with steps in the order in which they are taken. */
function emitMasked(emit: Emit, inputs: Inputs, cell: RecurrentOp): readonly Value[] {
  const { x, mask, h0, c0 } = inputs;
  const counted = cast(emit, mask!, "int64");
  // How many steps count up to each of them, [n, t], and in all, [n].
  const count = emit.node("CumSum", [counted, scalar(emit, "int64", 1)]);
  const total = emit.node("ReduceSum", [counted, vector(emit, [1])], { keepdims: 0 });
  const moved = { ...inputs, x: pickSteps(emit, x, orderOf(emit, counted)) };
  const run = { ...cell, direction: "forward", lengths: cast(emit, total, "int32") } as const;
  const { y, states } = emitOperator(emit, moved, run);
  // Before the first step that counts, the state is the initial one.
  const known = h0 === undefined
    ? emit.node("Pad", [y, vector(emit, [0, 1, 0, 0, 0, 0])])
    : emit.node("Concat", [unsqueezed(emit, h0, [1]), y], { axis: 1 });
  const held = pickSteps(emit, known, count);
  const last = emit.node("GatherND", [known, unsqueezed(emit, total, [1])], { batch_dims: 1 });
  const cells = states.slice(1).map((c) => c0 === undefined ? c : whereNone(emit, total, { then: c0, otherwise: c }));
  return [held, last, ...cells];
}

/** Indices of the steps, those that count first, otherwise in their order. Shapes: counted [n, t] → [n, t]. */
function orderOf(emit: Emit, counted: Value): Value {
  const steps = counted.shape[1];
  const places = emit.constant("int64", [1, steps], Array.from({ length: steps }, (_, step) => step));
  const skipped = emit.node("Sub", [scalar(emit, "int64", 1), counted]);
  const keys = emit.node("Add", [places, emit.node("Mul", [skipped, scalar(emit, "int64", steps)])]);
  const [, order] = emit.nodes("TopK", [keys, vector(emit, [steps])], { axis: 1, largest: 0 }, 2);
  return order;
}

/** Steps by their numbers. Shapes: x [n, t, c], at [n, s] → [n, s, c]. */
function pickSteps(emit: Emit, x: Value, at: Value): Value {
  return emit.node("GatherND", [x, unsqueezed(emit, at, [2])], { batch_dims: 1 });
}

/** `then` for the samples of which no step counts, `otherwise` for the rest. */
function whereNone(
  emit: Emit,
  total: Value,
  { then, otherwise }: { readonly then: Value; readonly otherwise: Value },
): Value {
  const none = emit.node("Equal", [unsqueezed(emit, total, [1]), scalar(emit, "int64", 0)]);
  return emit.node("Where", [none, then, otherwise]);
}
