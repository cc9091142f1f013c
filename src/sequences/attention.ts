/**
 * Scaled dot-product attention of several heads, without weights: the projections of queries, keys, values and answers are
 * dense layers around it, so that they are quantized, swapped and reported like all others.
 *
 * For an int8 file the layer is rewritten as its three steps (`src/rewrite/split_attention.ts`), two of which are products
 * of codes. They are layers of their own here, and compute together what the one does.
 *
 * Padding is told by an input, a mask: TF.js 4.22 hands a layer the mask of its first input alone, and goes on to hand it
 * to layers behind it whose inputs have none.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { showValue } from "../text/plain.ts";
import { checkName, checkWhole, firstMask, type LayerArgs, listOf, type Shapes, shapesOf } from "../custom.ts";
import { attentionContext, attentionScores, attentionWeights, FAR_BELOW } from "./heads.ts";

/** Arguments of the layers of attention. */
export interface AttentionArgs extends LayerArgs {
  /** How many heads there are; the width of queries, keys and values is a multiple of it. Default: 1. */
  readonly heads?: number;
}

/** A layer that knows a number of heads. */
abstract class OfHeads extends tfl.layers.Layer {
  /** How many heads there are. */
  readonly heads: number;

  constructor({ heads = 1, ...args }: AttentionArgs = {}) {
    super(checkName(args, "attention"));
    this.heads = checkWhole(heads, { name: this.name, what: "number of heads", least: 1 });
    this.supportsMasking = true;
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), heads: this.heads };
  }

  /** Returns the mask of the first input, whose positions the output has. */
  override computeMask(_: tf.Tensor | tf.Tensor[], mask?: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return firstMask(mask);
  }

  /** @throws {TypeError} If a width is no multiple of the heads, or not that of the others. */
  protected checkWidths(...shapes: readonly tfl.Shape[]): void {
    const widths = shapes.map((shape) => shape.at(-1));
    const [width] = widths;
    const areSequences = shapes.every(({ length }) => length === 3);
    if (areSequences && typeof width === "number" && width % this.heads === 0 && widths.every((w) => w === width)) {
      return;
    }
    const given = shapes.map((shape) => `[${shape.map((dim) => dim ?? "?")}]`).join(", ");
    throw new TypeError(
      `Cannot build "${this.name}": its inputs are ${given}, sequences [?, time, width] of one width are needed, a multiple of ` +
        `its ${this.heads} heads`,
    );
  }
}

const ATTENDED = { what: "queries, keys and values, and a mask where there is padding", least: 3, most: 4 };

/**
 * Attention: every query gets the mean of the values, weighted by how well their keys fit it.
 *
 *     softmax(q · kᵀ / √d) · v, by head
 *
 * Shapes: [queries [n, t, w], keys [n, s, w], values [n, s, w]] → [n, t, w]; a fourth input, a mask [n, s], is 1 of keys that
 * count and 0 of padding, as `PaddingMask` gives it.
 * Gradient: to queries, keys and values.
 * Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import { Attention } from "./attention.ts";
 *
 * await tf.setBackend("cpu");
 * const attention = new Attention({ heads: 2 });
 * const x = tf.ones([1, 3, 4]);
 * const y = attention.apply([x, x, x]) as tf.Tensor;
 * assert.deepEqual(y.shape, [1, 3, 4]);
 * assert.ok(y.dataSync().every((mean) => Math.abs(mean - 1) < 1e-6)); // means of ones
 * ```
 */
export class Attention extends OfHeads {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "Attention";

  /** Checks that widths fit. */
  override build(inputShape: Shapes): void {
    this.checkWidths(...shapesOf(inputShape, { layer: this, ...ATTENDED }).slice(0, 3));
    this.built = true;
  }

