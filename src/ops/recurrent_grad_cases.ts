import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { Random } from "../numbers/random.ts";
import { RECURRENT_ACTIVATIONS, RECURRENT_INPUTS, type RecurrentAttrs } from "../recurrent/kernel_types.ts";
import { compute, differences, type Elements, GATES, type Kernel, type Layer } from "./_test_recurrent.ts";

interface Options extends Partial<Pick<Layer, "activation" | "recurrentActivation" | "goBackwards" | "resetAfter">> {
  readonly steps?: number;
  readonly bias?: boolean;
  readonly states?: boolean;
  /** Rows of 0 and 1, one a sample. */
  readonly mask?: readonly string[];
  /** The outputs that are read. */
  readonly read?: RecurrentAttrs["read"];
}

function caseOf(kernel: Kernel, options: Options): OpCase {
  const { steps = 4, bias = true, states = false, mask, read = ["y"], ...rest } = options;
  const layer: Layer = {
    ...{ kernel, samples: 2, steps, features: 3, units: 4 },
    ...{ activation: "tanh", recurrentActivation: "hardSigmoid", goBackwards: false, ...rest },
  };
  const shapes = shapesOf(layer);
  const random = new Random(3, [Object.keys(GATES).indexOf(kernel), steps]);
  const numbers = (shape: readonly number[]) =>
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.fround(random.between(-0.7, 0.7)));
  const isThere: Readonly<Record<string, boolean>> = {
    bias,
    recurrentBias: bias && rest.resetAfter === true,
    h0: states,
    c0: states && kernel === "Lstm",
    mask: false,
  };
  const floats = RECURRENT_INPUTS.filter((name) => isThere[name] ?? true);
  const elements: Elements = {
    ...Object.fromEntries(floats.map((name) => [name, numbers(shapes[name])])),
    ...(mask === undefined ? {} : { mask: mask.flatMap((row) => [...row].map(Number)) }),
  };
  const pulls = Object.fromEntries(read.map((output) => [output, numbers(shapes[output])]));
  const computed = compute(layer, elements);
  const saved = { y: computed.y, gates: computed.gates, ...(kernel === "Lstm" ? { cells: computed.cells } : {}) };
  const given = RECURRENT_INPUTS.filter((name) => elements[name] !== undefined);
  const all = { ...elements, ...saved, ...Object.fromEntries(read.map((output) => [`d${output}`, pulls[output]])) };
  const specs = Object.entries(all).map(([name, values = []]): [string, InputSpec] => {
    const shape = shapes[name.startsWith("d") ? name.slice(1) : name];
    return [name, { shape, values, ...(name === "mask" ? { dtype: "bool" } : {}) }];
  });
  const attrs: RecurrentAttrs = { ...layer, given, read };
  return {
    name: JSON.stringify(options),
    inputs: Object.fromEntries(specs),
    attrs: { ...attrs },
    // Sums over samples and steps of products of numbers rounded to float32.
    tolerance: { relative: 1e-5, absolute: 1e-5 },
    oracle: () =>
      differences(layer, elements, pulls).map((values, i) =>
        tf.tensor(Float32Array.from(values), [...shapes[given[i]]])
      ),
  };
}

function shapesOf({ kernel, samples, steps, features, units }: Layer): Readonly<Record<string, readonly number[]>> {
  const width = GATES[kernel] * units;
  return {
    x: [samples, steps, features],
    kernel: [features, width],
    recurrentKernel: [units, width],
    bias: [width],
    recurrentBias: [units],
    h0: [samples, units],
    c0: [samples, units],
    mask: [samples, steps],
    y: [samples, steps, units],
    h: [samples, units],
    c: [samples, units],
    gates: [steps * samples, width],
    cells: [steps * samples, units],
  };
}

function casesOf(kernel: Kernel): OpCase[] {
  const last: RecurrentAttrs["read"] = kernel === "Lstm" ? ["h", "c"] : ["h"];
  const options: readonly Options[] = [
    {},
    { steps: 1 },
    { steps: 1, states: true, read: ["h"] },
    { bias: false, read: ["h"] },
    { states: true, read: ["y", ...last] },
    { goBackwards: true, states: true, read: last },
    { mask: ["1100", "1111"] },
    { mask: ["0000", "0101"], states: true, read: ["y", ...last], goBackwards: true },
    ...RECURRENT_ACTIVATIONS.map((activation): Options => ({ activation })),
    ...(kernel === "SimpleRnn" ? [] : RECURRENT_ACTIVATIONS)
      .map((recurrentActivation): Options => ({ recurrentActivation, states: true })),
  ];
  const all = kernel === "Gru" ? options.flatMap((each) => [each, { ...each, resetAfter: true }]) : options;
  return all.map((each) => caseOf(kernel, each));
}

/** Cases by kernel. */
export const cases: OpCases = {
  LstmGrad: casesOf("Lstm"),
  GruGrad: casesOf("Gru"),
  SimpleRnnGrad: casesOf("SimpleRnn"),
};
