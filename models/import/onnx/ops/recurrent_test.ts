import assert from "node:assert/strict";
import type { Attrs } from "../../../../src/onnx/graph.ts";
import { assertSequences, classesOf, sequenceBytes } from "../batch/_test_sequences.ts";
import { loadBytes, type NetWriter } from "../_test_net.ts";

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

/** A recurrent operator under test; sequences have 5 steps of 4 features, states 6 numbers. */
interface Layer {
  readonly op: keyof typeof GATES;
  readonly attrs?: Attrs;
  readonly bias?: boolean;
  /** Its states before the first step: constants, or inputs of the net. Default: none are given. */
  readonly initial?: "zeros" | "constant" | "input";
  /** The outputs that are the net's. Default: the sequences alone. */
  readonly read?: readonly number[];
  /** More inputs, by their places. */
  readonly more?: (net: NetWriter) => Readonly<Record<number, string>>;
}

const SEQUENCE = [5, "n", 4] as const;
const UNITS = 6;

function directionsOf({ attrs = {} }: Layer): number {
  return attrs.direction === "bidirectional" ? 2 : 1;
}

/** Writes the operator and returns the names of its outputs. */
function write(net: NetWriter, layer: Layer, x = "x"): readonly string[] {
  const { op, attrs = {}, bias = true, initial, more } = layer;
  const directions = directionsOf(layer);
  const width = GATES[op] * UNITS;
  const inputs = [
    x,
    net.random([directions, width, 4], -0.7, 0.7),
    net.random([directions, width, UNITS], -0.7, 0.7),
    bias ? net.random([directions, 2 * width]) : "",
    "",
    ...(initial === undefined ? [] : op === "LSTM" ? ["h", "c"] : ["h"]).map((name) =>
      stateOf(net, layer, { name, x })
    ),
  ];
  Object.entries(more?.(net) ?? {}).forEach(([place, name]) => {
    while (inputs.length <= Number(place)) inputs.push("");
    inputs[Number(place)] = name;
  });
  const outputs = op === "LSTM" ? 3 : 2;
  const name = net.add(op, inputs, { hidden_size: UNITS, ...attrs }, outputs);
  return [name, ...Array.from({ length: outputs - 1 }, (_, i) => `${name}_${i + 1}`)];
}

function stateOf(net: NetWriter, layer: Layer, { name, x }: { readonly name: string; readonly x: string }): string {
  if (layer.initial === "input") return name;
  const directions = directionsOf(layer);
  const size = layer.initial === "zeros" ? 0 : 1;
  const row = net.random([directions, 1, UNITS], -size, size);
  // As PyTorch expands it, by the size of the batch.
  const batch = net.add("Gather", [net.add("Shape", [x]), net.whole(1)]);
  return net.add("Expand", [row, net.add("Concat", [net.whole(1), batch, net.whole(1)], { axis: 0 })]);
}

async function assertLayer(layer: Layer): Promise<string> {
  const { read = [0], initial, op } = layer;
  const state = [directionsOf(layer), "n", UNITS] as const;
  const names = initial !== "input" ? [] : op === "LSTM" ? ["h", "c"] : ["h"];
  const states = Object.fromEntries(names.map((name) => [name, state]));
  const model = await assertSequences({
    inputs: { x: SEQUENCE, ...states },
    write: (net) => {
      const outputs = write(net, layer);
      return read.map((i) => outputs[i]);
    },
    axes: read.map((i) => i === 0 ? 2 : 1),
  });
  const classes = classesOf(model);
  model.dispose();
  return classes;
}

const EVERY: readonly Omit<Layer, "op">[] = [
  {},
  { bias: false },
  { attrs: { direction: "reverse" } },
  { attrs: { direction: "bidirectional" }, read: [0, 1] },
  { read: [1] },
  { read: [1], attrs: { direction: "reverse" } },
  { read: [1], attrs: { direction: "bidirectional" } },
  { initial: "zeros" },
  { initial: "constant", attrs: { direction: "bidirectional" } },
  { initial: "input", read: [0, 1] },
  { initial: "input", attrs: { direction: "bidirectional" }, read: [1, 0] },
];

const OWN: readonly Layer[] = [
  { op: "LSTM", read: [0, 1, 2], attrs: { direction: "bidirectional" } },
  { op: "LSTM", read: [2] },
  { op: "LSTM", read: [2, 1], attrs: { direction: "reverse" }, initial: "input" },
  { op: "LSTM", attrs: { activations: ["HardSigmoid", "Softsign", "Softsign"] } },
  {
    op: "LSTM",
    attrs: { activations: ["Sigmoid", "Relu", "Relu", "HardSigmoid", "Tanh", "Tanh"], direction: "bidirectional" },
  },
  {
    op: "LSTM",
    attrs: { activations: ["HardSigmoid", "Elu", "Elu"], activation_alpha: [0.2, 1, 1], activation_beta: [0.5] },
  },
  { op: "LSTM", more: (net) => ({ 7: net.real([1, 18], new Array(18).fill(0)) }) },
  { op: "GRU", attrs: { activations: ["HardSigmoid", "Softplus"] } },
  ...EVERY.map((each): Layer => ({ ...each, op: "GRU", attrs: { ...each.attrs, linear_before_reset: 1 } })),
  { op: "GRU", attrs: { activations: ["HardSigmoid", "Relu"], linear_before_reset: 1 } },
  { op: "RNN", attrs: { activations: ["Relu"] } },
  { op: "RNN", attrs: { activations: ["Affine"], activation_alpha: [1], activation_beta: [0] } },
];

