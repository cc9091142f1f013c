/** Float models: Sequential, functional, nested, shared and recurrent ones. */
import * as tfl from "@tensorflow/tfjs-layers";
import { prepareQat } from "../../../quantize/prepare.ts";
import { ChannelShuffle, ChannelSplit } from "../../../src/channels/mod.ts";
import { Attention, PaddingMask, PositionEmbedding, TokenAt } from "../../../src/sequences/mod.ts";
import { apply, islandModel, seedWeights, sequentialModel, skipModel } from "../../_support/small_models.ts";
import type { Prepare } from "../_case.ts";
import { checkModel, damage, filesOf, type ModelFiles } from "./_model_files.ts";
import { startTf } from "./_start.ts";

function recurrentModel(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.masking({ maskValue: 0, inputShape: [4, 2], name: "mask" }),
      layers.lstm({ units: 3, returnSequences: true, recurrentInitializer: "zeros", name: "lstm" }),
      layers.bidirectional({
        layer: layers.gru({ units: 2, recurrentInitializer: "zeros" }) as tfl.RNN,
        mergeMode: "concat",
        name: "both",
      }),
      layers.dense({ units: 2, name: "fc" }),
    ],
  }));
}

function sharedModel(): tfl.LayersModel {
  const { layers } = tfl;
  const [a, b] = [tfl.input({ shape: [3], name: "a" }), tfl.input({ shape: [3], name: "b" })];
  const dense = layers.dense({ units: 3, name: "shared" });
  const outputs = apply(layers.add({ name: "sum" }), apply(dense, a), apply(dense, apply(dense, b)));
  return seedWeights(tfl.model({ inputs: [a, b], outputs, name: "twice" }));
}

function nestedModel(): tfl.LayersModel {
  const { layers } = tfl;
  const block = tfl.sequential({
    name: "block",
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 1, inputShape: [4, 4, 3], name: "inner_conv" }),
      layers.leakyReLU({ alpha: 0.1, name: "inner_leaky" }),
    ],
  });
  const input = tfl.input({ shape: [4, 4, 3], name: "image" });
  const sum = apply(layers.add({ name: "sum" }), input, apply(block, apply(block, input)));
  const outputs = apply(layers.globalAveragePooling2d({ name: "mean" }), sum);
  return seedWeights(tfl.model({ inputs: input, outputs, name: "nested" }));
}

function embeddingModel(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.embedding({ inputDim: 5, outputDim: 4, inputLength: 6, name: "words" }),
      layers.conv1d({ filters: 2, kernelSize: 3, activation: "elu", name: "conv" }),
      layers.globalMaxPooling1d({ name: "most" }),
      layers.reshape({ targetShape: [2, 1], name: "shape" }),
    ],
  }));
}

/** Pictures through the layers that the other models do without. */
function pictureModel(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.separableConv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], padding: "same", name: "separable" }),
      layers.prelu({ sharedAxes: [1, 2], name: "prelu" }),
      layers.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: "transposed" }),
      layers.cropping2D({ cropping: [[4, 4], [4, 4]], name: "crop" }),
      layers.thresholdedReLU({ theta: 0.1, name: "threshold" }),
      layers.layerNormalization({ name: "norm" }),
      layers.gaussianNoise({ stddev: 0.1, name: "noise" }),
      layers.globalMaxPooling2d({ name: "most" }),
      layers.repeatVector({ n: 3, name: "repeat" }),
      layers.permute({ dims: [2, 1], name: "permute" }),
      layers.softmax({ axis: -1, name: "softmax" }),
    ],
  }));
}

/** Sequences, volumes and layers within layers. */
function sequenceModel(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.conv3d({ filters: 2, kernelSize: [1, 2, 2], inputShape: [3, 4, 4, 2], name: "volume" }),
      layers.averagePooling3d({ poolSize: [1, 3, 3], name: "mean" }),
      layers.reshape({ targetShape: [3, 2], name: "shape" }),
      layers.timeDistributed({ layer: layers.dense({ units: 3, name: "each" }), name: "steps" }),
      layers.simpleRNN({ units: 2, returnSequences: true, recurrentInitializer: "zeros", name: "rnn" }),
      layers.averagePooling1d({ poolSize: 3, name: "pool" }),
      layers.flatten({ name: "flat" }),
      layers.alphaDropout({ rate: 0.1, name: "alpha" }),
    ],
  }));
}

/** Two branches, joined in each way. */
function joinedModel(): tfl.LayersModel {
  const { layers } = tfl;
  const [a, b] = [tfl.input({ shape: [4], name: "a" }), tfl.input({ shape: [4], name: "b" })];
  const joined = [
    apply(layers.maximum({ name: "max" }), a, b),
    apply(layers.minimum({ name: "min" }), a, b),
    apply(layers.average({ name: "average" }), a, b),
    apply(layers.multiply({ name: "product" }), a, b),
  ];
  const dot = apply(layers.dot({ axes: -1, normalize: true, name: "dot" }), a, b);
  const outputs = apply(layers.concatenate({ name: "all" }), ...joined, dot);
  return seedWeights(
    tfl.model({ inputs: [a, b], outputs: apply(layers.elu({ name: "elu" }), outputs), name: "joined" }),
  );
}

/** Tokens, some of them padding, that attend to one another. */
function attentionModel(): tfl.LayersModel {
  const { layers } = tfl;
  const tokens = tfl.input({ shape: [5], dtype: "int32", name: "tokens" });
  const mask = apply(new PaddingMask({ name: "mask", padding: 1 }), tokens);
  const words = apply(layers.embedding({ inputDim: 6, outputDim: 4, name: "words" }), tokens);
  const placed = apply(new PositionEmbedding({ name: "places" }), words);
  const parts = ["query", "key", "value"].map((name) => apply(layers.dense({ units: 4, name }), placed));
  const found = apply(new Attention({ heads: 2, name: "attention" }), ...parts, mask);
  const first = apply(new TokenAt({ name: "first" }), apply(layers.layerNormalization({ name: "norm" }), found));
  return seedWeights(tfl.model({ inputs: tokens, outputs: first, name: "attending" }));
}

/** Channels that are split, joined and shuffled. */
function channelModel(): tfl.LayersModel {
  const { layers } = tfl;
  const image = tfl.input({ shape: [4, 4, 4], name: "image" });
  const [kept, other] = [0, 1].map((index) => apply(new ChannelSplit({ index, name: `half${index}` }), image));
  const conv = apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }), other);
  const all = apply(layers.concatenate({ name: "all" }), kept, conv);
  return seedWeights(tfl.model({ inputs: image, outputs: apply(new ChannelShuffle({ name: "shuffle" }), all) }));
}

const MODELS = {
  pictureModel,
  sequenceModel,
  joinedModel,
  sequentialModel,
  skipModel,
  nestedModel,
  islandModel,
  recurrentModel,
  sharedModel,
  embeddingModel,
  attentionModel,
  channelModel,
};

/** The files of a float model, damaged; what is loaded can be prepared, or is refused. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const files: ModelFiles[] = [];
  for (const [name, make] of Object.entries(MODELS)) {
    const model = make();
    files.push(await filesOf(name, model, dir));
    model.dispose();
  }
  return async (random) => {
    const damaged = await damage(random, random.pick(files), dir);
    const isPrepared = random.chance(0.3);
    const prepare = (model: tfl.LayersModel) => void (isPrepared && prepareQat(model, { target: "simulation" }));
    return { ...damaged, read: () => checkModel(dir, prepare) };
  };
};
