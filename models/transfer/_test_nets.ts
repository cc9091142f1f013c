/** Small nets that are built alike and written down otherwise. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../../tests/_support/small_models.ts";

const { layers } = tfl;

/** How a net is written down. */
export interface NetForm {
  /** What names of layers begin with. */
  readonly prefix?: string;
  /** Whether batch normalization is a layer of its own, or in the convolution's kernel and bias. */
  readonly norm?: boolean;
  readonly epsilon?: number;
  /** Whether convolutions before it have a bias too. */
  readonly bias?: boolean;
  /** Whether the sum names the skip first. */
  readonly skipFirst?: boolean;
  /** Of the two convolutions. */
  readonly filters?: readonly [number, number];
  /** Numbers of the last layer. Default 3. */
  readonly classes?: number;
  /** Whether the last layer is a convolution of 1×1. */
  readonly asConv?: boolean;
  readonly seed?: number;
}

/** conv → norm → relu, and depthwise → norm, to which a skip of 1×1 is added; pooling, and a dense layer. */
export function residualNet({
  prefix = "",
  norm = true,
  epsilon = 1e-3,
  bias = !norm,
  skipFirst = false,
  filters: [wide, narrow] = [4, 4],
  classes = 3,
  asConv = false,
  seed = 1,
}: NetForm = {}): tfl.LayersModel {
  const name = (own: string) => `${prefix}${own}`;
  const image = tfl.input({ shape: [6, 6, 2], name: name("image") });
  const normed = (own: string, x: tfl.SymbolicTensor) =>
    norm ? apply(layers.batchNormalization({ name: name(`${own}_bn`), epsilon }), x) : x;
  const conv = (own: string, filters: number, kernelSize: number, x: tfl.SymbolicTensor) =>
    normed(own, apply(layers.conv2d({ name: name(own), filters, kernelSize, padding: "same", useBias: bias }), x));
  const first = apply(layers.reLU({ name: name("relu") }), conv("conv", wide, 3, image));
  const depthwise = layers.depthwiseConv2d({ name: name("depthwise"), kernelSize: 3, padding: "same", useBias: bias });
  const body = normed("depthwise", apply(depthwise, first));
  const skip = conv("skip", narrow, 1, image);
  const terms = skipFirst ? [skip, body] : [body, skip];
  const sum = apply(layers.add({ name: name("add") }), ...terms);
  const pooled = asConv ? sum : apply(layers.globalAveragePooling2d({ name: name("pool") }), sum);
  const last = asConv
    ? apply(
      layers.globalAveragePooling2d({ name: name("pool") }),
      apply(layers.conv2d({ name: name("fc"), filters: classes, kernelSize: 1 }), pooled),
    )
    : apply(layers.dense({ name: name("fc"), units: classes }), pooled);
  const output = apply(layers.softmax({ name: name("softmax") }), last);
  return seedWeights(tfl.model({ inputs: image, outputs: output, name: name("net") }), seed);
}

/** Answers to the same random pictures, on the cpu backend. */
export async function answersOf(model: tfl.LayersModel): Promise<Float32Array> {
  await tf.setBackend("cpu");
  const values = Float32Array.from({ length: 2 * 72 }, (_, i) => Math.sin(i * i));
  return tf.tidy(() => Float32Array.from((model.predict(tf.tensor(values, [2, 6, 6, 2])) as tf.Tensor).dataSync()));
}

/** The largest difference between two lists of numbers. */
export function apart(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), a.length === b.length ? 0 : Infinity);
}
