/** Float models: Sequential, functional, nested, shared and recurrent ones. */
import * as tfl from "@tensorflow/tfjs-layers";
import { prepareQat } from "../../../quantize/prepare.ts";
import { apply, islandModel, seedWeights, sequentialModel, skipModel } from "../../_support/small_models.ts";
import type { Prepare } from "../_case.ts";
import { checkModel, damage, filesOf, type ModelFiles } from "./_model_files.ts";
import { startTf } from "./_start.ts";

function recurrentModel(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.lstm({ units: 3, returnSequences: true, recurrentInitializer: "zeros", inputShape: [4, 2], name: "lstm" }),
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

const MODELS = { sequentialModel, skipModel, nestedModel, islandModel, recurrentModel, sharedModel, embeddingModel };

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
