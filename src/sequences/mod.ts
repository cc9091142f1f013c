/** TF.js layers for sequences of tokens. */
import { registerOwn } from "../custom.ts";
import { Attention, AttentionContext, AttentionScores, AttentionWeights } from "./attention.ts";
import { PaddingMask, PositionEmbedding, TokenAt } from "./tokens.ts";

export {
  Attention,
  type AttentionArgs,
  AttentionContext,
  AttentionScores,
  type AttentionScoresArgs,
  AttentionWeights,
  type AttentionWeightsArgs,
} from "./attention.ts";
export {
  PaddingMask,
  type PaddingMaskArgs,
  PositionEmbedding,
  type PositionEmbeddingArgs,
  TokenAt,
  type TokenAtArgs,
} from "./tokens.ts";

/** Registers this room's layers, so that models with them load. Again is harmless. */
export function registerSequenceLayers(): void {
  registerOwn(
    Attention,
    AttentionContext,
    AttentionScores,
    AttentionWeights,
    PaddingMask,
    PositionEmbedding,
    TokenAt,
  );
}
