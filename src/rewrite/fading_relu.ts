/**
 * A LeakyReLU on its way to ReLU: its slope below 0 is a variable, which training takes down step by step.
 *
 * It stands in a model while that is adapted to the activations that it will have, and never after: `endFading` puts ReLU
 * in its place.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerOwn } from "../custom.ts";
import { showValue } from "../text/plain.ts";
import { replaceNode } from "./edit.ts";
import { ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

type LayerArgs = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Arguments of a FadingReLU layer. */
export interface FadingReLUArgs extends LayerArgs {
  /** The slope that it begins with, as LeakyReLU's. Default: 0.1. */
  readonly alpha?: number;
}

/**
 * Gives x where x > 0, else x times its weight "slope".
 *
 * Shapes: any → the same.
 * Gradient: to x alone.
 */
export class FadingReLU extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "FadingReLU";

  /** The slope that it begins with. */
  readonly alpha: number;

  #slope: tfl.LayerVariable | undefined;

  /**
   * Makes the layer, not yet built.
   *
   * @throws {RangeError} If the slope is no finite number.
   */
  constructor({ alpha = 0.1, ...args }: FadingReLUArgs = {}) {
    if (!Number.isFinite(alpha)) {
      throw new RangeError(
        `Cannot make "${args.name ?? FadingReLU.className}": its alpha is ${
          showValue(alpha)
        }, a finite number is needed`,
      );
    }
    super({ ...args, trainable: false });
    this.alpha = alpha;
    this.supportsMasking = true;
  }

  /** Makes the slope. */
  override build(): void {
    const start = tfl.initializers.constant({ value: this.alpha });
    this.#slope = this.addWeight("slope", [1], "float32", start, undefined, false);
    this.built = true;
  }

  /** Takes the slope to a share of what it began with: 1 is LeakyReLU, 0 is ReLU. */
  fadeTo(share: number): void {
    const slope = tf.tensor1d([this.alpha * share]);
    this.#built.write(slope);
    slope.dispose();
  }

  /** Cuts off what is below 0, but for the slope. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    return tf.prelu(x, this.#built.read());
  }

  /** Returns the input's shape. */
  override computeOutputShape(inputShape: tfl.Shape): tfl.Shape {
    return inputShape;
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), alpha: this.alpha };
  }

  get #built(): tfl.LayerVariable {
    if (this.#slope === undefined) throw new Error(`Cannot use "${this.name}": the layer is not built yet`);
    return this.#slope;
  }
}

/** Registers FadingReLU with TF.js, so that models with it load. Again is harmless. */
export function registerFadingReLU(): void {
  registerOwn(FadingReLU);
}

/** Puts ReLU in the place of every FadingReLU, whose slope is 0 by then. */
export const endFading: Rule = {
  name: "end_fading",
  description: "replaces FadingReLU by ReLU",
  apply: (graph, { name, inbound, layer }) => {
    if (layer.className !== FadingReLU.className) return undefined;
    const relu = ownCall({ name, className: "ReLU", config: { trainable: true, maxValue: null }, inbound });
    return { ok: true, graph: replaceNode(graph, name, [relu]), what: "its slope has gone to 0, it becomes relu" };
  },
};
