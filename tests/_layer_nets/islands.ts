/** Layers that stay in float, between layers that do not. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { ResetAfterGRUCell } from "../../src/recurrent/reset_after.ts";
import { apply } from "../_support/small_models.ts";
import { between, conv, dense, float, IMAGE, type Layer, layers, net, refused, relu, row, wired } from "./net.ts";

const elu = () => layers.elu({ name: "x" });

/** Borders of islands. */
export const BORDERS = [
  net(
    "float layer that two read",
    wired((image) => {
      const x = apply(elu(), apply(conv("stem"), image));
      return ["a", "b"].map((name) => apply(conv(name), x));
    }),
    float(/Elu/),
  ),
  net(
    "float layer beside int8 layers",
    wired((image) => {
      const x = apply(conv("stem"), image);
      return apply(layers.add({ name: "sum" }), x, apply(elu(), x));
    }),
    { ...float(/Elu/), int8: { sum: "QLinearAdd" } },
  ),
  net("ReLU behind a float layer", between(() => [elu(), relu("r")]), float(/Elu/)),
  net("MaxPooling2D behind a float layer", between(() => [elu(), layers.maxPooling2d({ poolSize: 2, name: "p" })]), {
    ...float(/Elu/),
    int8: { p: "MaxPool" },
  }),
  net(
    "Rescaling on the input",
    row(IMAGE, () => [layers.rescaling({ scale: 0.5, offset: 0.1, name: "x" }), conv("a")]),
    float(/range/),
  ),
];

const sequence = (make: () => Layer) =>
  between(() => [make()], { shape: [6, 3], before: () => layers.dense({ units: 4, name: "before" }) });
const volume = (make: () => Layer) =>
  between(() => [layers.reshape({ targetShape: [4, 4, 4, 4] }), make(), layers.flatten({})]);

/** Rows of the table that say "float". */
export const FLOATS = [
  net("LSTM", sequence(() => layers.lstm({ units: 3, name: "x" })), float(/recurrent/)),
  net(
    "LSTM of sequences",
    sequence(() => layers.lstm({ units: 3, name: "x", returnSequences: true })),
    float(/recurrent/),
  ),
  net("GRU", sequence(() => layers.gru({ units: 3, name: "x" })), float(/recurrent/)),
  net("SimpleRNN", sequence(() => layers.simpleRNN({ units: 3, name: "x" })), float(/recurrent/)),
  net(
    "RNN of a cell of ours",
    sequence(() => layers.rnn({ cell: new ResetAfterGRUCell({ units: 3 }), name: "x" })),
    float(/recurrent/),
  ),
  net(
    "RNN of cells",
    sequence(() => layers.rnn({ cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 3 })], name: "x" })),
    float(/recurrent/),
  ),
  net(
    "Bidirectional",
    sequence(() =>
      layers.bidirectional({ layer: layers.gru({ units: 3 }) as tfl.RNN, mergeMode: "concat", name: "x" })
    ),
    float(/recurrent/),
  ),
  net(
    "ConvLSTM2D",
    between(
      () => [
        layers.reshape({ targetShape: [2, 4, 8, 4] }),
        layers.convLstm2d({ filters: 2, kernelSize: 3, name: "x" }),
      ],
    ),
    float(/recurrent/),
  ),
  net(
    "TimeDistributed",
    sequence(() => layers.timeDistributed({ layer: layers.dense({ units: 3 }), name: "x" })),
    float(/step by step/),
  ),
  net(
    "Embedding",
    row([6], () => [layers.embedding({ inputDim: 9, outputDim: 3, name: "x" }), dense("after")]),
    float(/indices/),
  ),
  net("LayerNormalization", between(() => [layers.layerNormalization({ name: "x" })]), float(/LayerNormalization/)),
  net(
    "Conv2DTranspose",
    between(() => [layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: "same", name: "x" })]),
    float(/ConvTranspose/),
  ),
  net(
    "Conv3D",
    volume(() => layers.conv3d({ filters: 2, kernelSize: 2, name: "x" })),
    refused(/Cannot export layer "x" \(Conv3D\)/),
  ),
  net(
    "Conv3DTranspose",
    volume(() => layers.conv3dTranspose({ filters: 2, kernelSize: 2, name: "x" })),
    refused(/Cannot export layer "x" \(Conv3DTranspose\)/),
  ),
  net(
    "AveragePooling3D",
    volume(() => layers.averagePooling3d({ poolSize: 2, name: "x" })),
    refused(/Cannot export layer "x" \(AveragePooling3D\)/),
  ),
  net(
    "MaxPooling3D",
    volume(() => layers.maxPooling3d({ poolSize: 2, name: "x" })),
    refused(/Cannot export layer "x" \(MaxPooling3D\)/),
  ),
  net("Masking", row([6, 3], () => [layers.masking({ maskValue: 0, name: "x" }), dense("after")]), float(/Masking/)),
  net(
    "CategoryEncoding",
    row([6], () => [layers.categoryEncoding({ numTokens: 9, outputMode: "multiHot", name: "x" }), dense("after")]),
    refused(/Cannot export layer "x" \(CategoryEncoding\)/),
  ),
  net(
    "CenterCrop",
    between(() => [layers.centerCrop({ height: 4, width: 6, name: "x" })]),
    refused(/Cannot export layer "x" \(CenterCrop\)/),
  ),
  net("Resizing", between(() => [layers.resizing({ height: 4, width: 12, name: "x" })]), { broken: /rank/ }),
  net("RandomWidth", between(() => [layers.randomWidth({ factor: 0.2, name: "x" })]), { broken: /rank/ }),
];
