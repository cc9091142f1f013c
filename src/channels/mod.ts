/** TF.js layers that pick and move channels. */
import * as tf from "@tensorflow/tfjs-core";
import { ChannelShuffle } from "./shuffle.ts";
import { ChannelSplit } from "./split.ts";

export { ChannelShuffle, type ChannelShuffleArgs } from "./shuffle.ts";
export { ChannelSplit, type ChannelSplitArgs } from "./split.ts";

/** Registers this room's layers, so that models with them load. Again is harmless. */
export function registerChannelLayers(): void {
  for (const layer of [ChannelShuffle, ChannelSplit]) tf.serialization.registerClass(layer);
}
