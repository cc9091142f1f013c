/**
 * Recurrent layers step by step: how the engine computes them, and what their gradients are made of.
 *
 * ONNX Runtime's recurrent operators compute activations number by number, and clip NaN and infinity to numbers. Step by
 * step a batch of 64 takes half their time, and what is not finite is seen. The product with x is one for all steps; a
 * step is left with its product with the state, and arithmetic.
 *
 * Values of all steps are rows, in the order in which steps are taken: [t·n, columns].
 */
import type { RecurrentAttrs } from "../recurrent/kernel_types.ts";
import type { Inputs } from "./_recurrent.ts";
import { filled, reshaped, transposed, vector } from "./_emit.ts";
import { backwards, swapped } from "./_recurrent.ts";
import type { Emit, Value } from "./op.ts";

/** How many sequences there are, of how many steps, and how many numbers their states have. */
export interface Size {
  readonly samples: number;
  readonly count: number;
  readonly units: number;
}

/** Shapes: [n, t, c] → [t·n, c]. */
export function toRows(emit: Emit, x: Value): Value {
  const [samples, count, columns] = x.shape;
  return reshaped(emit, swapped(emit, x), [count * samples, columns]);
}

/** Shapes: [t·n, c] → [n, t, c]. */
export function fromRows(emit: Emit, rows: Value, { samples, count }: Size): Value {
  return swapped(emit, reshaped(emit, rows, [count, samples, rows.shape[1]]));
}

/** Cuts rows into those of each step, [n, columns]. */
export function splitSteps(emit: Emit, rows: Value, { samples, count }: Size): readonly Value[] {
  if (count === 1) return [rows];
  return emit.nodes("Split", [rows, vector(emit, new Array(count).fill(samples))], { axis: 0 }, count);
}

/** Joins the rows of all steps. */
export function joinSteps(emit: Emit, steps: readonly Value[]): Value {
  return steps.length === 1 ? steps[0] : emit.node("Concat", steps, { axis: 0 });
}

/** A state of zeros, [n, units]. */
export function zeroState(emit: Emit, { samples, units }: Size): Value {
  return filled(emit, { dtype: "float32", shape: [samples, units] }, 0);
}

/** Cuts columns into parts of `widths`. */
export function splitColumns(emit: Emit, rows: Value, widths: readonly number[]): readonly Value[] {
  return emit.nodes("Split", [rows, vector(emit, widths)], { axis: 1 }, widths.length);
}

/** Cuts columns into gates: [m, gates · units] → [m, units] each. */
export function splitGates(emit: Emit, rows: Value, units: number): readonly Value[] {
  return splitColumns(emit, rows, new Array(rows.shape[1] / units).fill(units));
}

/** Puts columns side by side. */
export function beside(emit: Emit, ...parts: readonly Value[]): Value {
  return emit.node("Concat", parts, { axis: 1 });
}

/** Multiplies matrices and adds `plus`. Shapes: a [m, k], b [k, c], plus [m, c] or [c] → [m, c]. */
export function product(emit: Emit, a: Value, b: Value, plus?: Value): Value {
  return emit.node("Gemm", plus === undefined ? [a, b] : [a, b, plus]);
}

/** Multiplies elements. */
export function times(emit: Emit, a: Value, b: Value): Value {
  return emit.node("Mul", [a, b]);
}

/** Adds elements. */
export function plus(emit: Emit, a: Value, b: Value): Value {
  return emit.node("Add", [a, b]);
}

/** What a step starts from. */
export interface State {
  readonly h: Value;
  /** Of an LSTM. */
  readonly c?: Value;
}

/** What a step comes to: the state behind it, and what went into its gates, [n, gates · units]. */
export interface Step extends State {
  readonly gates: Value;
}

/** Takes one step. `x` is the step's product with the kernel and the bias, [n, gates · units]. */
export type TakeStep = (x: Value, before: State) => Step;

/**
 * Emits a layer step by step.
 *
 * @returns What the kernel returns, and behind it what its gradient reads: what went into the gates, [t·n, gates · units],
 * and the cells of an LSTM, [t·n, units].
 */
export function emitSteps(
  emit: Emit,
  { inputs, attrs, take }: { readonly inputs: Inputs; readonly attrs: RecurrentAttrs; readonly take: TakeStep },
): readonly Value[] {
  const { x, kernel, recurrentKernel, bias, h0, c0, mask } = inputs;
  const [samples, count] = x.shape;
  const size = { samples, count, units: recurrentKernel.shape[0] };
  const inOrder = (value: Value) => attrs.goBackwards ? backwards(emit, value) : value;
  const xs = splitSteps(emit, product(emit, toRows(emit, inOrder(x)), kernel, bias), size);
  const masks = mask && splitSteps(emit, maskRows(emit, inOrder(mask)), size);
  const hasCell = kernel.shape[1] === 4 * size.units;
  let state: State = { h: h0 ?? zeroState(emit, size), ...(hasCell ? { c: c0 ?? zeroState(emit, size) } : {}) };
  const steps: Step[] = [];
  for (let t = 0; t < count; t++) {
    const step = take(xs[t], state);
    steps.push(masks === undefined ? step : { ...step, ...heldState(emit, masks[t], { step, before: state }) });
    state = steps[t];
  }
  const y = fromRows(emit, joinSteps(emit, steps.map(({ h }) => h)), size);
  const gates = joinSteps(emit, steps.map((step) => step.gates));
  if (state.c === undefined) return [y, state.h, gates];
  return [y, state.h, state.c, gates, joinSteps(emit, steps.map(({ c }) => c!))];
}

/** [n, t] → [t·n, 1]. */
export function maskRows(emit: Emit, mask: Value): Value {
  const [samples, count] = mask.shape;
  return reshaped(emit, transposed(emit, mask, [1, 0]), [count * samples, 1]);
}

/** The state behind a step that counts for some of the samples only. */
function heldState(
  emit: Emit,
  mask: Value,
  { step, before }: { readonly step: State; readonly before: State },
): State {
  const held = (after: Value, value: Value) => emit.node("Where", [mask, after, value]);
  if (step.c === undefined || before.c === undefined) return { h: held(step.h, before.h) };
  return { h: held(step.h, before.h), c: held(step.c, before.c) };
}
