/**
 * Dropout whose masks depend on nothing but (seed, layer, step).
 *
 * TF.js's own Dropout draws from Math.random, or, given a seed, the same mask at every call. While training runs, the
 * layers' `call` is replaced by one that multiplies by a mask drawn on the host; the model itself stays as it is, so what
 * is saved is TF.js's plain Dropout. A mask is an input of a recorded step, so the recording backend sees one graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { checkSeed, Random } from "../src/numbers/random.ts";
import { hashName } from "../src/numbers/seed.ts";
import { shadow } from "../src/shadow.ts";
import { layersIn } from "../src/quant/mod.ts";

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** The dropouts of a model, in the hands of a training loop. */
export interface SeededDropout {
  /** Names of the layers that were taken over. */
  readonly layers: readonly string[];
  /**
   * Says which step comes next, counted from 0 over all epochs, and with how many samples.
   *
   * @returns The masks that the step will multiply by, as far as their shapes are known from the step before.
   */
  startStep(step: number, size?: number): readonly Float32Array[];
  /** Gives the layers their own `call` back. */
  restore(): void;
}

/**
 * Makes the Dropout and SpatialDropout1D layers of `model`, nested models included, draw their masks from `seed`.
 *
 * A layer drops each value with its `rate` and scales the rest by 1 / (1 - rate), as TF.js's does; only when training.
 * A layer called twice in a step draws two masks. Dropout inside wrappers (TimeDistributed) and recurrent layers, and
 * Gaussian noise, stay TF.js's own.
 *
 * Gradient: dy times the mask.
 *
 * @throws {RangeError} If the seed is not an integer from 0 to 2^53 - 1.
 */
export function withSeededDropout(model: tfl.LayersModel, seed: number): SeededDropout {
  const dropouts = layersIn(model).filter((layer) => ["Dropout", "SpatialDropout1D"].includes(layer.getClassName()));
  const masks = dropouts.map((layer) => new MaskSource(seed, layer));
  const restores = dropouts.map((layer, i) =>
    shadow(layer, "call", (call, inputs, kwargs) => {
      const [x] = Array.isArray(inputs) ? inputs : [inputs];
      return kwargs?.training && masks[i].isDropping ? masks[i].apply(x) : call(inputs, kwargs);
    })
  );
  return {
    layers: dropouts.map(({ name }) => name),
    startStep: (step, size) => masks.flatMap((mask) => mask.startStep(step, size)),
    restore: () => restores.forEach((restore) => restore()),
  };
}

/** Draws the masks of one layer. */
class MaskSource {
  /** Whether the rate is inside (0, 1): like TF.js's layer, one outside drops nothing. */
  readonly isDropping: boolean;
  readonly #rate: number;
  readonly #seed: number;
  readonly #layer: number;
  readonly #noiseShape: readonly (number | null)[] | undefined;
  #step = 0;
  #calls = 0;
  /** Shapes of the masks of each call in a step; null where the batch's size comes. */
  readonly #shapes: (number | null)[][] = [];
  #drawn: readonly Mask[] = [];

  constructor(seed: number, layer: Layer) {
    const { rate, noiseShape } = layer.getConfig();
    this.#seed = seed;
    this.#layer = hashName(layer.name);
    this.#rate = Number(rate);
    this.isDropping = this.#rate > 0 && this.#rate < 1;
    const isSpatial = layer.getClassName() === "SpatialDropout1D";
    // TF.js's SpatialDropout1D drops whole channels of [n, steps, channels].
    this.#noiseShape = isSpatial ? [null, 1, null] : Array.isArray(noiseShape) ? noiseShape.map(toDim) : undefined;
    checkSeed(seed);
  }

  startStep(step: number, size?: number): readonly Float32Array[] {
    this.#step = step;
    this.#calls = 0;
    this.#drawn = size === undefined
      ? []
      : this.#shapes.map((shape, call) => this.#draw(shape.map((dim) => dim ?? size), call));
    return this.#drawn.map(({ elements }) => elements);
  }

  apply(x: tf.Tensor): tf.Tensor {
    const call = this.#calls++;
    const shape = this.#noiseShape?.map((dim, i) => dim ?? x.shape[i]) ?? x.shape;
    this.#shapes[call] = shape.map((dim, i) => i === 0 && dim === x.shape[0] ? null : dim);
    const drawn = this.#drawn[call];
    const { elements } = drawn?.shape.join() === shape.join() ? drawn : this.#draw(shape, call);
    return tf.mul(x, tf.tensor(elements, shape));
  }

  #draw(shape: number[], call: number): Mask {
    const random = new Random(this.#seed, [this.#layer, this.#step, call]);
    const scale = 1 / (1 - this.#rate);
    const elements = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
    for (let i = 0; i < elements.length; i++) elements[i] = random.chance(this.#rate) ? 0 : scale;
    return { shape, elements };
  }
}

interface Mask {
  readonly shape: readonly number[];
  readonly elements: Float32Array;
}

function toDim(dim: unknown): number | null {
  return typeof dim === "number" ? dim : null;
}
