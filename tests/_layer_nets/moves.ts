/** Pools, and layers that pick, move or repeat values. */
import { ChannelShuffle, ChannelSplit } from "../../src/channels/mod.ts";
import { apply } from "../_support/small_models.ts";
import { between, chain, conv, dense, float, IMAGE, int8, layers, net, relu, row, SEQUENCE, wired } from "./net.ts";

const pool = (args = {}) => [layers.maxPooling2d({ poolSize: 2, name: "x", ...args })];
const mean = (args = {}) => [layers.averagePooling2d({ poolSize: 2, name: "x", ...args })];

/** Pools. */
export const POOLS = [
  ...[{}, { poolSize: 3, strides: 2, padding: "same" }, { strides: 1, padding: "same" }].flatMap((args) => [
    net(`MaxPooling2D ${JSON.stringify(args)}`, between(() => pool(args)), int8("MaxPool")),
    net(`AveragePooling2D ${JSON.stringify(args)}`, between(() => mean(args)), int8("QLinearAveragePool")),
  ]),
  net("MaxPooling2D on the input", row(IMAGE, () => [...pool(), conv("b")]), int8("MaxPool")),
  net("MaxPooling2D at the end", row(IMAGE, () => [conv("a"), ...pool()]), int8("MaxPool")),
  net("MaxPooling2D behind ReLU", between(() => [relu("r"), ...pool()]), int8("MaxPool")),
  net("AveragePooling2D on the input", row(IMAGE, () => [...mean(), conv("b")]), int8("QLinearAveragePool")),
  net("AveragePooling2D and ReLU", between(() => [...mean(), relu("r")]), int8("QLinearAveragePool")),
  net("MaxPooling1D", between(() => [layers.maxPooling1d({ poolSize: 2, name: "x" })], SEQUENCE), int8("MaxPool")),
  net(
    "AveragePooling1D",
    between(() => [layers.averagePooling1d({ poolSize: 2, name: "x" })], SEQUENCE),
    int8("QLinearAveragePool"),
  ),
  net(
    "AveragePooling1D, padding same",
    between(() => [layers.averagePooling1d({ poolSize: 3, strides: 2, padding: "same", name: "x" })], SEQUENCE),
    int8("QLinearAveragePool"),
  ),
  net(
    "GlobalAveragePooling2D",
    between(() => [layers.globalAveragePooling2d({ name: "x" })]),
    int8("QLinearGlobalAveragePool"),
  ),
  net(
    "GlobalAveragePooling2D on the input",
    row(IMAGE, () => [layers.globalAveragePooling2d({ name: "x" }), dense("b")]),
    int8("QLinearGlobalAveragePool"),
  ),
  net(
    "GlobalAveragePooling1D",
    between(() => [layers.globalAveragePooling1d({ name: "x" })], SEQUENCE),
    int8("QLinearGlobalAveragePool"),
  ),
  net(
    "GlobalAveragePooling1D behind Dense",
    row([8, 3], () => [dense("a"), layers.globalAveragePooling1d({ name: "x" }), dense("b")]),
    int8("QLinearGlobalAveragePool"),
  ),
  net("GlobalMaxPooling2D", between(() => [layers.globalMaxPooling2d({ name: "x" })]), int8("ReduceMax")),
  net(
    "GlobalMaxPooling2D on the input",
    row(IMAGE, () => [layers.globalMaxPooling2d({ name: "x" }), dense("b")]),
    int8("ReduceMax"),
  ),
  net("GlobalMaxPooling1D", between(() => [layers.globalMaxPooling1d({ name: "x" })], SEQUENCE), int8("ReduceMax")),
];

const cropped = () => layers.cropping2D({ cropping: [[1, 2], [0, 1]], name: "x" });
const padded = (padding: number | [[number, number], [number, number]] = 1) =>
  layers.zeroPadding2d({ padding, name: "x" });

/** Layers that move values. */
export const MOVES = [
  net("Flatten", between(() => [layers.flatten({ name: "x" })])),
  net("Flatten on the input", row(IMAGE, () => [layers.flatten({ name: "x" }), dense("b")])),
  net("Flatten at the end", row(IMAGE, () => [conv("a"), layers.flatten({ name: "x" })])),
  net("Reshape to a matrix", between(() => [layers.reshape({ targetShape: [16, 16], name: "x" })])),
  net("Reshape to a picture", between(() => [layers.reshape({ targetShape: [4, 16, 4], name: "x" })])),
  net("Reshape to other channels", between(() => [layers.reshape({ targetShape: [8, 4, 8], name: "x" })])),
  net(
    "Reshape of Dense to a picture",
    row([6], () => [dense("a"), layers.reshape({ targetShape: [1, 1, 5], name: "x" }), conv("b")]),
  ),
  net("Permute", between(() => [layers.permute({ dims: [2, 1, 3], name: "x" })])),
  net("Permute of channels", between(() => [layers.permute({ dims: [3, 1, 2], name: "x" })])),
  net("Permute of a sequence", between(() => [layers.permute({ dims: [2, 1], name: "x" })], SEQUENCE)),
  net("RepeatVector", row([6], () => [dense("a"), layers.repeatVector({ n: 3, name: "x" }), dense("b")])),
  net("Cropping2D", between(() => [cropped()]), int8("Slice")),
  net("Cropping2D on the input", row(IMAGE, () => [cropped(), conv("b")]), int8("Slice")),
  net("UpSampling2D", between(() => [layers.upSampling2d({ size: [2, 2], name: "x" })]), int8("Resize")),
  net(
    "UpSampling2D, nearest, [3, 2]",
    between(() => [layers.upSampling2d({ size: [3, 2], interpolation: "nearest", name: "x" })]),
  ),
  net(
    "UpSampling2D, bilinear",
    between(() => [layers.upSampling2d({ size: [2, 2], interpolation: "bilinear", name: "x" })]),
    float(/interpolation/),
  ),
];

