/** Nets whose channels are of very different sizes, and which compute what they computed before. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { findChannels } from "../../quantize/methods/_channels.ts";
import { shapesOf } from "../../quantize/methods/_open_clips.ts";
import { scaleChannels } from "../../quantize/methods/_scale_channels.ts";
import { fromModel, rebuild } from "../../src/rewrite/mod.ts";
import { randomArray } from "./small_models.ts";

/** How channels are scaled. */
export interface RescaleOptions {
  readonly seed: number;
  /** Factors are 2^u, u uniform in ±octaves. Default: 4. */
  readonly octaves?: number;
}

/**
 * Multiplies every channel between layers by a random factor and divides it again where it is read, wherever that leaves
 * the function as it is: not through ReLU6, which `open-relu6` replaces.
 *
 * @returns A model of its own, and how many channels were scaled.
 */
export function rescaleChannels(
  model: LayersModel,
  { seed, octaves = 4 }: RescaleOptions,
): { readonly model: LayersModel; readonly channels: number } {
  const graph = fromModel(model);
  const channels = findChannels(graph, shapesOf(model));
  const scales = Float64Array.from(randomArray(channels.sets, seed), (u) => 2 ** (octaves * u));
  return { model: rebuild(model, scaleChannels(graph, channels, scales)), channels: channels.sets };
}
