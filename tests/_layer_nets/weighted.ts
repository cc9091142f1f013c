/** Convolutions and dense layers, and BatchNormalization behind them and on its own. */
import { groupConv2d, type GroupConv2DArgs } from "../../src/grouped/mod.ts";
import { apply } from "../_support/small_models.ts";
import { batchNorm, between, chain, conv, conv1d, dense, IMAGE, int8, layers, net, relu, row, wired } from "./net.ts";

const depthwise = (name: string, args = {}) => layers.depthwiseConv2d({ kernelSize: 3, name, ...args });

const grouped = (args: Partial<GroupConv2DArgs>) =>
  groupConv2d({ filters: 8, kernelSize: 3, groups: 2, name: "x", ...args });

/** What is wrong with the cpu backend's normalization of another axis than the last. */
export const WRONG_AXIS = "its FusedBatchNorm takes parameters of any shape for those of the last axis";

/** Convolutions and dense layers. */
export const WEIGHTED = [
  ...[
    { kernelSize: 3 },
    { kernelSize: 3, padding: "same" as const },
    { kernelSize: 3, padding: "same" as const, strides: 2 },
    { kernelSize: [3, 2] as [number, number], strides: [2, 1] as [number, number] },
    { kernelSize: 3, dilationRate: 2 },
    { kernelSize: 3, dilationRate: [1, 2] as [number, number], padding: "same" as const },
    { kernelSize: 3, useBias: false },
    { kernelSize: 8 },
  ].map((args) => net(`Conv2D ${JSON.stringify(args)}`, row(IMAGE, () => [conv("x", args)]), int8("QLinearConv"))),
  net("Conv2D behind Conv2D", row(IMAGE, () => [conv("a"), conv("x", { kernelSize: 3 })]), {
    int8: { a: "QLinearConv", x: "QLinearConv" },
  }),
  ...[{}, { padding: "same", strides: 2 }, { depthMultiplier: 2 }, { depthMultiplier: 2, strides: 2, useBias: false }]
    .map(
      (args) =>
        net(`DepthwiseConv2D ${JSON.stringify(args)}`, row(IMAGE, () => [depthwise("x", args)]), int8("QLinearConv")),
    ),
  net("DepthwiseConv2D between", between(() => [depthwise("x", { depthMultiplier: 2 })]), int8("QLinearConv")),
  ...[
    {},
    { groups: 4, padding: "same" as const, strides: 2 },
    { kernelSize: 1, groups: 1, useBias: false },
    { filters: 4, groups: 4, dilationRate: 2, activation: "relu" as const },
  ].map((args) => net(`GroupConv2D ${JSON.stringify(args)}`, between(() => [grouped(args)]), int8("QLinearConv"))),
  net(
    "GroupConv2D on the image",
    row(IMAGE, () => [grouped({ filters: 6, groups: 3 })]),
    int8("QLinearConv"),
  ),
  net(
    "SeparableConv2D",
    row(IMAGE, () => [layers.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, name: "x" })]),
    { int8: { x_depthwise: "QLinearConv", x: "QLinearConv" } },
  ),
  ...[{}, { padding: "same" as const, strides: 2 }, { dilationRate: 2, useBias: false }].map((args) =>
    net(`Conv1D ${JSON.stringify(args)}`, row([8, 3], () => [conv1d("x", args)]), int8("QLinearConv"))
  ),
  net("Conv1D behind Conv1D", row([8, 3], () => [conv1d("a", { activation: "relu" }), conv1d("x")]), {
    int8: { a: "QLinearConv", x: "QLinearConv" },
  }),
  net("Dense", row([6], () => [dense("x")]), int8("QGemm")),
  net(
    "Dense of 1 unit, without bias",
    row([6], () => [layers.dense({ units: 1, useBias: false, name: "x" })]),
    int8("QGemm"),
  ),
  net("Dense behind Dense", row([6], () => [layers.dense({ units: 4, activation: "relu", name: "a" }), dense("x")]), {
    int8: { a: "QGemm", x: "QGemm" },
  }),
  net("Dense on sequences", row([4, 6], () => [dense("x")]), int8("QGemm")),
  net("Dense on pictures", between(() => [dense("x")]), int8("QGemm")),
];

