/**
 * The cell of a gated recurrent unit that resets what comes of its state, as PyTorch's GRU and Keras's `reset_after` do.
 *
 * TF.js's own GRU resets the state before it is multiplied. This one is called by TF.js's `RNN` layer, as all cells are, so
 * that sequences, states, directions and masks are that layer's business.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { checkName, checkWhole, type LayerArgs, registerOwn } from "../custom.ts";

/** Arguments of a ResetAfterGRUCell. */
export interface ResetAfterGRUCellArgs extends LayerArgs {
  /** How many numbers its state has. */
  readonly units: number;
  /** TF.js's name of the activation of the new state. Default: "tanh". */
  readonly activation?: string;
  /** Of the gates. Default: "sigmoid". */
  readonly recurrentActivation?: string;
  /** Whether it has biases. Default: true. */
  readonly useBias?: boolean;
}

/** TF.js's layer of an activation, by the name of that. */
function activationLayer(name: string): tfl.layers.Layer {
  return tfl.layers.activation({ activation: name as "tanh" });
}

type Sizes = tfl.Shape | tfl.Shape[];

/**
 * Takes one step: z = σ(x·W_z + h·R_z + b_z), r = σ(x·W_r + h·R_r + b_r), ĥ = φ(x·W_h + b_h + r·(h·R_h + b)) and
 * h = z·h + (1 − z)·ĥ.
 *
 * Shapes: [x [n, features], h [n, units]] → [h, h], [n, units] each. Weights: kernel [features, 3·units] and
 * recurrent_kernel [units, 3·units] of gates z, r, h side by side, bias [3·units], recurrent_bias [units], which is b.
 * Gradient: to all of them.
 * Source: ONNX GRU, opset 14, `linear_before_reset` = 1; Cho et al., arXiv:1406.1078, in the version of the first draft.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { ResetAfterGRUCell } from "./reset_after.ts";
 *
 * await tf.setBackend("cpu");
 * const layer = tfl.layers.rnn({ cell: new ResetAfterGRUCell({ units: 2 }) });
 * assert.deepEqual((layer.apply(tf.ones([1, 3, 4])) as tf.Tensor).shape, [1, 2]);
 * ```
 */
export class ResetAfterGRUCell extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "ResetAfterGRUCell";

  /** How many numbers the state has. */
  readonly units: number;
  /** TF.js's name for the same. */
  readonly stateSize: number;
  /** Name of the activation of the new state. */
  readonly activation: string;
  /** Name of the activation of the gates. */
  readonly recurrentActivation: string;
  /** Whether there are biases. */
  readonly useBias: boolean;
  /** TF.js's cells keep what they drop here; this one drops nothing. */
  dropoutMask!: tf.Tensor;
  /** See `dropoutMask`. */
  recurrentDropoutMask!: tf.Tensor;

  readonly #activations: readonly tfl.layers.Layer[];
  readonly #variables = new Map<string, tfl.LayerVariable>();

  /**
   * Makes the cell, not yet built.
   *
   * @throws {RangeError} If the number of units is no whole number from 1.
   */
  constructor(
    { units, activation = "tanh", recurrentActivation = "sigmoid", useBias = true, ...args }: ResetAfterGRUCellArgs,
  ) {
    super(checkName(args, ResetAfterGRUCell.className));
    this.units = checkWhole(units, { name: this.name, what: "number of units", least: 1 });
    this.stateSize = this.units;
    this.#activations = [activation, recurrentActivation].map(activationLayer);
    this.activation = activation;
    this.recurrentActivation = recurrentActivation;
    this.useBias = useBias;
  }

  /** Makes the weights: random ones within 1 / √units, as PyTorch's are. */
  override build(inputShape: Sizes): void {
    const [shape] = Array.isArray(inputShape[0]) ? inputShape as tfl.Shape[] : [inputShape as tfl.Shape];
    const features = checkWhole(shape.at(-1), { name: this.name, what: "number of features", least: 1 });
    const bound = 1 / Math.sqrt(this.units);
    const initializer = tfl.initializers.randomUniform({ minval: -bound, maxval: bound });
    const add = (name: string, shape: number[]) =>
      this.#variables.set(name, this.addWeight(name, shape, "float32", initializer));
    add("kernel", [features, 3 * this.units]);
    add("recurrent_kernel", [this.units, 3 * this.units]);
    if (this.useBias) {
      add("bias", [3 * this.units]);
      add("recurrent_bias", [this.units]);
    }
    this.built = true;
  }

  /** Takes a step. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    const [x, h] = [inputs].flat();
    return tf.tidy(() => {
      const [activate, gate] = this.#activations.map((layer) => (y: tf.Tensor) => layer.apply(y) as tf.Tensor);
      const [xz, xr, xh] = tf.split(this.#biased(tf.dot(x, this.#weight("kernel")), "bias"), 3, 1);
      const [hz, hr, hh] = tf.split(tf.dot(h, this.#weight("recurrent_kernel")), 3, 1);
      const [z, r] = [gate(tf.add(xz, hz)), gate(tf.add(xr, hr))];
      const fresh = activate(tf.add(xh, tf.mul(r, this.#biased(hh, "recurrent_bias"))));
      const next = tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), fresh));
      return [next, next];
    });
  }

  #biased(x: tf.Tensor, bias: "bias" | "recurrent_bias"): tf.Tensor {
    return this.useBias ? tf.add(x, this.#weight(bias)) : x;
  }

  #weight(name: string): tf.Tensor {
    const weight = this.#variables.get(name);
    if (weight === undefined) throw new Error(`Cannot use "${this.name}": the cell is not built yet`);
    return weight.read();
  }

  /** Returns the arguments to make the cell again. */
  override getConfig(): tf.serialization.ConfigDict {
    const { units, activation, recurrentActivation, useBias } = this;
    return { ...super.getConfig(), units, activation, recurrentActivation, useBias };
  }
}

/** Registers ResetAfterGRUCell, so that models with it load. Again is harmless. */
export function registerRecurrentCells(): void {
  registerOwn(ResetAfterGRUCell);
}