for (
  const layer of [...(["LSTM", "GRU", "RNN"] as const).flatMap((op) => EVERY.map((each) => ({ ...each, op }))), ...OWN]
) {
  const { op, more: _, ...rest } = layer;
  Deno.test(`loadOnnx() makes layers of ${op} ${JSON.stringify(rest)}`, async () => {
    const classes = await assertLayer(layer);
    const isAfter = layer.attrs?.linear_before_reset === 1;
    assert.match(classes, new RegExp(`\\b${isAfter ? "RNN" : op === "RNN" ? "SimpleRNN" : op}\\b`));
  });
}

Deno.test("loadOnnx() leaves nothing of transposes around recurrent layers, and of states that nobody reads", async () => {
  const model = await assertSequences({
    inputs: { x: ["n", 5, 4] },
    write: (net) => {
      const turned = net.add("Transpose", ["x"], { perm: [1, 0, 2] });
      const [y] = write(net, { op: "LSTM", attrs: { direction: "bidirectional" }, initial: "zeros" }, turned);
      const both = net.add("Reshape", [net.add("Transpose", [y], { perm: [0, 2, 1, 3] }), net.whole(0, 0, -1)]);
      return net.add("Transpose", [both], { perm: [1, 0, 2] });
    },
  });
  assert.equal(classesOf(model), "InputLayer LSTM LSTM Operation Concatenate");
});

Deno.test("loadOnnx() hands last states on by themselves, out of stacks of them", async () => {
  const model = await assertSequences({
    inputs: { x: SEQUENCE },
    write: (net) => {
      const layer: Layer = { op: "GRU", attrs: { direction: "bidirectional" } };
      const [, first] = write(net, layer);
      const [, second] = write(net, layer);
      const all = net.add("Concat", [first, second], { axis: 0 });
      const pick = (at: number) =>
        net.add("Gather", [all, net.add("Squeeze", [net.whole(at), net.whole(0)])], { axis: 0 });
      return net.add("Concat", [pick(-1), pick(2)], { axis: 1 });
    },
    axes: [0],
  });
  assert.equal(classesOf(model), "InputLayer GRU GRU Concatenate");
});

const REFUSED: readonly (readonly [Layer, RegExp])[] = [
  [{ op: "LSTM", attrs: { clip: 2 } }, /it clips what goes into gates \(clip 2\)/],
  [{ op: "LSTM", attrs: { input_forget: 1 } }, /its input gate is its forget gate's rest/],
  [{ op: "LSTM", more: (net) => ({ 7: net.random([1, 18]) }) }, /its gates read the cell \(peepholes\)/],
  [{ op: "LSTM", attrs: { activations: ["Sigmoid", "Tanh", "Relu"] } }, /the last two have to be one/],
  [
    { op: "GRU", attrs: { activations: ["LeakyRelu", "Tanh"], activation_alpha: [0.1] } },
    /"LeakyRelu" is none of TF\.js's/,
  ],
  [
    { op: "RNN", attrs: { activations: ["Affine"], activation_alpha: [2], activation_beta: [0] } },
    /its activation "Affine" has the number 2, 1 is needed/,
  ],
  [
    { op: "RNN", more: (net) => ({ 5: net.random([1, 2, UNITS]) }) },
    /its initial state differs by sample/,
  ],
];

for (const [layer, message] of REFUSED) {
  Deno.test(`loadOnnx() refuses ${layer.op} ${JSON.stringify(layer.attrs ?? {})}: ${message.source}`, async () => {
    const { bytes } = sequenceBytes({ inputs: { x: [5, 2, 4] }, write: (net) => write(net, layer)[0] });
    await assert.rejects(loadBytes(bytes), message);
  });
}

Deno.test("loadOnnx() refuses sequences of their own lengths, and takes those of all steps", async () => {
  const of = (...lengths: readonly number[]): Layer => ({
    op: "RNN",
    more: (net) => ({ 4: net.add("Cast", [net.whole(...lengths)], { to: 6 }) }),
  });
  const bytes = (layer: Layer) =>
    sequenceBytes({ inputs: { x: [5, 2, 4] }, write: (net) => write(net, layer)[0] }).bytes;
  await assert.rejects(
    loadBytes(bytes(of(5, 3))),
    /its sequences have their own lengths \(sequence_lens\), all 5 steps/,
  );
  (await loadBytes(bytes(of(5, 5)))).dispose();
});
