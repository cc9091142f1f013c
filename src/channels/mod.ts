/** TF.js layers that pick and move channels. */
import { registerOwn } from "../custom.ts";
import { ChannelShuffle } from "./shuffle.ts";
import { ChannelSplit } from "./split.ts";

export { ChannelShuffle, type ChannelShuffleArgs } from "./shuffle.ts";
export { ChannelSplit, type ChannelSplitArgs } from "./split.ts";

/** Registers this room's layers, so that models with them load. Again is harmless. */
export function registerChannelLayers(): void {
  registerOwn(ChannelShuffle, ChannelSplit);
}
