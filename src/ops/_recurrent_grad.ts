/**
 * What the gradients of the three recurrent kernels share.
 *
 * States and what went into the gates are all there when a gradient is taken. Only the gradients by the states depend on
 * one another from step to step; what each gate passes on is computed for all steps at once before that loop, and the
 * gradients by weights and by x, one matrix product each over all steps, behind it.
 *
 * A step that a mask leaves out passes on what it is given, and to its gates nothing.
 */
import type {
  RecurrentActivation,
  RecurrentAttrs,
  RecurrentGradInputs,
  RecurrentInputs,
} from "../recurrent/kernel_types.ts";
import { cast, scalar, vector } from "./_emit.ts";
import { reduceSum } from "./_layout.ts";
import { backwards } from "./_recurrent.ts";
import { ACTIVATIONS } from "./_recurrent_activation.ts";
import { fromRows, joinSteps, maskRows, type Size, splitSteps, times, toRows, zeroState } from "./_recurrent_steps.ts";
import type { Emit, Value, ValuesOf } from "./op.ts";

/** A recurrent layer's steps. */
export interface Steps extends Size {
  readonly goBackwards: boolean;
  /** What the layer read, [t·n, features]. */
  readonly x: Value;
  /** The state before each step, [t·n, units]. */
  readonly before: Value;
  /** Gradients by the state behind each step from outside the layer, [n, units]; the last is always there. */
  readonly given: readonly (Value | undefined)[];
  /** Which steps count. Absent if all do. */
  readonly mask?: Mask;
}

/** Which steps count, in two forms, [t·n, 1]. */
interface Mask {
  /** 1 where they do, else 0. */
  readonly counted: Value;
  /** 0 where they do, else 1. */
  readonly skipped: Value;
}

/** Reads the steps of a recurrent kernel. */
export function stepsOf(emit: Emit, inputs: ValuesOf<RecurrentGradInputs>, { goBackwards }: RecurrentAttrs): Steps {
  const { x, y, h0, dy, dh, mask } = inputs;
  const [samples, count, units] = y.shape;
  const size = { samples, count, units };
  const inOrder = (value: Value) => goBackwards ? backwards(emit, value) : value;
  const none = new Array<Value | undefined>(count).fill(undefined);
  const given = dy === undefined ? none : [...splitSteps(emit, toRows(emit, dy), size)];
  const last = sum(emit, given[count - 1], dh) ?? zeroState(emit, size);
  return {
    ...size,
    goBackwards,
    x: toRows(emit, inOrder(x)),
    before: shifted(emit, toRows(emit, y), { ...size, first: h0 }),
    given: given.with(-1, last),
    ...(mask === undefined ? {} : { mask: readMask(emit, inOrder(mask)) }),
  };
}

function readMask(emit: Emit, mask: Value): Mask {
  const counted = cast(emit, maskRows(emit, mask), "float32");
  return { counted, skipped: emit.node("Sub", [scalar(emit, "float32", 1), counted]) };
}

/** Returns what there is before each step: `first`, or zeros, and the rows of all steps but the last. */
export function shifted(emit: Emit, rows: Value, size: Size & { readonly first: Value | undefined }): Value {
  const { samples, count, first = zeroState(emit, size) } = size;
  if (count === 1) return first;
  const bounds = [[0], [(count - 1) * samples], [0]].map((values) => vector(emit, values));
  return joinSteps(emit, [first, emit.node("Slice", [rows, ...bounds])]);
}

/** Multiplies by weights the other way, as gradients are. Shapes: dy [m, c], weight [k, c], plus [m, k] → [m, k]. */
export function back(emit: Emit, dy: Value, weight: Value, plus?: Value): Value {
  return emit.node("Gemm", plus === undefined ? [dy, weight] : [dy, weight, plus], { transB: 1 });
}

/** The gradient by a weight: x [m, k], dy [m, c] → [k, c]. */
export function byWeight(emit: Emit, x: Value, dy: Value): Value {
  return emit.node("Gemm", [x, dy], { transA: 1 });
}

/** Adds up what is there; undefined if nothing is. */
export function sum(emit: Emit, ...terms: readonly (Value | undefined)[]): Value | undefined {
  const present = terms.filter((term) => term !== undefined);
  return present.length < 2 ? present[0] : present.reduce((a, b) => emit.node("Add", [a, b]));
}

/** An activation's value and slope. */
export interface Activated {
  readonly value: Value;
  readonly slope: Value;
}

/** Applies an activation. */
export function activated(emit: Emit, name: RecurrentActivation, x: Value): Activated {
  const { value, slope } = ACTIVATIONS[name];
  const y = value(emit, x);
  return { value: y, slope: slope(emit, { x, y }) };
}

/** `rows` where steps count, 0 elsewhere. */
export function ifCounted(emit: Emit, rows: Value, { mask }: Steps): Value {
  return mask === undefined ? rows : times(emit, rows, mask.counted);
}

/** `rows` where steps count, 1 elsewhere: the share of a state that a step leaves as it is. */
export function orKept(emit: Emit, rows: Value, { mask }: Steps): Value {
  return mask === undefined ? rows : emit.node("Add", [times(emit, rows, mask.counted), mask.skipped]);
}

/** The gradients by a layer's inputs, those by weights and states where the layer has them. */
export interface Gradients {
  /** By what goes into the gates, [t·n, gates · units]. */
  readonly gates: Value;
  readonly recurrentKernel: Value;
  readonly recurrentBias?: Value;
  readonly h0: Value;
  readonly c0?: Value;
}

/** Lists the gradients by the inputs that are given, in their order. */
export function gradientsOf(
  emit: Emit,
  { steps, kernel, given, by }: {
    readonly steps: Steps;
    readonly kernel: Value;
    readonly given: readonly (keyof RecurrentInputs)[];
    readonly by: Gradients;
  },
): readonly Value[] {
  const emitters: Readonly<Record<keyof RecurrentInputs, () => Value | undefined>> = {
    x: () => {
      const dx = fromRows(emit, back(emit, by.gates, kernel), steps);
      return steps.goBackwards ? backwards(emit, dx) : dx;
    },
    kernel: () => byWeight(emit, steps.x, by.gates),
    recurrentKernel: () => by.recurrentKernel,
    bias: () => reduceSum(emit, by.gates, { axes: [0] }),
    recurrentBias: () => by.recurrentBias,
    h0: () => by.h0,
    c0: () => by.c0,
    mask: () => undefined,
  };
  return given.map((name) => emitters[name]()).filter((value) => value !== undefined);
}
