/** Activations that are swapped gradually while a model trains. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { layersIn } from "../src/quant/mod.ts";
import { FadingReLU } from "../src/rewrite/mod.ts";
import type { StepPosition } from "./schedule.ts";

/** The FadingReLU layers of a model, and which slope they have when. */
export class Fading {
  readonly #layers: readonly FadingReLU[];
  readonly #share: ((at: StepPosition) => number) | undefined;

  /** @param share Of the slope at a step; without it slopes stay what they are. */
  constructor(model: tfl.LayersModel, share: ((at: StepPosition) => number) | undefined) {
    this.#layers = layersIn(model).filter((layer) => layer instanceof FadingReLU);
    this.#share = share;
  }

  /** Gives all layers the slope that they have at a step. Returns the share of it; 0 if there is nothing to fade. */
  enter(at: StepPosition): number {
    if (this.#share === undefined || this.#layers.length === 0) return 0;
    const share = this.#share(at);
    for (const layer of this.#layers) layer.fadeTo(share);
    return share;
  }
}