const shuffle = (groups = 2) => new ChannelShuffle({ groups, name: "x" });
const part = (index: number, parts = 2) => new ChannelSplit({ parts, index, name: `half${index}` });

/** Layers that pick and move channels. */
export const CHANNELS = [
  net("ChannelSplit", between(() => [new ChannelSplit({ index: 1, name: "x" })]), int8("Slice")),
  net(
    "ChannelSplit on the input",
    row(IMAGE, () => [new ChannelSplit({ parts: 3, name: "x" }), conv("b")]),
    int8("Slice"),
  ),
  net(
    "ChannelSplit at the end",
    row(IMAGE, () => [conv("a"), new ChannelSplit({ index: 1, name: "x" })]),
    int8("Slice"),
  ),
  net("ChannelShuffle", between(() => [shuffle()]), int8("Transpose")),
  net("ChannelShuffle of 4 groups behind ReLU", between(() => [relu("r"), shuffle(4)]), int8("Transpose")),
  net("ChannelShuffle at the end", row(IMAGE, () => [conv("a"), shuffle()]), int8("Transpose")),
  net(
    "ChannelShuffle of vectors",
    row([6], () => [dense("a"), new ChannelShuffle({ groups: 5, name: "x" }), dense("b")]),
  ),
  net(
    "block of ShuffleNetV2",
    wired((image) => {
      const x = chain(image, conv("stem"), relu("r"));
      const other = chain(x, part(1), conv("a", { filters: 2 }), relu("s"));
      const cat = apply(layers.concatenate({ name: "cat" }), apply(part(0), x), other);
      return chain(cat, shuffle(), conv("after"));
    }),
    { int8: { x: "Transpose", cat: "QLinearConcat" } },
  ),
];

/** ZeroPadding2D before all that may follow. */
export const PADS = [
  net("ZeroPadding2D before Conv2D", between(() => [padded([[1, 0], [2, 1]]), conv("b", { kernelSize: 3 })])),
  net("ZeroPadding2D on the input", row(IMAGE, () => [padded(), conv("b", { kernelSize: 3 })])),
  net(
    "ZeroPadding2D before DepthwiseConv2D",
    between(
      () => [relu("r"), padded([[0, 1], [0, 1]]), layers.depthwiseConv2d({ kernelSize: 3, strides: 2, name: "b" })],
    ),
  ),
  net(
    "ZeroPadding2D before MaxPooling2D, behind ReLU",
    between(() => [relu("r"), padded(), layers.maxPooling2d({ poolSize: 3, strides: 2, name: "p" })]),
    {
      int8: { p: "MaxPool" },
    },
  ),
  net(
    "ZeroPadding2D before MaxPooling2D",
    between(() => [padded(), layers.maxPooling2d({ poolSize: 3, strides: 2, name: "p" })]),
    {
      int8: { x: "Pad", p: "MaxPool" },
    },
  ),
  net(
    "ZeroPadding2D before AveragePooling2D",
    between(() => [padded(), layers.averagePooling2d({ poolSize: 3, strides: 2, name: "p" })]),
    {
      int8: { p: "QLinearAveragePool" },
    },
  ),
  net("ZeroPadding2D before Flatten", between(() => [padded(), layers.flatten({ name: "f" })]), int8("Pad")),
  net("ZeroPadding2D at the end", row(IMAGE, () => [conv("a"), padded()]), int8("Pad")),
  net(
    "ZeroPadding2D before Concatenate",
    wired((image) => {
      const x = chain(image, conv("a", { kernelSize: 3 }), padded());
      return apply(conv("after"), apply(layers.concatenate({ name: "cat" }), x, apply(conv("b"), image)));
    }),
    { int8: { x: "Pad", cat: "QLinearConcat" } },
  ),
  net(
    "ZeroPadding2D before two Conv2D",
    wired((image) => {
      const x = chain(image, conv("a"), padded());
      return ["b", "c"].map((name) => apply(conv(name, { kernelSize: 3 }), x));
    }),
  ),
];
