/** What a layer that calibrates by an observer on the host is given: kept while the model runs, looked at afterwards. */
import * as tf from "@tensorflow/tfjs-core";
import type { HostObserver, Observation } from "../observers/observer.ts";
import type { Range } from "../../numbers/qparams.ts";
import { NonFiniteError } from "./quantized_layer.ts";

/**
 * Shows an observer on the host the values of one layer.
 *
 * Reading a tensor makes a recording backend run what it has recorded so far. So tensors are kept, and read when the whole
 * model has run: it runs as one graph.
 */
export class Watch {
  readonly #layer: string;
  readonly #observer: HostObserver;
  #kept: tf.Tensor[] = [];
  #observation: Observation | undefined;

  constructor(layer: string, observer: HostObserver) {
    this.#layer = layer;
    this.#observer = observer;
  }

  /** Keeps `x` to look at it later. */
  keep(x: tf.Tensor): void {
    this.#kept.push(tf.keep(tf.clone(x)));
  }

  /**
   * Looks at what was kept.
   *
   * @throws {NonFiniteError} If a value is NaN or infinite.
   */
  catchUp(): void {
    const kept = this.#release();
    try {
      for (const x of kept) this.#look(x);
    } finally {
      tf.dispose(kept);
    }
  }

  /** Returns the range that was found; undefined where nothing was looked at. What is still kept is not. */
  end(): Range | undefined {
    tf.dispose(this.#release());
    return this.#observation?.range();
  }

  #look(x: tf.Tensor): void {
    const values = x.dataSync<"float32">();
    if (values.length === 0) return;
    this.#observation ??= this.#observer.start();
    if (this.#observation.add(values)) return;
    this.#observation = undefined;
    const bad = values.findIndex((value) => !Number.isFinite(value));
    throw new NonFiniteError(this.#layer, values[bad], Math.floor(bad / (x.size / (x.shape[0] ?? 1))));
  }

  #release(): tf.Tensor[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }
}
