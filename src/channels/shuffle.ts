/** Channels in another order. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { checkName, checkWhole, type LayerArgs, listOf, type Shapes } from "../custom.ts";
import { channelsOf, ONE } from "./_channels.ts";

/** Arguments of a ChannelShuffle layer. */
export interface ChannelShuffleArgs extends LayerArgs {
  /** How many groups the channels come in, beside each other. Default: 2. */
  readonly groups?: number;
}

/**
 * Takes one channel of each group in turn: of two groups, the first of both, the second of both, and so on.
 *
 * Shapes: [n, …, c] → the same.
 * Gradient: back to where each channel came from.
 * Source: Zhang et al., "ShuffleNet" (2018), figure 1.
 */
export class ChannelShuffle extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "ChannelShuffle";

  /** How many groups the channels come in. */
  readonly groups: number;

  /** Makes the layer. */
  constructor({ groups = 2, ...args }: ChannelShuffleArgs = {}) {
    super(checkName(args, ChannelShuffle.className));
    this.groups = checkWhole(groups, { name: this.name, what: "number of groups", least: 1 });
  }

  /**
   * Checks that the channels come in such groups.
   *
   * @throws {TypeError} If they do not.
   */
  override build(inputShape: Shapes): void {
    channelsOf(inputShape, { layer: this, multipleOf: this.groups });
    this.built = true;
  }

  /** Moves the channels. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = listOf(inputs, { layer: this, ...ONE });
    const size = (x.shape.at(-1) ?? 0) / this.groups;
    const outer = x.shape.slice(0, -1);
    return tf.tidy(() => {
      const grouped = tf.reshape(x, [...outer, this.groups, size]);
      const axes = outer.map((_, axis) => axis);
      return tf.reshape(tf.transpose(grouped, [...axes, axes.length + 1, axes.length]), x.shape);
    });
  }

  /** Returns the input's shape. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const { outer, channels } = channelsOf(inputShape, { layer: this, multipleOf: this.groups });
    return [...outer, channels];
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups };
  }
}
