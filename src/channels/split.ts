/** A part of a picture's channels. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { checkName, checkWhole, type LayerArgs, listOf, type Shapes } from "../custom.ts";
import { channelsOf, ONE } from "./_channels.ts";

/** Arguments of a ChannelSplit layer. */
export interface ChannelSplitArgs extends LayerArgs {
  /** How many parts of the same size the channels are split into. Default: 2. */
  readonly parts?: number;
  /** Which of them is given, from 0. Default: 0. */
  readonly index?: number;
}

/**
 * Gives one of several equal parts of the channels, which lie beside each other.
 *
 * Shapes: [n, …, c] → [n, …, c / parts].
 * Gradient: to those channels.
 */
export class ChannelSplit extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "ChannelSplit";

  /** How many parts there are. */
  readonly parts: number;
  /** Which of them is given. */
  readonly index: number;

  /** Makes the layer. */
  constructor({ parts = 2, index = 0, ...args }: ChannelSplitArgs = {}) {
    super(checkName(args, ChannelSplit.className));
    this.parts = checkWhole(parts, { name: this.name, what: "number of parts", least: 1 });
    this.index = checkWhole(index, { name: this.name, what: "index", least: 0 });
    if (this.index < this.parts) return;
    throw new RangeError(
      `Cannot make "${this.name}": its index is ${index}, one below the number of parts, ${parts}, is needed`,
    );
  }

  /**
   * Checks that the channels can be split so.
   *
   * @throws {TypeError} If they cannot.
   */
  override build(inputShape: Shapes): void {
    channelsOf(inputShape, { layer: this, multipleOf: this.parts });
    this.built = true;
  }

  /** Picks the channels. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = listOf(inputs, { layer: this, ...ONE });
    const size = (x.shape.at(-1) ?? 0) / this.parts;
    const outer = x.shape.slice(0, -1);
    return tf.slice(x, [...outer.map(() => 0), this.index * size], [...outer, size]);
  }

  /** Returns the input's shape with fewer channels. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const { outer, channels } = channelsOf(inputShape, { layer: this, multipleOf: this.parts });
    return [...outer, channels / this.parts];
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), parts: this.parts, index: this.index };
  }
}
