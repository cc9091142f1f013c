/**
 * What equalization is for, in small: a net of inverted residual blocks with one scale a weight tensor, whose channels
 * were multiplied by 2^±4 and divided again where they are read.
 */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { rescaleChannels } from "../../tests/_support/rescale_channels.ts";
import { apply, predict, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { calibrate } from "../calibrate.ts";
import { prepareQat } from "../prepare.ts";
import { contextOf } from "./_test_nets.ts";
import { equalize } from "./equalize.ts";
import { openRelu6 } from "./open_relu6.ts";
import { reestimate } from "./reestimate_bn.ts";

const { layers } = tfl;

const SHAPE = [10, 10, 3] as const;

/** Stem, three inverted residual blocks of which the last two have a skip, and a head: MobileNetV2 in small. */
function mobileNet(): tfl.LayersModel {
  const image = tfl.input({ shape: [...SHAPE], name: "image" });
  const normed = (x: tfl.SymbolicTensor, layer: tfl.layers.Layer) =>
    apply(layers.batchNormalization({ name: `${layer.name}_bn` }), apply(layer, x));
  const activated = (x: tfl.SymbolicTensor, layer: tfl.layers.Layer) =>
    apply(layers.reLU({ maxValue: 6, name: `${layer.name}_relu` }), normed(x, layer));
  const conv = (name: string, filters: number, kernelSize = 1) =>
    layers.conv2d({ filters, kernelSize, padding: "same", useBias: false, name });
  let x = activated(image, conv("stem", 8, 3));
  for (const name of ["one", "two", "three"]) {
    const wide = activated(x, conv(`${name}_expand`, 24));
    const depthwise = layers.depthwiseConv2d({ kernelSize: 3, padding: "same", useBias: false, name: `${name}_dw` });
    const y = normed(activated(wide, depthwise), conv(`${name}_project`, 8));
    x = name === "one" ? y : apply(layers.add({ name: `${name}_add` }), x, y);
  }
  const mean = apply(layers.globalAveragePooling2d({ name: "mean" }), activated(x, conv("last", 32)));
  return seedWeights(tfl.model({ inputs: image, outputs: apply(layers.dense({ units: 10, name: "dense" }), mean) }));
}

function pictures(count: number, seed: number): tf.Tensor4D {
  // Smooth, as pictures are: their means differ.
  return tf.tidy(() => tf.image.resizeBilinear(randomTensor([count, 3, 3, 3], seed) as tf.Tensor4D, [10, 10]));
}

/** Signal to noise, in dB. */
function ratio(signal: Float32Array, actual: Float32Array): number {
  const power = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(power(signal) / power(signal.map((value, i) => value - actual[i])));
}

Deno.test("equalize() gives a net of one scale a tensor back what rescaled channels cost it", async () => {
  const context = contextOf([{ inputs: { image: pictures(16, 1).dataSync<"float32">() }, size: 16 }], "qnnpack");
  const x = pictures(16, 2);
  const closed = mobileNet();
  await reestimate(closed, context);
  const { model } = await openRelu6.apply(closed, context);
  const [expected] = predict(model, [x]);
  const quantized = async (float: tfl.LayersModel) => {
    const { model: prepared } = prepareQat(float, { target: "qnnpack" });
    await calibrate(prepared, context.batches());
    return ratio(expected, predict(prepared, [x])[0]);
  };
  const { model: rescaled, channels } = rescaleChannels(model, { seed: 3 });
  assert.equal(channels, 8 + 3 * 2 * 24 + 8 + 32); // stem, inside the blocks, the stream of the skips, last
  assert.ok(ratio(expected, predict(rescaled, [x])[0]) > 80, "the function is unchanged");
  const { model: equalized } = await equalize.apply(rescaled, context);
  const [plain, damaged, regained] = [await quantized(model), await quantized(rescaled), await quantized(equalized)];
  const found = `plain ${plain} dB, rescaled ${damaged} dB, equalized ${regained} dB`;
  assert.ok(damaged < plain - 10, found);
  assert.ok(regained > plain - 1, found);
});
