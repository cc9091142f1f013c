/** A small learnable task for tests: images with one bright quarter, to be told apart by a net with BN and dropout. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../src/numbers/random.ts";
import type { SampleBatch } from "./fit.ts";
import { seedFor } from "../src/numbers/seed.ts";

const { layers, initializers } = tfl;

/** Side of the images, in pixels. */
export const SIDE = 8;
/** Quarters of the image that may be bright. */
export const CLASSES = 4;

/** Makes TF.js ready: no banner, the backend `name`. */
export async function useBackend(name: string): Promise<void> {
  tf.env().set("PROD", true);
  await tf.setBackend(name);
}

/** Samples of the task: classes, and what they are called in a batch. */
export interface TestBatch extends SampleBatch {
  readonly x: Float32Array;
  readonly y: Int32Array;
}

/** Makes a batch of images and classes. */
export function batchOf(x: Float32Array, y: Int32Array, size = y.length): TestBatch {
  return { x, y, inputs: { image: x }, targets: { quarter: y }, size };
}

/** Noisy images [count, 8, 8, 2], the quarter of the class brighter by half the noise's width. */
export function quarters(count: number, seed: number): TestBatch {
  const random = new Random(seed);
  const y = Int32Array.from({ length: count }, () => random.below(CLASSES));
  const x = new Float32Array(count * SIDE * SIDE * 2);
  for (let i = 0; i < x.length; i++) {
    const pixel = (i >> 1) % (SIDE * SIDE);
    const quarter = (pixel % SIDE < SIDE / 2 ? 0 : 1) + (pixel < SIDE * SIDE / 2 ? 0 : 2);
    const label = y[Math.floor(i / (SIDE * SIDE * 2))];
    x[i] = random.between(-1, 1) + (quarter === label ? 1 : 0);
  }
  return batchOf(x, y);
}

/** Splits a batch into smaller ones, in an order of the epoch's own. */
export function epochOf(
  all: TestBatch,
  { batchSize, epoch }: { batchSize: number; epoch: number },
): TestBatch[] {
  const stride = all.x.length / all.size;
  const order = new Random(9, [epoch]).shuffle(Int32Array.from({ length: all.size }, (_, i) => i));
  return Array.from({ length: Math.ceil(all.size / batchSize) }, (_, b) => {
    const picked = order.slice(b * batchSize, (b + 1) * batchSize);
    const x = new Float32Array(picked.length * stride);
    picked.forEach((from, to) => x.set(all.x.subarray(from * stride, (from + 1) * stride), to * stride));
    return batchOf(x, picked.map((i) => all.y[i]));
  });
}

/** Convolution, BN, ReLU, pooling, depthwise convolution, BN, LeakyReLU, dropout, dense, softmax. */
export function tinyNet({ seed = 1, dropout = 0.1 }: { seed?: number; dropout?: number } = {}): tfl.LayersModel {
  const from = (name: string) => initializers.glorotUniform({ seed: seedFor(name, seed) });
  return tfl.sequential({
    name: "tiny",
    layers: [
      layers.conv2d({
        name: "conv1",
        filters: 6,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        kernelInitializer: from("conv1"),
        inputShape: [SIDE, SIDE, 2],
      }),
      layers.batchNormalization({ name: "bn1", momentum: 0.8 }),
      layers.reLU({ name: "relu1" }),
      layers.maxPooling2d({ name: "pool1", poolSize: 2 }),
      layers.depthwiseConv2d({
        name: "depthwise2",
        kernelSize: 3,
        padding: "same",
        useBias: false,
        depthwiseInitializer: from("depthwise2"),
      }),
      layers.batchNormalization({ name: "bn2", momentum: 0.8 }),
      layers.leakyReLU({ name: "leaky2", alpha: 0.1 }),
      layers.flatten({ name: "flatten" }),
      layers.dropout({ name: "dropout", rate: dropout }),
      layers.dense({ name: "dense", units: CLASSES, kernelInitializer: from("dense") }),
      layers.softmax({ name: "softmax" }),
    ],
  });
}

/** The values of all weights of `model` by name. */
export function weightValues(model: tfl.LayersModel): Record<string, number[]> {
  return Object.fromEntries(model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]));
}
