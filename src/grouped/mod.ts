/** The TF.js layer of convolutions in groups of channels. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { adoptWeights, checkName, checkWhole, listOf, registerOwn, type Shapes, shapesOf } from "../custom.ts";
import { groupConvolution } from "./convolve.ts";

const ONE = { what: "pictures", least: 1, most: 1 } as const;

/** Arguments of a GroupConv2D layer: those of TF.js's Conv2D, and the number of groups. */
export type GroupConv2DArgs = Parameters<typeof tfl.layers.conv2d>[0] & {
  /** Groups that channels and filters come in, beside each other. Default: 1. */
  readonly groups?: number;
};

/**
 * A 2-D convolution in groups: the k-th group of filters reads the k-th group of channels, and nothing else.
 *
 * Shapes: [n, h, w, in] → [n, h', w', filters]; weights "kernel" [kh, kw, in / groups, filters], "bias" [filters].
 * Gradient: to x and both weights. Strides and dilations may be combined on backend "onnxruntime" alone.
 * Source: Keras 3, layers.Conv2D with `groups`; ONNX Conv-11 with `group`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import { groupConv2d } from "./mod.ts";
 *
 * await tf.setBackend("cpu");
 * const layer = groupConv2d({ filters: 2, kernelSize: 1, groups: 2, useBias: false });
 * layer.build([null, 1, 1, 4]);
 * layer.setWeights([tf.tensor4d([1, 10, 2, 20], [1, 1, 2, 2])]);
 * const y = layer.apply(tf.tensor4d([1, 2, 3, 4], [1, 1, 1, 4])) as tf.Tensor;
 * assert.deepEqual([...y.dataSync()], [1 * 1 + 2 * 2, 3 * 10 + 4 * 20]);
 * ```
 */
export class GroupConv2D extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "GroupConv2D";

  /** Groups that channels come in. */
  readonly groups: number;

  /** A layer of TF.js for the channels of one group and all filters: it reads the configuration and has the weights. */
  readonly #inner: tfl.layers.Layer;
  readonly #activation: tfl.layers.Layer;
  readonly #isFirst: boolean;

  /**
   * Makes the layer, not yet built.
   *
   * @throws {RangeError} If the filters do not come in such groups, or the padding is none of pictures.
   */
  constructor({ groups = 1, ...args }: GroupConv2DArgs) {
    super(checkName(args, GroupConv2D.className));
    this.groups = checkWhole(groups, { name: this.name, what: "number of groups", least: 1 });
    const { weights: _, ...own } = args;
    this.#inner = tfl.layers.conv2d({ ...own, name: this.name });
    this.#activation = tfl.layers.activation({ activation: args.activation ?? "linear" });
    const { filters, padding, dataFormat } = this.#inner.getConfig();
    this.#isFirst = dataFormat === "channelsFirst";
    const cannot = `Cannot make "${this.name}"`;
    if (padding === "causal") throw new RangeError(`${cannot}: its padding is "causal", "same" or "valid" is needed`);
    if (Number(filters) % this.groups === 0) return;
    throw new RangeError(`${cannot}: it has ${filters} filters, a multiple of its ${this.groups} groups is needed`);
  }

  /**
   * Makes the weights.
   *
   * @throws {TypeError} If the channels do not come in such groups.
   */
  override build(inputShape: Shapes): void {
    const { shape, axis, channels } = this.#channelsOf(inputShape);
    this.#inner.build(shape.with(axis, channels / this.groups));
    adoptWeights(this, this.#inner);
    this.inputSpec = [new tfl.InputSpec({ ndim: 4, axes: { [axis]: channels } })];
    this.built = true;
  }

  /** Convolves, adds the bias, and applies the activation. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      const [x] = listOf(inputs, { layer: this, ...ONE });
      const [kernel, bias] = this.#inner.weights.map((variable) => variable.read());
      const last = this.#isFirst ? tf.transpose(x, [0, 2, 3, 1]) : x;
      // `build` and the layer's input specification see to it that pictures and kernels have four axes.
      const y = groupConvolution(last as tf.Tensor4D, kernel as tf.Tensor4D, this.#geometry());
      const sum = bias === undefined ? y : tf.add(y, bias);
      const ordered = this.#isFirst ? tf.transpose(sum, [0, 3, 1, 2]) : sum;
      return this.#activation.call(ordered, {});
    });
  }

  /** Returns the shape of what it gives. */
  override computeOutputShape(inputShape: Shapes): Shapes {
    return this.#inner.computeOutputShape(this.#channelsOf(inputShape).shape);
  }

  /** The regularization losses of its weights. */
  override get losses(): tfl.layers.Layer["losses"] {
    return this.#inner.losses;
  }

  /** Passes on whether the weights are about to be loaded. */
  override setFastWeightInitDuringBuild(value: boolean): void {
    super.setFastWeightInitDuringBuild(value);
    this.#inner.setFastWeightInitDuringBuild(value);
  }

  /** Returns the arguments to make the layer again, without its weights. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.#inner.getConfig(), ...super.getConfig(), groups: this.groups };
  }

  #geometry() {
    // Pairs and words: TF.js's layer has read them.
    const { strides, padding, dilationRate } = this.#inner.getConfig() as Readonly<Record<string, unknown>> & {
      readonly strides: [number, number];
      readonly padding: "same" | "valid";
      readonly dilationRate: [number, number];
    };
    return { groups: this.groups, strides, pad: padding, dilations: dilationRate };
  }

  #channelsOf(inputShape: Shapes) {
    const [shape] = shapesOf(inputShape, { layer: this, ...ONE });
    const axis = this.#isFirst ? 1 : 3;
    const channels = shape[axis];
    if (shape.length === 4 && typeof channels === "number" && channels % this.groups === 0) {
      return { shape, axis, channels };
    }
    throw new TypeError(
      `Cannot build "${this.name}": its input is [${shape.map((dim) => dim ?? "?")}], ` +
        `pictures whose number of channels is a multiple of ${this.groups} are needed`,
    );
  }
}

/** Makes a convolution in groups, as `tf.layers.conv2d` makes one of all channels. */
export function groupConv2d(args: GroupConv2DArgs): GroupConv2D {
  return new GroupConv2D(args);
}

/** Registers GroupConv2D, so that models with it load. Again is harmless. */
export function registerGroupedLayers(): void {
  registerOwn(GroupConv2D);
}
