import assert from "node:assert/strict";
import { assertSequences, classesOf } from "../batch/_test_sequences.ts";
import type { NetWriter } from "../_test_net.ts";

/** Writes (x − mean) / √(variance + ε) of "x", its squares in one of two ways. */
function normed(net: NetWriter, { axes = [-1], power = true, twice = false } = {}): string {
  const mean = () => net.add("ReduceMean", ["x"], { axes });
  const centred = net.add("Sub", ["x", mean()]);
  const again = twice ? net.add("Sub", ["x", mean()]) : centred;
  const square = power ? net.add("Pow", [again, net.real([], [2])]) : net.add("Mul", [again, again]);
  const variance = net.add("ReduceMean", [square], { axes });
  return net.add("Div", [centred, net.add("Sqrt", [net.add("Add", [variance, net.real([], [1e-3])])])]);
}

const scaled = (net: NetWriter, x: string, sides: readonly number[]) =>
  net.add("Add", [net.add("Mul", [net.random(sides), x]), net.random(sides)]);

/** Nets that are one operator in several, and what they become. */
const NETS: readonly (readonly [string, (net: NetWriter) => string | string[], RegExp])[] = [
  ["a normalization", (net) => normed(net), /^InputLayer LayerNormalization$/],
  ["one of products", (net) => normed(net, { power: false, twice: true }), /^InputLayer LayerNormalization$/],
  ["one with weights", (net) => scaled(net, normed(net), [4]), /^InputLayer LayerNormalization$/],
  ["one over two axes", (net) => scaled(net, normed(net, { axes: [2, 1] }), [5, 4]), /^InputLayer LayerNormalization$/],
  [
    "one that is scaled twice",
    (net) => scaled(net, scaled(net, normed(net), [4]), [4]),
    /^InputLayer LayerNormalization ConstantValue Multiply ConstantValue Add$/,
  ],
  [
    "one whose middle is read too",
    (net) => {
      const middle = normed(net);
      return [scaled(net, middle, [4]), net.add("Neg", [middle])];
    },
    /^InputLayer LayerNormalization .*LayerNormalization/,
  ],
  ["one over an axis before the last", (net) => normed(net, { axes: [1] }), /^InputLayer(?!.*LayerNorm)/],
  [
    "a factor by step",
    (net) => net.add("Mul", [normed(net), net.random([5, 1])]),
    /^InputLayer LayerNormalization ConstantValue Multiply$/,
  ],
  ["GELU", (net) => gelu(net, { half: "outside" }), /^InputLayer Activation$/],
  ["GELU with its half inside", (net) => gelu(net, { half: "inside", divides: false }), /^InputLayer Activation$/],
  ["a PReLU of maximum and minimum", (net) => {
    const [above, below] = [net.add("Max", ["x", net.real([], [0])]), net.add("Min", [net.real([], [0]), "x"])];
    return net.add("Add", [above, net.add("Mul", [net.random([4]), below])]);
  }, /^InputLayer PReLU$/],
  ["a PReLU of two ReLUs", (net) => {
    const below = net.add("Mul", [net.add("Relu", [net.add("Neg", ["x"])]), net.random([5, 4])]);
    return net.add("Sub", [net.add("Relu", ["x"]), below]);
  }, /^InputLayer PReLU$/],
  ["a PReLU of an absolute value", (net) => {
    const twice = net.add("Sub", ["x", net.add("Abs", ["x"])]);
    const below = net.add("Mul", [net.add("Mul", [net.random([1, 4]), twice]), net.real([], [0.5])]);
    return net.add("Add", [net.add("Relu", ["x"]), below]);
  }, /^InputLayer PReLU$/],
  [
    "a leaky ReLU of a maximum",
    (net) => net.add("Max", ["x", net.add("Mul", ["x", net.real([], [0.2])])]),
    /^InputLayer LeakyReLU$/,
  ],
  ["a leaky ReLU of parts", (net) => {
    const below = net.add("Div", [net.add("Relu", [net.add("Mul", ["x", net.real([], [-1])])]), net.real([], [-8])]);
    return net.add("Add", [below, net.add("Clip", ["x", net.real([], [0])])]);
  }, /^InputLayer LeakyReLU$/],
  ["another slope above", (net) => {
    const above = net.add("Mul", [net.add("Relu", ["x"]), net.real([], [2])]);
    return net.add("Add", [above, net.add("Min", ["x", net.real([], [0])])]);
  }, /^InputLayer(?!.*ReLU$)/],
  ["ReLU6 of a minimum of a maximum", (net) => {
    return net.add("Min", [net.add("Max", ["x", net.real([], [0])]), net.real([1], [6])]);
  }, /^InputLayer ReLU$/],
  ["ReLU6 behind a ReLU", (net) => {
    const low = net.add("Min", [net.real([], [0.5]), net.add("Relu", ["x"])]);
    return net.add("Max", [low, net.real([], [0])]);
  }, /^InputLayer ReLU$/],
  ["a maximum with 0", (net) => net.add("Max", [net.real([], [0]), "x"]), /^InputLayer ReLU$/],
  ["a bound from below", (net) => net.add("Max", ["x", net.real([], [-0.25])]), /^InputLayer Operation$/],
  ["bounds of which the inner is read too", (net) => {
    const inner = net.add("Max", ["x", net.real([], [-0.5])]);
    return net.add("Mul", [inner, net.add("Min", [inner, net.real([], [0.5])])]);
  }, /^InputLayer Operation Operation Multiply$/],
  ["a bound by step", (net) => net.add("Max", ["x", net.random([5, 1])]), /^InputLayer ConstantValue Maximum$/],
  ["GELU of another slope", (net) => gelu(net, { root: 2 }), /Erf|Operation/],
];

function gelu(net: NetWriter, { half = "outside", divides = true, root = Math.SQRT2 } = {}): string {
  const inside = net.add(divides ? "Div" : "Mul", ["x", net.real([], [divides ? root : 1 / root])]);
  const share = net.add("Add", [net.real([], [1]), net.add("Erf", [inside])]);
  const [a, b] = half === "inside" ? [net.add("Mul", [share, net.real([], [0.5])]), "x"] : ["x", share];
  const product = net.add("Mul", [a, b]);
  return half === "inside" ? product : net.add("Mul", [net.real([1], [0.5]), product]);
}

for (const [what, write, classes] of NETS) {
  Deno.test(`loadOnnx() takes several nodes for ${what}`, async () => {
    const model = await assertSequences({ inputs: { x: ["n", 5, 4] }, write, axes: [0, 0] });
    assert.match(classesOf(model), classes);
    model.dispose();
  });
}

Deno.test("loadOnnx() makes a layer of LayerNormalization, and constants of a concatenation", async () => {
  const model = await assertSequences({
    inputs: { x: ["n", 5, 4] },
    write: (net) => {
      const token = net.add("Concat", [net.add("Expand", [net.random([1, 1, 4]), ones(net)]), "x"], { axis: 1 });
      return net.add("LayerNormalization", [token, net.random([4])], { axis: -1, epsilon: 0.01 });
    },
  });
  assert.equal(classesOf(model), "InputLayer ConstantValue Concatenate LayerNormalization");
});

/** [n, 1, 1], as the input has samples. */
function ones(net: NetWriter): string {
  const batch = net.add("Gather", [net.add("Shape", ["x"]), net.whole(0)]);
  return net.add("Concat", [batch, net.whole(1), net.whole(1)], { axis: 0 });
}
