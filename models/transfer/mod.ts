/** Nets that have learned something, for what else is to be learned: their weights, another head, layers that stay. */
export { type CopiedWeights, type CopyOptions, copyWeights } from "./copy_weights.ts";
export { FREEZE_NONE, freezeUntil, type FrozenModel } from "./freeze.ts";
export { type HeadChange, replaceHead } from "./replace_head.ts";
export { loadWeights, type LoadWeightsOptions } from "./load_weights.ts";
export { settleNorms } from "./settle_norms.ts";
