/** Activation functions and layers. */
import type { layers as Layers } from "@tensorflow/tfjs-layers";
import { ACTIVATION_RULES, type ActivationName } from "../../src/layers/activations.ts";
import { between, conv, dense, float, IMAGE, int8, layers, net, relu, row } from "./net.ts";

type Identifier = Parameters<typeof Layers.activation>[0]["activation"];

/** What is claimed of each; where there is nothing, that no operator of it is in float. */
const CLAIMS: Readonly<Partial<Record<ActivationName, string | RegExp>>> = {
  elu: /Elu/,
  gelu: /Erf/,
  gelu_new: /Tanh/,
  logSoftmax: /LogSoftmax/,
  mish: /Softplus/,
  selu: /Selu/,
  sigmoid: "QLinearSigmoid",
  softmax: "QLinearSoftmax",
  softplus: /Softplus/,
  softsign: /Softsign/,
  tanh: "QLinearSigmoid",
};

/** What is claimed of those of dense layers beside. */
const ROW_CLAIMS: typeof CLAIMS = { hardSigmoid: /HardSigmoid/ };

const NAMES = Object.keys(ACTIVATION_RULES) as ActivationName[];

/** The spelling of layers' names. */
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Every activation as a layer, and as part of a dense layer. */
export const ACTIVATIONS = NAMES.flatMap((name) => {
  // TF.js's types do not list logSoftmax.
  const activation = name as Identifier;
  const of = (layer: string, claim = CLAIMS[name]) =>
    claim === undefined ? {} : typeof claim === "string" ? { int8: { [layer]: claim } } : { float: { [layer]: claim } };
  const fused = () => [layers.dense({ units: 5, activation, name: "a" }), dense("b")];
  return [
    net(`Activation ${name}`, between(() => [layers.activation({ activation, name: "x" })]), of("x")),
    net(`activation ${name} of Dense`, row([6], fused), of(`a_${snake(name)}`, CLAIMS[name] ?? ROW_CLAIMS[name])),
  ];
});

/** Activation layers. */
export const RECTIFIERS = [
  net("ReLU", between(() => [relu("x")])),
  net("ReLU, maxValue 6", between(() => [layers.reLU({ maxValue: 6, name: "x" })])),
  net("ReLU, maxValue 0.5", between(() => [layers.reLU({ maxValue: 0.5, name: "x" })])),
  net("ReLU on the input", row(IMAGE, () => [relu("x"), conv("b")])),
  net("ReLU at the end", row(IMAGE, () => [conv("b"), relu("x")])),
  net(
    "ReLU behind ReLU",
    between(() => [relu("r"), layers.reLU({ name: "x", maxValue: 0.5 })]),
    int8("QLinearLeakyRelu"),
  ),
  net("ReLU behind MaxPooling2D", between(() => [layers.maxPooling2d({ poolSize: 2, name: "p" }), relu("x")])),
  net("ReLU behind Flatten", between(() => [layers.flatten({ name: "p" }), relu("x")])),
  net(
    "ReLU behind Concatenate's like",
    between(() => [layers.averagePooling2d({ poolSize: 2, name: "p" }), relu("x")]),
    {
      int8: { p: "QLinearAveragePool" },
    },
  ),
  net("LeakyReLU", between(() => [layers.leakyReLU({ name: "x", alpha: 0.2 })]), int8("QLinearLeakyRelu")),
  net(
    "LeakyReLU at the end of Dense",
    row([6], () => [dense("a"), layers.leakyReLU({ name: "x" })]),
    int8("QLinearLeakyRelu"),
  ),
  net("Softmax over channels", between(() => [layers.softmax({ name: "x", axis: -1 })]), int8("QLinearSoftmax")),
  net(
    "Softmax at the end of Dense",
    row([6], () => [dense("a"), layers.softmax({ name: "x" })]),
    int8("QLinearSoftmax"),
  ),
  net("ThresholdedReLU", between(() => [layers.thresholdedReLU({ name: "x", theta: 0.2 })]), float(/Thresholded/)),
  net("PReLU", between(() => [layers.prelu({ name: "x" })]), float(/PRelu/)),
  net("ELU", between(() => [layers.elu({ name: "x" })]), float(/Elu/)),
];
