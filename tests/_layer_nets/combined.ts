/** Layers in company: in either data format, behind one another, and between ranks. */
import { apply } from "../_support/small_models.ts";
import {
  batchNorm,
  between,
  chain,
  conv,
  conv1d,
  dense,
  float,
  IMAGE,
  int8,
  layers,
  net,
  relu,
  row,
  wired,
} from "./net.ts";
import { WRONG_AXIS } from "./weighted.ts";

const first = "channelsFirst" as const;
const CHANNELS_FIRST_IMAGE = [3, 8, 8];

/** Layers in company. */
export const COMBINED = [
  net(
    "Conv2D, channels first",
    row(
      CHANNELS_FIRST_IMAGE,
      () => [
        conv("a", { dataFormat: first, kernelSize: 3 }),
        layers.reLU({ name: "r" }),
        conv("x", { dataFormat: first }),
      ],
    ),
    int8("QLinearConv"),
  ),
  net(
    "Conv2D and BatchNormalization, channels first",
    row(CHANNELS_FIRST_IMAGE, () => [
      conv("a", { dataFormat: first, kernelSize: 3 }),
      layers.batchNormalization({ name: "x", axis: 1 }),
    ]),
    { ...float(/only the last axis/), wrongOnCpu: WRONG_AXIS },
  ),
  net(
    "pools, channels first",
    row(
      CHANNELS_FIRST_IMAGE,
      () => [
        conv("a", { dataFormat: first }),
        layers.maxPooling2d({ poolSize: 2, dataFormat: first, name: "x" }),
        layers.averagePooling2d({ poolSize: 2, dataFormat: first, name: "y" }),
        layers.globalAveragePooling2d({ dataFormat: first, name: "z" }),
      ],
    ),
    { int8: { x: "MaxPool", y: "QLinearAveragePool", z: "QLinearGlobalAveragePool" } },
  ),
  net(
    "moves, channels first",
    row(
      CHANNELS_FIRST_IMAGE,
      () => [
        conv("a", { dataFormat: first }),
        layers.zeroPadding2d({ padding: 1, dataFormat: first, name: "x" }),
        conv("b", { dataFormat: first, kernelSize: 3 }),
        layers.upSampling2d({ size: [2, 2], dataFormat: first, name: "y" }),
        layers.cropping2D({ cropping: 1, dataFormat: first, name: "z" }),
        layers.flatten({ dataFormat: first, name: "f" }),
      ],
    ),
    {},
  ),
  net(
    "SeparableConv2D, dilation 2",
    row(IMAGE, () => [layers.separableConv2d({ filters: 4, kernelSize: 3, dilationRate: 2, name: "x" }), conv("b")]),
    float(/two kernels/),
  ),
  net(
    "inception block",
    wired((image) => {
      const x = apply(conv("stem", { activation: "relu" }), image);
      const branches = [
        apply(conv("a"), x),
        chain(x, conv("b1", { activation: "relu" }), conv("b2", { kernelSize: 3, padding: "same" })),
        chain(x, layers.maxPooling2d({ poolSize: 3, strides: 1, padding: "same", name: "pool" }), conv("c")),
        apply(layers.averagePooling2d({ poolSize: 3, strides: 1, padding: "same", name: "avg" }), x),
      ];
      return chain(
        apply(layers.concatenate({ name: "x" }), ...branches),
        relu("r"),
        layers.globalAveragePooling2d({ name: "gap" }),
        dense("fc"),
        layers.softmax({ name: "p" }),
      );
    }),
    int8("QLinearConcat"),
  ),
  net(
    "Concatenate of an image and its pool, upsampled",
    wired((image) => {
      const x = chain(
        image,
        layers.maxPooling2d({ poolSize: 2, name: "pool" }),
        layers.upSampling2d({ size: [2, 2], name: "up" }),
      );
      return chain(apply(layers.concatenate({ name: "x" }), image, x), conv("after"));
    }),
    int8("QLinearConcat"),
  ),
  net(
    "pool that two read, one of them an output",
    wired((image) => {
      const x = chain(image, conv("a"), layers.maxPooling2d({ poolSize: 2, name: "x" }));
      return [x, apply(conv("b"), x)];
    }),
    int8("MaxPool"),
  ),
  net("Dropout at the end", row(IMAGE, () => [conv("a"), layers.dropout({ rate: 0.5, name: "x" })])),
  net(
    "Softmax, reshaped, at the end",
    row(
      [6],
      () => [
        layers.dense({ units: 6, name: "a", activation: "softmax" }),
        layers.reshape({ targetShape: [2, 3], name: "x" }),
      ],
    ),
  ),
  net(
    "sigmoid of two values multiplied",
    wired((image) => {
      const gate = apply(conv("gate", { activation: "sigmoid" }), image);
      return apply(layers.multiply({ name: "x" }), apply(conv("a", { activation: "tanh" }), image), gate);
    }),
    int8("QLinearMul"),
  ),
  net(
    "tanh pooled and flattened",
    between(
      () => [
        layers.activation({ activation: "tanh", name: "x" }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
      ],
    ),
    int8("QLinearSigmoid"),
  ),
  net(
    "tanh that two read, and at the end",
    wired((image) => {
      const x = apply(conv("a", { activation: "tanh" }), image);
      return [x, apply(conv("b"), x), apply(layers.zeroPadding2d({ padding: 1, name: "pad" }), x)];
    }),
  ),
  net(
    "swish and BatchNormalization",
    row(
      IMAGE,
      () => [
        conv("a"),
        layers.batchNormalization({ name: "x" }),
        layers.activation({ activation: "swish", name: "s" }),
        conv("b", { activation: "swish" }),
      ],
    ),
    { int8: { s: "QLinearMul", b: "QLinearMul" } },
  ),
  net(
    "BatchNormalization of what is padded",
    between(() => [layers.zeroPadding2d({ padding: 1, name: "p" }), batchNorm("x"), relu("r")]),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization, flattened",
    between(() => [relu("r"), batchNorm("x"), layers.flatten({ name: "f" })]),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization behind Flatten",
    row(IMAGE, () => [conv("a"), layers.flatten({ name: "f" }), batchNorm("x"), dense("b")]),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization behind Dropout behind ReLU",
    between(() => [relu("r"), layers.dropout({ rate: 0.2, name: "d" }), batchNorm("x")]),
    int8("QLinearConv"),
  ),
  net("two BatchNormalizations behind Conv2D", between(() => [batchNorm("y"), batchNorm("x")]), int8("QLinearConv")),
  net(
    "ReLU behind an average of a maximum",
    between(
      () => [
        layers.maxPooling2d({ poolSize: 2, name: "m" }),
        layers.averagePooling2d({ poolSize: 2, name: "x" }),
        relu("r"),
      ],
    ),
    int8("QLinearAveragePool"),
  ),
  net(
    "Conv1D to Conv2D by Reshape",
    row([8, 3], () => [conv1d("a"), layers.reshape({ targetShape: [2, 3, 4], name: "x" }), conv("b")]),
  ),
  net(
    "Conv2D to Conv1D by Reshape",
    row(IMAGE, () => [conv("a"), layers.reshape({ targetShape: [64, 4], name: "x" }), conv1d("b")]),
  ),
  net(
    "Conv1D, pools and Dense",
    row(
      [16, 3],
      () => [
        conv1d("a", { activation: "relu" }),
        layers.maxPooling1d({ poolSize: 2, name: "x" }),
        conv1d("b", { activation: "relu" }),
        layers.flatten({ name: "f" }),
        dense("c"),
      ],
    ),
    int8("MaxPool"),
  ),
  net(
    "picture of width 1",
    row(
      [8, 1, 3],
      () => [
        conv("a", { kernelSize: [3, 1] }),
        layers.maxPooling2d({ poolSize: [2, 1], name: "x" }),
        layers.flatten({ name: "f" }),
        dense("b"),
      ],
    ),
    int8("MaxPool"),
  ),
  net(
    "picture of one channel",
    row(
      [8, 8, 1],
      () => [
        conv("a", { filters: 1, kernelSize: 3 }),
        batchNorm("n"),
        relu("r"),
        batchNorm("x"),
        layers.depthwiseConv2d({ kernelSize: 3, name: "d" }),
      ],
    ),
    int8("QLinearConv"),
  ),
];
