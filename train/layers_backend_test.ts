/** Training through the layers that architectures of photographs are made of, on ONNX Runtime as on the cpu backend. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { ChannelShuffle, ChannelSplit } from "../src/channels/mod.ts";
import { meanSquaredError } from "../tasks/loss.ts";
import { apply, randomArray, seedWeights } from "../tests/_support/small_models.ts";
import { assertClose } from "./_test_support.ts";
import { useBackend } from "./_test_task.ts";
import { fit } from "./fit.ts";
import { optimizerFor } from "./optimizers.ts";

const { layers } = tfl;

type Picture = tfl.SymbolicTensor;

/** No multiple of the blocks that the engine keeps channels in. */
const CHANNELS = 24;
const SIDE = 6;

const norm = (x: Picture) => apply(layers.reLU(), apply(layers.batchNormalization(), x));
const padded = (x: Picture) => apply(layers.zeroPadding2d({ padding: 1 }), x);
const STRIDED = { kernelSize: 3, strides: 2, useBias: false } as const;

/** What stands between two convolutions. */
const PARTS: Readonly<Record<string, (x: Picture) => Picture>> = {
  "a padded, strided convolution": (x) => norm(apply(layers.conv2d({ ...STRIDED, filters: CHANNELS }), padded(x))),
  "a padded, strided depthwise convolution": (x) => norm(apply(layers.depthwiseConv2d(STRIDED), padded(x))),
  "a padded max-pool": (x) => apply(layers.maxPooling2d({ poolSize: 3, strides: 2 }), padded(x)),
  "a max-pool of stride 1": (x) => apply(layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same" }), x),
  "channels that are split, joined and shuffled": (x) => {
    const [kept, other] = [0, 1].map((index) => apply(new ChannelSplit({ index }), x));
    const conv = norm(apply(layers.conv2d({ filters: CHANNELS / 2, kernelSize: 1, useBias: false }), other));
    return apply(new ChannelShuffle(), apply(layers.concatenate(), kept, conv));
  },
  "upsampling, joined with what was there before": (x) => {
    const low = apply(layers.maxPooling2d({ poolSize: 2 }), x);
    return apply(layers.concatenate(), apply(layers.upSampling2d({ size: [2, 2] }), low), x);
  },
};

function netAround(part: (x: Picture) => Picture): tfl.LayersModel {
  const image = tfl.input({ shape: [SIDE, SIDE, 3], name: "image" });
  const stem = norm(apply(layers.conv2d({ filters: CHANNELS, kernelSize: 3, padding: "same", useBias: false }), image));
  const after = norm(apply(layers.conv2d({ filters: 8, kernelSize: 1, useBias: false }), part(stem)));
  const outputs = apply(layers.dense({ units: 3, name: "fc" }), apply(layers.globalAveragePooling2d({}), after));
  return seedWeights(tfl.model({ inputs: image, outputs }));
}

async function train(backend: string, part: (x: Picture) => Picture, size: number) {
  await useBackend(backend);
  const model = netAround(part);
  const losses: number[] = [];
  const batch = {
    inputs: { image: randomArray(size * SIDE * SIDE * 3, 3) },
    targets: { fc: randomArray(size * 3, 4) },
    size,
  };
  await fit(model, {
    train: () => [batch],
    epochs: 3,
    stepsPerEpoch: 1,
    optimizer: optimizerFor("sgd", { learningRate: 0.05 }),
    loss: meanSquaredError,
    onStep: ({ loss }) => losses.push(loss),
  });
  const weights = model.weights.map((weight) => [...weight.read().dataSync<"float32">()]);
  model.dispose();
  return { losses, weights };
}

for (const [name, part] of Object.entries(PARTS)) {
  Deno.test(`fit() takes the same steps on ONNX Runtime as on the cpu backend through ${name}`, async () => {
    // TF.js's cpu backend reads the wrong picture of a batch in the gradient of nearest neighbours.
    const size = name.startsWith("upsampling") ? 1 : 4;
    const expected = await train("cpu", part, size);
    await registerBackend({ threads: 1 });
    const actual = await train(BACKEND, part, size);
    assertClose(actual.losses, expected.losses, 1e-5);
    assert.ok(expected.losses[2] < expected.losses[0]);
    actual.weights.forEach((values, i) => assertClose(values, expected.weights[i], 1e-4));
  });
}
