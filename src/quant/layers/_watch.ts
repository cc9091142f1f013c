/** What a layer that calibrates by an observer on the host is given: kept while the model runs, looked at afterwards. */
import * as tf from "@tensorflow/tfjs-core";
import type { HostObserver, Observation } from "../observers/observer.ts";
import { slicesAlong } from "../../numbers/channels.ts";
import type { Range } from "../../numbers/qparams.ts";
import type { Granularity } from "../../numbers/scheme.ts";
import { NonFiniteError } from "./quantized_layer.ts";

/** Who watches, and over what. */
export interface Watched {
  readonly observer: HostObserver;
  readonly granularity: Granularity;
}

/**
 * Shows an observer on the host the values of one layer.
 *
 * Reading a tensor makes a recording backend run what it has recorded so far. So tensors are kept, and read when the whole
 * model has run: it runs as one graph.
 */
export class Watch {
  readonly #layer: string;
  readonly #observer: HostObserver;
  readonly #axis: number | undefined;
  #kept: tf.Tensor[] = [];
  /** One, or one for each channel; none before the first values. */
  #observations: readonly Observation[] = [];

  /** @param granularity Whether each channel has a range. */
  constructor(layer: string, { observer, granularity }: Watched) {
    this.#layer = layer;
    this.#observer = observer;
    this.#axis = granularity.kind === "per-channel" ? granularity.axis : undefined;
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

  /** Returns the range of each channel that was found; none where nothing was looked at. What is still kept is not. */
  end(): readonly Range[] {
    tf.dispose(this.#release());
    return this.#observations.map((observation) => observation.range());
  }

  #look(x: tf.Tensor): void {
    const values = x.dataSync<"float32">();
    if (values.length === 0) return;
    const channels = this.#axis === undefined ? [values] : slicesAlong(values, { shape: x.shape, axis: this.#axis });
    if (this.#observations.length === 0) this.#observations = channels.map(() => this.#observer.start());
    if (this.#observations.every((observation, i) => observation.add(channels[i]))) return;
    this.#observations = [];
    const bad = values.findIndex((value) => !Number.isFinite(value));
    throw new NonFiniteError(this.#layer, values[bad], Math.floor(bad / (x.size / (x.shape[0] ?? 1))));
  }

  #release(): tf.Tensor[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }
}
