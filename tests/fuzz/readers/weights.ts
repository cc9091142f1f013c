/** Weights of files, for nets that are there already. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { attachDetection } from "../../../models/detection.ts";
import { loadWeights } from "../../../models/transfer/mod.ts";
import { apply, seedWeights } from "../../_support/small_models.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { damage, filesOf } from "./_model_files.ts";
import { startTf } from "./_start.ts";

const { layers } = tfl;

/** A net that darknet could have: a convolution with batch normalization, and boxes of so many classes. */
function detector(classes: number): tfl.LayersModel {
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const conv = apply(
    layers.conv2d({ name: "conv", filters: 4, kernelSize: 3, padding: "same", useBias: false }),
    image,
  );
  const norm = apply(layers.batchNormalization({ name: "norm", epsilon: 1e-5 }), conv);
  const leaky = apply(layers.leakyReLU({ name: "leaky", alpha: 0.1 }), norm);
  const boxes = apply(layers.conv2d({ name: "boxes", filters: 5 + classes, kernelSize: 1 }), leaky);
  const model = seedWeights(tfl.model({ inputs: image, outputs: boxes, name: "net" }));
  attachDetection(model, { kind: "yolov3", anchors: [[[1, 2]]], classes });
  return model;
}

/** Numbers of its weights in darknet's files, with two classes. */
const COUNT = 4 * 4 + 4 * 27 + 7 + 4 * 7;

/** A file of darknet's weights, or a layers-model, that is damaged, for a net with as many classes or others. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const files = await filesOf("net", detector(2), dir);
  const weights = new Uint8Array(20 + 4 * COUNT);
  const view = new DataView(weights.buffer);
  view.setInt32(4, 2, true);
  for (let i = 0; i < COUNT; i++) view.setFloat32(20 + 4 * i, 0.1 + (i % 7) / 10, true);
  return async (random) => {
    const [exceptHead, isDarknet] = [random.chance(0.5), random.chance(0.5)];
    const net = detector(random.pick([2, 3]));
    const { bytes, what } = isDarknet
      ? mutateBytes(random, weights)
      : { bytes: weights, ...await damage(random, files, dir) };
    await Deno.writeFile(`${dir}/alone.weights`, bytes);
    const read = async () => {
      tf.engine().startScope();
      try {
        const { model } = await loadWeights(net, isDarknet ? `${dir}/alone.weights` : dir, { exceptHead });
        const shapes = (of: tfl.LayersModel) => of.weights.map(({ shape }) => shape.join()).join(" ");
        check(shapes(model) === shapes(net), "the net has other weights");
        for (const weight of model.getWeights()) {
          check(weight.dataSync().every(Number.isFinite), "a weight is not finite");
        }
        model.dispose();
      } finally {
        net.dispose();
        tf.engine().endScope();
      }
    };
    return { what, read };
  };
};
