/** What the built-in architectures are made of. Activations are [n, h, w, c]. */
import * as tfl from "@tensorflow/tfjs-layers";
import { seedFor } from "../../src/numbers/seed.ts";

const { layers, initializers } = tfl;

/** What an architecture is told. */
export interface ArchOptions {
  /** Shape of one image, [h, w, c]. */
  readonly inputShape: readonly [number, number, number];
  /** Number of classes, at least 2. */
  readonly classes: number;
  /** Of the initial weights; every layer draws from a seed of its own. */
  readonly seed: number;
}

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** A convolution and its place in the model. */
export interface ConvOptions {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
  /** Shape of one image, for the first layer of a sequential model. */
  readonly inputShape?: readonly number[];
}

/**
 * Makes the layers that fit one run's seed.
 *
 * Convolutions start as in He et al., "Delving Deep into Rectifiers" (2015): variance 2 / fan-in, TF.js's truncated
 * normal. They have no bias, for batch normalization follows; its momentum of 0.9 is PyTorch's default of 0.1.
 */
export class Blocks {
  readonly #seed: number;
  readonly #epsilon: number;

  constructor(seed: number, { epsilon }: { readonly epsilon: number }) {
    this.#seed = seed;
    this.#epsilon = epsilon;
  }

  /** A convolution, padded to keep height and width (divided by the strides, rounded up). */
  conv({ name, inputShape, strides = 1, ...size }: ConvOptions): Layer {
    return layers.conv2d({
      ...size,
      ...(inputShape === undefined ? {} : { inputShape: [...inputShape] }),
      name,
      strides,
      padding: "same",
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed: seedFor(name, this.#seed) }),
    });
  }

  /** A depthwise 3×3 convolution of `channels` channels. */
  depthwise({ name, channels, strides = 1 }: { name: string; channels: number; strides?: number }): Layer {
    return layers.depthwiseConv2d({
      name,
      kernelSize: 3,
      strides,
      padding: "same",
      useBias: false,
      // TF.js counts all channels into the fan-in of [3, 3, channels, 1], though each output sees one.
      depthwiseInitializer: initializers.varianceScaling({
        scale: 2 * channels,
        mode: "fanIn",
        distribution: "normal",
        seed: seedFor(name, this.#seed),
      }),
    });
  }

  /** Batch normalization. */
  norm(name: string): Layer {
    return layers.batchNormalization({ name, epsilon: this.#epsilon, momentum: 0.9 });
  }

  /** The classifier's last two layers: a dense one, whose outputs are the logits, and "softmax". */
  head(classes: number): readonly [Layer, Layer] {
    const kernelInitializer = initializers.glorotUniform({ seed: seedFor("dense", this.#seed) });
    return [layers.dense({ name: "dense", units: classes, kernelInitializer }), layers.softmax({ name: "softmax" })];
  }
}

/** Applies `chain` one after the other. */
export function applyAll(x: tfl.SymbolicTensor, chain: readonly Layer[]): tfl.SymbolicTensor {
  return chain.reduce((y, layer) => applyTo(layer, y), x);
}

/** Applies a layer of one output. */
export function applyTo(layer: Layer, x: tfl.SymbolicTensor | tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  const y = layer.apply(x);
  if (y instanceof tfl.SymbolicTensor) return y;
  throw new TypeError(`Cannot apply "${layer.name}": it has several outputs`);
}
