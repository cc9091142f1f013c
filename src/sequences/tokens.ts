/** Layers around tokens: where padding is, what stands at which position, and one position alone. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { checkName, checkWhole, type LayerArgs, listOf, type Shapes, shapesOf } from "../custom.ts";

const ONE = { what: "a sequence", least: 1, most: 1 };

/** Arguments of a PaddingMask layer. */
export interface PaddingMaskArgs extends LayerArgs {
  /** The token that is padding. Default: 0. */
  readonly padding?: number;
}

/**
 * Tells tokens that count from padding, for `Attention`.
 *
 * Shapes: tokens [n, t] → [n, t], float32.
 * Range: 1, and 0 where the token is padding.
 * Gradient: none.
 */
export class PaddingMask extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "PaddingMask";

  /** The token that is padding. */
  readonly padding: number;

  /** Makes the layer. */
  constructor({ padding = 0, ...args }: PaddingMaskArgs = {}) {
    super(checkName(args, PaddingMask.className));
    this.padding = checkWhole(padding, { name: this.name, what: "padding", least: 0 });
  }

  /** Compares tokens with padding. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [tokens] = listOf(inputs, { layer: this, ...ONE });
    return tf.tidy(() => tf.cast(tf.notEqual(tokens, tf.scalar(this.padding, tokens.dtype)), "float32"));
  }

  /** Returns the tokens' shape. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    return shapesOf(inputShape, { layer: this, ...ONE })[0];
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), padding: this.padding };
  }
}

/** Arguments of a PositionEmbedding layer. */
export interface PositionEmbeddingArgs extends LayerArgs {
  /** What the positions' vectors start from. Default: a normal distribution of deviation 0.02. */
  readonly initializer?: ReturnType<typeof tfl.initializers.zeros>;
}

/**
 * Adds to each position of a sequence a vector that is learned for it.
 *
 * Shapes: [n, t, w] → the same; its weight "positions" is [t, w].
 * Gradient: to both.
 */
export class PositionEmbedding extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "PositionEmbedding";

  readonly #initializer: NonNullable<PositionEmbeddingArgs["initializer"]>;
  #positions: tfl.LayerVariable | undefined;

  /** Makes the layer, not yet built. */
  constructor({ initializer, ...args }: PositionEmbeddingArgs = {}) {
    super(checkName(args, PositionEmbedding.className));
    this.#initializer = initializer ?? tfl.initializers.randomNormal({ stddev: 0.02 });
    this.supportsMasking = true;
  }

  /**
   * Makes a vector a position.
   *
   * @throws {TypeError} If the sequence's length or width is open.
   */
  override build(inputShape: Shapes): void {
    const [[, time, width, ...more]] = shapesOf(inputShape, { layer: this, ...ONE });
    if (typeof time !== "number" || typeof width !== "number" || more.length > 0) {
      throw new TypeError(
        `Cannot build "${this.name}": its input is [${inputShape.map((dim) => dim ?? "?")}], ` +
          `sequences [?, time, width] of known length and width are needed`,
      );
    }
    this.#positions = this.addWeight("positions", [time, width], "float32", this.#initializer);
    this.built = true;
  }

  /** Adds the positions' vectors. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = listOf(inputs, { layer: this, ...ONE });
    if (this.#positions === undefined) throw new Error(`Cannot use "${this.name}": the layer is not built yet`);
    return tf.add(x, this.#positions.read());
  }

  /** Returns the input's shape. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    return shapesOf(inputShape, { layer: this, ...ONE })[0];
  }
}

/** Arguments of a TokenAt layer. */
export interface TokenAtArgs extends LayerArgs {
  /** The position, from 0. Default: 0. */
  readonly position?: number;
}

/**
 * Picks one position of a sequence, such as that of a token which stands for the whole of it.
 *
 * Shapes: [n, t, w] → [n, w].
 * Gradient: to that position.
 */
export class TokenAt extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "TokenAt";

  /** The position. */
  readonly position: number;

  /** Makes the layer. */
  constructor({ position = 0, ...args }: TokenAtArgs = {}) {
    super(checkName(args, TokenAt.className));
    this.position = checkWhole(position, { name: this.name, what: "position", least: 0 });
  }

  /**
   * Checks that there is such a position.
   *
   * @throws {TypeError} If there is none.
   */
  override build(inputShape: Shapes): void {
    const [shape] = shapesOf(inputShape, { layer: this, ...ONE });
    const [, time] = shape;
    if (shape.length !== 3 || (typeof time === "number" && this.position >= time)) {
      throw new TypeError(
        `Cannot build "${this.name}": its input is [${shape.map((dim) => dim ?? "?")}], ` +
          `sequences [?, time, width] of more than ${this.position} positions are needed`,
      );
    }
    this.built = true;
  }

  /** Picks the position. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = listOf(inputs, { layer: this, ...ONE });
    const [n, , width] = x.shape;
    return tf.tidy(() => tf.reshape(tf.slice(x, [0, this.position, 0], [n, 1, width ?? 0]), [n, width ?? 0]));
  }

  /** Returns the shape of one position. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const [[n, , width]] = shapesOf(inputShape, { layer: this, ...ONE });
    return [n, width];
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), position: this.position };
  }
}
