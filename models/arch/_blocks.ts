/** What the built-in architectures are made of. Activations are [n, h, w, c]. */
import * as tfl from "@tensorflow/tfjs-layers";
import { seedFor } from "../../src/numbers/seed.ts";

const { layers, initializers } = tfl;

/** What an architecture is told. */
export interface ArchOptions extends HeadOptions {
  /** Shape of one sample: [h, w, c] of a picture, [n] of a row of numbers, [length] of a sequence of tokens. */
  readonly inputShape: readonly number[];
  /** The number that all columns of rows behind a sequence's end have, of sequences of rows; absent: none ends before. */
  readonly padding?: number;
  /** What the tokens are, where samples are sequences of tokens. */
  readonly tokens?: Vocabulary;
  /** Of the initial weights; every layer draws from a seed of its own. */
  readonly seed: number;
}

/** Tokens, as an architecture sees them. */
export interface Vocabulary {
  /** How many there are. */
  readonly size: number;
  /** The one that shorter sequences are filled up with at their ends; absent: none is. */
  readonly padding?: number;
}

/** What an architecture answers. */
export interface HeadOptions {
  /** Numbers of an answer; of a softmax, at least 2; of boxes and maps, classes. */
  readonly outputs: number;
  /**
   * What the model ends in: numbers behind a softmax (default) to tell classes apart, behind a sigmoid for shares, or as
   * they are; boxes on grids; or a class for each pixel.
   */
  readonly head?: "softmax" | "sigmoid" | "linear" | "boxes" | "map";
  /** Widths and heights of the boxes that a head of boxes starts from, in pixels: a list an output, the coarsest grid first. */
  readonly anchors?: readonly (readonly (readonly [width: number, height: number])[])[];
  /** Whether each position of a sequence is answered, with as many numbers; else the sample is. Default: false. */
  readonly perPosition?: boolean;
  /** What the bias of the last layer starts from, a number an output. Default: zeros. */
  readonly bias?: readonly number[];
}

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** A convolution and its place in the model. */
export interface ConvOptions {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
  /** "same" (default): rows and columns that are missing are added at the end first; "valid": none are. */
  readonly padding?: "same" | "valid";
  /** Shape of one image, for the first layer of a sequential model. */
  readonly inputShape?: readonly number[];
}

/** A depthwise convolution and its place in the model. */
export interface DepthwiseOptions extends Pick<ConvOptions, "name" | "strides" | "padding"> {
  readonly channels: number;
}

/** A dense layer and its place in the model. */
export interface DenseOptions {
  readonly name: string;
  readonly units: number;
  /** Shape of one row, for the first layer of a sequential model. */
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

  /** A convolution, by default padded to keep height and width (divided by the strides, rounded up). */
  conv({ name, inputShape, strides = 1, padding = "same", ...size }: ConvOptions): Layer {
    return layers.conv2d({
      ...size,
      ...(inputShape === undefined ? {} : { inputShape: [...inputShape] }),
      name,
      strides,
      padding,
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed: seedFor(name, this.#seed) }),
    });
  }

  /**
   * A convolution padded by as much on all sides, as darknet and PyTorch do it. With strides that differs from "same", and
   * needs a layer of zeros before it.
   */
  convAround(
    { name, kernelSize, strides = 1, ...rest }: Omit<ConvOptions, "padding" | "inputShape">,
  ): readonly Layer[] {
    const size = { ...rest, name, kernelSize, strides };
    if (strides === 1) return [this.conv(size)];
    return [...padAround(name, kernelSize), this.conv({ ...size, padding: "valid" })];
  }

  /** A dense layer without bias. */
  dense({ name, inputShape, units }: DenseOptions): Layer {
    return layers.dense({
      name,
      units,
      ...(inputShape === undefined ? {} : { inputShape: [...inputShape] }),
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed: seedFor(name, this.#seed) }),
    });
  }

  /** A dense layer with bias, of a sequence or a row, that no normalization follows. */
  projection({ name, units }: Pick<DenseOptions, "name" | "units">): Layer {
    return layers.dense({ name, units, kernelInitializer: this.uniform(name) });
  }

  /** Layer normalization. */
  layerNorm(name: string): Layer {
    return layers.layerNormalization({ name, epsilon: this.#epsilon });
  }

  /** Initial weights of the layer called `name`, as in Glorot and Bengio (2010): uniform, variance 2 / (fan-in + fan-out). */
  uniform(name: string): ReturnType<typeof initializers.glorotUniform> {
    return initializers.glorotUniform({ seed: seedFor(name, this.#seed) });
  }

  /** Initial weights of a normal distribution. */
  normal(name: string, stddev: number): ReturnType<typeof initializers.randomNormal> {
    return initializers.randomNormal({ stddev, seed: seedFor(name, this.#seed) });
  }

  /** A depthwise 3×3 convolution of `channels` channels. */
  depthwise({ name, channels, strides = 1, padding = "same" }: DepthwiseOptions): Layer {
    return layers.depthwiseConv2d({
      name,
      kernelSize: 3,
      strides,
      padding,
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

  /** The last layers: a dense one, and "softmax" or "sigmoid" where its outputs are their logits. */
  head({ outputs, head = "softmax", padding }: HeadOptions & Pick<ArchOptions, "padding">): readonly Layer[] {
    const dense = this.projection({ name: "dense", units: outputs });
    if (head !== "softmax" && head !== "sigmoid") return [dense];
    return [
      dense,
      // TF.js takes axis 1 where none is named; and it hands a mask of steps on to layers behind those that end it, of
      // which Softmax takes it for one of its numbers.
      head === "softmax" && padding === undefined
        ? layers.softmax({ name: head, axis: -1 })
        : layers.activation({ name: head, activation: head }),
    ];
  }
}

/** Zeros around a picture, as many on each side as a kernel of odd size reaches over it; none for a kernel of 1. */
export function padAround(name: string, kernelSize: number): readonly Layer[] {
  const padding = (kernelSize - 1) / 2;
  return padding === 0 ? [] : [layers.zeroPadding2d({ name: `${name}_pad`, padding })];
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
