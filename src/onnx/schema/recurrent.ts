/**
 * Recurrent layers. Sequences come with time first: X [time, batch, features].
 *
 * Attribute `layout`, which would let the batch come first, has no kernel in ONNX Runtime's CPU provider and no row here.
 */
import type { Attrs } from "../graph.ts";
import { equalShapes, FLOAT, type Inputs, maybe, need, numberAttr, rankOf, type Rows, stringAttr } from "./_infer.ts";
import type { OpSchema, StaticType } from "./schema.ts";

const DIRECTIONS = ["forward", "reverse", "bidirectional"] as const;

const attrs: OpSchema["attrs"] = {
  activations: "strings",
  activation_alpha: "floats",
  activation_beta: "floats",
  clip: "float",
  direction: "string",
  hidden_size: "int",
};

/** What the inputs of one recurrent operator are called and how many gates its weights have. */
interface Cell {
  readonly gates: number;
  /** Whether it has a second state, whose weights of gates "peep" at it. */
  readonly hasCell: boolean;
}

function inferRecurrent({ gates, hasCell }: Cell, inputs: Inputs, values: Attrs): StaticType[] {
  const [x, w, r] = [0, 1, 2].map((i) => need(inputs, i, FLOAT));
  for (const input of [x, w, r]) rankOf(input, 3, 3);
  const directions = stringAttr(values, "direction", DIRECTIONS) === "bidirectional" ? 2 : 1;
  const units = numberAttr(values, "hidden_size", r.shape[2]);
  const [time, batch, features] = x.shape;
  const shapes: readonly (readonly [number, readonly number[]])[] = [
    [1, [directions, gates * units, features]],
    [2, [directions, gates * units, units]],
    [3, [directions, 2 * gates * units]],
    [4, [batch]],
    [5, [directions, batch, units]],
    ...(hasCell ? [[6, [directions, batch, units]] as const, [7, [directions, 3 * units]] as const] : []),
  ];
  for (const [at, shape] of shapes) {
    const input = maybe(inputs, at, at === 4 ? ["int32"] : [x.dtype]);
    if (input !== null && !equalShapes(input.shape, shape)) {
      throw new TypeError(`input ${at} has shape [${input.shape}], needed is [${shape}]`);
    }
  }
  const state: StaticType = { dtype: x.dtype, shape: [directions, batch, units] };
  return [{ dtype: x.dtype, shape: [time, directions, batch, units] }, state, ...(hasCell ? [state] : [])];
}

/** Recurrent operators of the default domain. */
export const recurrent: Rows = {
  RNN: {
    since: 7,
    inputs: [3, 6],
    outputs: [1, 2],
    attrs,
    infer: (inputs, values) => inferRecurrent({ gates: 1, hasCell: false }, inputs, values),
  },
  GRU: {
    since: 7,
    inputs: [3, 6],
    outputs: [1, 2],
    attrs: { ...attrs, linear_before_reset: "int" },
    infer: (inputs, values) => inferRecurrent({ gates: 3, hasCell: false }, inputs, values),
  },
  LSTM: {
    since: 7,
    inputs: [3, 8],
    outputs: [1, 3],
    attrs: { ...attrs, input_forget: "int" },
    infer: (inputs, values) => inferRecurrent({ gates: 4, hasCell: true }, inputs, values),
  },
};
