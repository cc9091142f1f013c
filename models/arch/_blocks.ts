/** What the built-in architectures are made of. Activations are [n, h, w, c]. */
import * as tfl from "@tensorflow/tfjs-layers";
import { groupConv2d } from "../../src/grouped/mod.ts";
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
  /** How many times as many channels there are, of architectures that come in several widths. Default: 1. */
  readonly width?: number;
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
  /** Of both sides, or height and width. */
  readonly kernelSize: number | readonly [height: number, width: number];
  readonly strides?: number;
  /** "same" (default): rows and columns that are missing are added at the end first; "valid": none are. */
  readonly padding?: "same" | "valid";
  /** Whether it adds a bias, 0 at first. Default: it does not, for batch normalization follows. */
  readonly useBias?: boolean;
  /** Groups that channels and filters come in, of which each reads its own. Default: 1. */
  readonly groups?: number;
  /** Shape of one image, for the first layer of a sequential model. */
  readonly inputShape?: readonly number[];
}

/** A depthwise convolution and its place in the model. */
export interface DepthwiseOptions extends Pick<ConvOptions, "name" | "strides" | "padding"> {
  readonly channels: number;
  /** Of both sides. Default: 3. */
  readonly kernelSize?: number;
}

/** A dense layer and its place in the model. */
export interface DenseOptions {
  readonly name: string;
  readonly units: number;
  /** Shape of one row, for the first layer of a sequential model. */
  readonly inputShape?: readonly number[];
}

/**
 * What the weights of convolutions start from: a normal distribution of this deviation, or one of variance 2 / n as in He et
 * al., "Delving Deep into Rectifiers" (2015), n being what each output reads ("he-in": TF.js's, cut off at two sigma;
 * "he-uniform": uniform) or each input is read by ("he-out"); or Glorot and Bengio's of 2010, uniform.
 */
export type Start = "he-in" | "he-out" | "he-uniform" | "glorot" | number;

/** What the layers of an architecture have in common. */
export interface BlocksOptions {
  /** Of normalization. */
  readonly epsilon: number;
  /** Of batch normalization. Default: 0.9, which is PyTorch's default of 0.1. */
  readonly momentum?: number;
  /** Default: "he-in". */
  readonly start?: Start;
  /** Deviation of what dense layers start from. Default: as in Glorot and Bengio (2010), uniform. */
  readonly denseStart?: number;
}

/** Makes the layers that fit one run's seed. */
export class Blocks {
  readonly #seed: number;
  readonly #options: Required<Omit<BlocksOptions, "denseStart">> & Pick<BlocksOptions, "denseStart">;

  constructor(seed: number, options: BlocksOptions) {
    this.#seed = seed;
    this.#options = { momentum: 0.9, start: "he-in", ...options };
  }

  /** A convolution, by default padded to keep height and width (divided by the strides, rounded up). */
  conv(conv: ConvOptions): Layer {
    const { name, filters, kernelSize, inputShape, strides = 1, padding = "same", useBias = false, groups = 1 } = conv;
    const config = {
      ...(inputShape === undefined ? {} : { inputShape: [...inputShape] }),
      name,
      filters,
      kernelSize: typeof kernelSize === "number" ? kernelSize : [...kernelSize],
      strides,
      padding,
      useBias,
      kernelInitializer: this.#start(conv),
    };
    return groups === 1 ? layers.conv2d(config) : groupConv2d({ ...config, groups });
  }

  #start({ name, filters, kernelSize }: Pick<ConvOptions, "name" | "filters" | "kernelSize">) {
    const seed = seedFor(name, this.#seed);
    const { start } = this.#options;
    if (start === "he-in") return initializers.heNormal({ seed });
    if (start === "he-uniform") return initializers.heUniform({ seed });
    if (start === "glorot") return initializers.glorotUniform({ seed });
    const [height, width] = typeof kernelSize === "number" ? [kernelSize, kernelSize] : kernelSize;
    const stddev = start === "he-out" ? Math.sqrt(2 / (height * width * filters)) : start;
    return initializers.randomNormal({ stddev, seed });
  }

  /**
   * A convolution padded by as much on all sides, as darknet and PyTorch do it. With strides that differs from "same", and
   * needs a layer of zeros before it.
   */
  convAround(
    { name, kernelSize, strides = 1, ...rest }: Omit<ConvOptions, "padding" | "inputShape" | "kernelSize"> & {
      readonly kernelSize: number;
    },
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
    const { denseStart } = this.#options;
    const kernelInitializer = denseStart === undefined ? this.uniform(name) : this.normal(name, denseStart);
    return layers.dense({ name, units, kernelInitializer });
  }

  /** Layer normalization. */
  layerNorm(name: string): Layer {
    return layers.layerNormalization({ name, epsilon: this.#options.epsilon });
  }

  /** Initial weights of the layer called `name`, as in Glorot and Bengio (2010): uniform, variance 2 / (fan-in + fan-out). */
  uniform(name: string): ReturnType<typeof initializers.glorotUniform> {
    return initializers.glorotUniform({ seed: seedFor(name, this.#seed) });
  }

  /** Initial weights of a normal distribution. */
  normal(name: string, stddev: number): ReturnType<typeof initializers.randomNormal> {
    return initializers.randomNormal({ stddev, seed: seedFor(name, this.#seed) });
  }

  /** A depthwise convolution of `channels` channels, which starts from variance 2 / (what each output reads). */
  depthwise({ name, channels, kernelSize = 3, strides = 1, padding = "same" }: DepthwiseOptions): Layer {
    return layers.depthwiseConv2d({
      name,
      kernelSize,
      strides,
      padding,
      useBias: false,
      // TF.js counts all channels into the fan-in of [k, k, channels, 1], though each output sees one.
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
    const { epsilon, momentum } = this.#options;
    return layers.batchNormalization({ name, epsilon, momentum });
  }

  /** Batch normalization `${name}_bn` and a ReLU `${name}_relu`, which cuts at `maxValue` too where there is one. */
  normReLU(name: string, { maxValue }: { readonly maxValue?: number } = {}): readonly Layer[] {
    return [
      this.norm(`${name}_bn`),
      layers.reLU({ name: `${name}_relu`, ...(maxValue === undefined ? {} : { maxValue }) }),
    ];
  }

  /** A depthwise convolution padded by as much on all sides. */
  depthwiseAround(depthwise: Omit<DepthwiseOptions, "padding">): readonly Layer[] {
    const { name, kernelSize = 3, strides = 1 } = depthwise;
    if (strides === 1) return [this.depthwise(depthwise)];
    return [...padAround(name, kernelSize), this.depthwise({ ...depthwise, padding: "valid" })];
  }

  /** The last layers: a dense one, and "softmax" or "sigmoid" where its outputs are their logits. */
  head({ outputs, head, padding }: HeadOptions & Pick<ArchOptions, "padding">): readonly Layer[] {
    return [this.projection({ name: "dense", units: outputs }), ...this.last(head, padding)];
  }

  /** What stands behind the last layer with weights. */
  last(head: HeadOptions["head"] = "softmax", padding?: number): readonly Layer[] {
    if (head !== "softmax" && head !== "sigmoid") return [];
    return [
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