  /** Attends. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [queries, keys, values, mask] = listOf(inputs, { layer: this, ...ATTENDED });
    return tf.tidy(() => {
      const weights = attentionWeights(attentionScores(queries, keys, { heads: this.heads }), mask);
      return attentionContext(weights, values, this.heads);
    });
  }

  /** Returns the queries' shape. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    return shapesOf(inputShape, { layer: this, ...ATTENDED })[0];
  }
}

const SCORED = { what: "queries and keys", least: 2, most: 2 };

/** Arguments of an AttentionScores layer. */
export interface AttentionScoresArgs extends AttentionArgs {
  /** What products are multiplied by, above 0. Default: 1 / √d of the d numbers of a head. */
  readonly scale?: number;
}

/** The first step of {@linkcode Attention}. Shapes: [queries [n, t, w], keys [n, s, w]] → [n, heads, t, s]. */
export class AttentionScores extends OfHeads {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "AttentionScores";

  /** What products are multiplied by, where it is not 1 / √d. */
  readonly scale: number | undefined;

  /**
   * Makes the layer, not yet built.
   *
   * @throws {RangeError} If the scale is no number above 0.
   */
  constructor({ scale, ...args }: AttentionScoresArgs = {}) {
    super(args);
    if (scale !== undefined && !(scale > 0 && Number.isFinite(scale))) {
      throw new RangeError(`Cannot make "${this.name}": its scale is ${showValue(scale)}, a number above 0 is needed`);
    }
    this.scale = scale;
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.scale === undefined ? {} : { scale: this.scale }) };
  }

  /** Checks that widths fit. */
  override build(inputShape: Shapes): void {
    this.checkWidths(...shapesOf(inputShape, { layer: this, ...SCORED }));
    this.built = true;
  }

  /** Multiplies queries by keys. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [queries, keys] = listOf(inputs, { layer: this, ...SCORED });
    return tf.tidy(() => attentionScores(queries, keys, this));
  }

  /** Returns the shape of the scores. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const [[n, time], [, keys]] = shapesOf(inputShape, { layer: this, ...SCORED });
    return [n, this.heads, time, keys];
  }
}

/** Arguments of an AttentionWeights layer. */
export interface AttentionWeightsArgs extends LayerArgs {
  /** What is added to the score of a key that is padding, below 0. Default: −1e9. */
  readonly farBelow?: number;
}

const WEIGHED = { what: "scores and a mask", least: 2, most: 2 };

/**
 * The second step of {@linkcode Attention} where there is padding; elsewhere it is a softmax.
 *
 * Shapes: [scores [n, heads, t, s], mask [n, s], or one that is repeated to the scores' shape] → [n, heads, t, s].
 */
export class AttentionWeights extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "AttentionWeights";

  /** What is added to the score of a key that is padding. */
  readonly farBelow: number;

  /**
   * Makes the layer.
   *
   * @throws {RangeError} If what is added is no number below 0.
   */
  constructor({ farBelow = FAR_BELOW, ...args }: AttentionWeightsArgs = {}) {
    super(checkName(args, "attention_weights"));
    if (!(farBelow < 0 && Number.isFinite(farBelow))) {
      throw new RangeError(
        `Cannot make "${this.name}": its farBelow is ${showValue(farBelow)}, a number below 0 is needed`,
      );
    }
    this.farBelow = farBelow;
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.farBelow === FAR_BELOW ? {} : { farBelow: this.farBelow }) };
  }

  /** Makes shares of scores. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [scores, mask] = listOf(inputs, { layer: this, ...WEIGHED });
    return tf.tidy(() => attentionWeights(scores, mask, this.farBelow));
  }

  /** Returns the shape of the scores. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    return shapesOf(inputShape, { layer: this, ...WEIGHED })[0];
  }
}

const MIXED = { what: "weights and values", least: 2, most: 2 };

/** The last step of {@linkcode Attention}. Shapes: [weights [n, heads, t, s], values [n, s, w]] → [n, t, w]. */
export class AttentionContext extends OfHeads {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "AttentionContext";

  /** Checks that the width fits. */
  override build(inputShape: Shapes): void {
    this.checkWidths(shapesOf(inputShape, { layer: this, ...MIXED })[1]);
    this.built = true;
  }

  /** Takes means of the values. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [weights, values] = listOf(inputs, { layer: this, ...MIXED });
    return tf.tidy(() => attentionContext(weights, values, this.heads));
  }

  /** Returns the shape of what the queries get. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const [[n, , time], [, , width]] = shapesOf(inputShape, { layer: this, ...MIXED });
    return [n, time, width];
  }
}
