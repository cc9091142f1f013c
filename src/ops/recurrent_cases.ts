import type * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { InputSpec, OpCase, OpCases, Tolerance } from "../../tests/_support/op_cases.ts";
import {
  RECURRENT_ACTIVATIONS,
  RECURRENT_INPUTS,
  type RecurrentAttrs,
  type RecurrentInputs,
} from "../recurrent/kernel_types.ts";
import { ResetAfterGRUCell } from "../recurrent/reset_after.ts";

type Kernel = "Lstm" | "Gru" | "SimpleRnn";

const KERNELS = {
  Lstm: { gates: 4, layer: tfl.layers.lstm },
  Gru: { gates: 3, layer: tfl.layers.gru },
  SimpleRnn: { gates: 1, layer: tfl.layers.simpleRNN },
} as const;

/** ONNX Runtime's recurrent operators compute sigmoid and tanh by quotients of polynomials, and steps build on steps. */
const STEPS: Tolerance = { relative: 1e-5, absolute: 1e-5 };

interface Options
  extends Partial<Pick<RecurrentAttrs, "activation" | "recurrentActivation" | "goBackwards" | "resetAfter">> {
  /** Samples, steps, features, units. */
  readonly sizes?: readonly [number, number, number, number];
  readonly bias?: boolean;
  readonly states?: boolean;
  /** Rows of 0 and 1, one a sample. */
  readonly mask?: readonly string[];
}

function caseOf(kernel: Kernel, options: Options = {}): OpCase {
  const { sizes = [3, 5, 4, 6], bias = true, states = false, mask, ...rest } = options;
  const [samples, steps, features, units] = sizes;
  const { gates } = KERNELS[kernel];
  const state = { shape: [samples, units], range: [-1, 1] } as const;
  const all: Readonly<Record<keyof RecurrentInputs, InputSpec | undefined>> = {
    x: { shape: [samples, steps, features] },
    kernel: { shape: [features, gates * units], range: [-0.5, 0.5] },
    recurrentKernel: { shape: [units, gates * units], range: [-0.6, 0.6] },
    bias: bias ? { shape: [gates * units], range: [-0.5, 0.5] } : undefined,
    recurrentBias: bias && rest.resetAfter === true ? { shape: [units], range: [-0.5, 0.5] } : undefined,
    h0: states ? state : undefined,
    c0: states && kernel === "Lstm" ? state : undefined,
    mask: mask && { shape: [samples, steps], dtype: "bool", values: mask.flatMap((row) => [...row].map(Number)) },
  };
  const given = RECURRENT_INPUTS.filter((name) => all[name] !== undefined);
  const attrs: RecurrentAttrs = {
    activation: "tanh",
    recurrentActivation: "hardSigmoid",
    goBackwards: false,
    ...rest,
    given,
    read: ["y"],
  };
  return {
    name: JSON.stringify(options),
    inputs: given.map((name) => all[name]!),
    attrs: { ...attrs },
    tolerance: STEPS,
    oracle: (list) => ofLayer(kernel, { list, attrs, units }),
  };
}

/** What TF.js's own layer makes of it, step by step. */
function ofLayer(kernel: Kernel, { list, attrs, units }: {
  readonly list: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: RecurrentAttrs;
  readonly units: number;
}): tf.Tensor[] {
  const { given, read: _, resetAfter = false, ...args } = attrs;
  const input = (name: typeof given[number]) => given.includes(name) ? list[given.indexOf(name)] : undefined;
  const isThere = (tensor: tf.Tensor | undefined) => tensor !== undefined;
  const weights = [input("kernel"), input("recurrentKernel"), input("bias"), input("recurrentBias")].filter(isThere);
  const states = [input("h0"), input("c0")].filter(isThere);
  const returns = { returnSequences: true, returnState: true };
  const cell = { ...args, units, useBias: given.includes("bias") };
  const layer = resetAfter
    ? tfl.layers.rnn({ cell: new ResetAfterGRUCell(cell), goBackwards: args.goBackwards, ...returns })
    : KERNELS[kernel].layer({ ...cell, ...returns, recurrentInitializer: "zeros" });
  const x = list[0];
  layer.build(x.shape);
  layer.setWeights(weights);
  const called = layer.call(x, { mask: input("mask"), initialState: states.length === 0 ? undefined : states });
  for (const weight of layer.weights) weight.dispose();
  return called as tf.Tensor[];
}

const MASKS = {
  tail: ["11111", "11100", "10000"],
  head: ["00111", "00001", "11111"],
  holes: ["10101", "01010", "00100"],
  none: ["00000", "11011", "00000"],
  all: ["11111", "11111", "11111"],
};

function casesOf(kernel: Kernel): OpCase[] {
  const options: readonly Options[] = [
    {},
    { sizes: [1, 1, 1, 1] },
    { sizes: [2, 1, 3, 4] },
    { sizes: [4, 9, 2, 17] },
    { bias: false },
    { states: true },
    { goBackwards: true },
    { goBackwards: true, states: true, bias: false },
    ...RECURRENT_ACTIVATIONS.map((activation): Options => ({ activation })),
    ...RECURRENT_ACTIVATIONS.map((recurrentActivation): Options => ({ recurrentActivation, sizes: [3, 3, 4, 6] }))
      .filter(() => kernel !== "SimpleRnn"),
    ...Object.values(MASKS).flatMap((mask): Options[] => [{ mask }, { mask, states: true, goBackwards: true }]),
  ];
  const all = kernel === "Gru" ? options.flatMap((each) => [each, { ...each, resetAfter: true }]) : options;
  return all.map((each) => caseOf(kernel, each));
}

/** Cases by kernel. */
export const cases: OpCases = { Lstm: casesOf("Lstm"), Gru: casesOf("Gru"), SimpleRnn: casesOf("SimpleRnn") };