/** BatchNormalization. */
export const BATCH_NORM = [
  net(
    "BatchNormalization behind Conv2D without bias",
    row(IMAGE, () => [conv("a", { useBias: false }), batchNorm("x"), conv("b")]),
  ),
  net("BatchNormalization behind Conv2D, at the end", row(IMAGE, () => [conv("a"), batchNorm("x")])),
  net(
    "BatchNormalization without scale and center",
    between(() => [layers.batchNormalization({ name: "x", scale: false, center: false })]),
  ),
  net(
    "BatchNormalization behind DepthwiseConv2D",
    row(IMAGE, () => [depthwise("a", { depthMultiplier: 2 }), batchNorm("x"), relu("r"), conv("b")]),
  ),
  net(
    "BatchNormalization behind GroupConv2D",
    between(() => [grouped({ useBias: false }), batchNorm("norm"), relu("r")]),
    int8("QLinearConv"),
  ),
  net("BatchNormalization behind Dense", row([6], () => [dense("a"), batchNorm("x"), relu("r"), dense("b")])),
  net("BatchNormalization behind Dense on sequences", row([4, 6], () => [dense("a"), batchNorm("x"), dense("b")])),
  net(
    "BatchNormalization behind Dense on pictures",
    row(IMAGE, () => [dense("a"), batchNorm("x"), relu("r"), conv("b")]),
  ),
  net("BatchNormalization behind Conv1D", row([8, 3], () => [conv1d("a"), batchNorm("x"), relu("r"), conv1d("b")])),
  net(
    "BatchNormalization behind SeparableConv2D",
    row(IMAGE, () => [layers.separableConv2d({ filters: 4, kernelSize: 3, name: "a" }), batchNorm("x")]),
  ),
  net("BatchNormalization behind ReLU", between(() => [relu("r"), batchNorm("x")]), int8("QLinearConv")),
  net(
    "BatchNormalization behind MaxPooling2D, then ReLU",
    between(() => [layers.maxPooling2d({ poolSize: 2 }), batchNorm("x"), relu("r")]),
    int8("QLinearConv"),
  ),
  net("BatchNormalization at the end", row(IMAGE, () => [conv("a"), relu("r"), batchNorm("x")]), int8("QLinearConv")),
  net(
    "BatchNormalization behind Dense and ReLU",
    row([6], () => [dense("a"), relu("r"), batchNorm("x"), dense("b")]),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization behind Conv1D and ReLU",
    row([8, 3], () => [conv1d("a"), relu("r"), batchNorm("x"), conv1d("b")]),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization behind Add",
    wired((image) => {
      const sum = apply(layers.add({ name: "sum" }), apply(conv("a"), image), apply(conv("b"), image));
      return chain(sum, batchNorm("x"), conv("after"));
    }),
    { int8: { sum: "QLinearAdd", x: "QLinearConv" } },
  ),
  net(
    "BatchNormalization of a value that two read",
    wired((image) => {
      const x = apply(conv("a"), image);
      return apply(layers.add({ name: "sum" }), chain(x, batchNorm("x"), relu("r")), x);
    }),
    int8("QLinearConv"),
  ),
  net(
    "BatchNormalization behind Concatenate, then ReLU6",
    wired((image) => {
      const cat = apply(layers.concatenate({ name: "cat" }), apply(conv("a"), image), apply(conv("b"), image));
      return chain(cat, batchNorm("x"), layers.reLU({ name: "r", maxValue: 6 }), conv("after"));
    }),
    { int8: { cat: "QLinearConcat", x: "QLinearConv" } },
  ),
  net("BatchNormalization over another axis", between(() => [layers.batchNormalization({ name: "x", axis: 1 })]), {
    float: { x: /axis 1/ },
    wrongOnCpu: WRONG_AXIS,
  }),
  net("BatchNormalization on the input", row(IMAGE, () => [batchNorm("x"), conv("a")]), { float: { x: /range/ } }),
  net("BatchNormalization behind a float layer", between(() => [layers.elu({ name: "e" }), batchNorm("x")]), {
    float: { e: /Elu/, x: /"e" before it is in float/ },
  }),
];
