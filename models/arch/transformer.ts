/** A transformer encoder, and the sizes that it comes in. */
import * as tfl from "@tensorflow/tfjs-layers";
import { Attention, PaddingMask, PositionEmbedding, TokenAt } from "../../src/sequences/mod.ts";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { beginSequence } from "./_sequences.ts";

const { layers } = tfl;

/** How large a transformer is. */
export interface TransformerSize {
  /** Blocks of attention and feed-forward layers. */
  readonly layers: number;
  /** Numbers at each position. */
  readonly width: number;
  /** Heads of attention, of which the width is a multiple. */
  readonly heads: number;
  /** Units within the feed-forward layers. */
  readonly hidden: number;
  /** Their activation: ReLU costs nothing in int8, GELU runs in float. */
  readonly activation: "relu" | "gelu";
}

/** Learns short sequences in minutes. */
export const SMALL_TRANSFORMER: TransformerSize = { layers: 2, width: 64, heads: 4, hidden: 128, activation: "relu" };

/** Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), section 3: BERT-base. */
export const BERT_BASE: TransformerSize = { layers: 12, width: 768, heads: 12, hidden: 3072, activation: "gelu" };

/** Source: Vaswani et al., "Attention Is All You Need" (2017), table 3: the encoder of the base model. */
const ENCODER_BASE: TransformerSize = { layers: 6, width: 512, heads: 8, hidden: 2048, activation: "relu" };

/** What a transformer is told. */
export interface TransformerOptions extends ArchOptions {
  /** Default: `SMALL_TRANSFORMER`. */
  readonly size?: TransformerSize;
}

/**
 * Makes `transformer`: tokens (or rows of pixels) with their positions, blocks of attention and feed-forward layers, each
 * normalized before and added to what it read, a last normalization, and a dense layer for each position or for the first.
 *
 * Shapes: tokens [n, t] or pictures [n, h, w, c] → [n, outputs], or [n, t, outputs] of each position.
 * Source: Vaswani et al., "Attention Is All You Need" (2017); normalization comes first as in Xiong et al., "On Layer
 * Normalization in the Transformer Architecture" (2020).
 */
export function transformer(options: TransformerOptions): tfl.LayersModel {
  return buildTransformer("transformer", options);
}

/**
 * Makes `transformer_encoder`: the same of the size of the paper's encoder, six blocks of width 512 with 8 heads and 2048 units.
 *
 * Shapes: as `transformer`. Its blocks have the weights of PyTorch's `nn.TransformerEncoder` of as many
 * `nn.TransformerEncoderLayer(512, 8, 2048, norm_first=True)` with a last `nn.LayerNorm`. Without dropout, with positions
 * that are learned.
 */
export function transformerEncoder(options: ArchOptions): tfl.LayersModel {
  return buildTransformer("transformer_encoder", { ...options, size: ENCODER_BASE });
}

function buildTransformer(name: string, options: TransformerOptions): tfl.LayersModel {
  const { tokens, seed, size = SMALL_TRANSFORMER, perPosition = false, ...rest } = options;
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const { input, sequence } = beginSequence(options, { width: size.width, blocks });
  const embedded = tokens === undefined
    ? applyTo(blocks.projection({ name: "embedding", units: size.width }), sequence)
    : sequence;
  const mask = tokens?.padding === undefined
    ? []
    : [applyTo(new PaddingMask({ name: "mask", padding: tokens.padding }), input)];
  const initializer = blocks.normal("positions", POSITION_DEVIATION);
  let x = applyTo(new PositionEmbedding({ name: "positions", initializer }), embedded);
  for (let i = 1; i <= size.layers; i++) {
    x = attend(x, { name: `layer${i}_attention`, blocks, size, mask });
    x = feedForward(x, { name: `layer${i}_feed`, blocks, size });
  }
  const last = [
    blocks.layerNorm("norm"),
    ...(perPosition ? [] : [new TokenAt({ name: "first" })]),
    ...blocks.head(rest),
  ];
  return tfl.model({ inputs: input, outputs: applyAll(x, last), name });
}

/** Deviation of the vectors that positions start from: as large as those of tokens. */
const POSITION_DEVIATION = 0.05;

interface Part {
  readonly name: string;
  readonly blocks: Blocks;
  readonly size: TransformerSize;
}

/** Adds to each position what it finds at the others. */
function attend(
  x: tfl.SymbolicTensor,
  { name, blocks, size, mask }: Part & { readonly mask: readonly tfl.SymbolicTensor[] },
): tfl.SymbolicTensor {
  const { width, heads } = size;
  const normed = applyTo(blocks.layerNorm(`${name}_norm`), x);
  const projected = (part: string, from: tfl.SymbolicTensor) =>
    applyTo(blocks.projection({ name: `${name}_${part}`, units: width }), from);
  const parts = ["query", "key", "value"].map((part) => projected(part, normed));
  const found = applyTo(new Attention({ name, heads }), [...parts, ...mask]);
  return applyTo(layers.add({ name: `${name}_add` }), [x, projected("out", found)]);
}

/** Adds to each position what two dense layers make of it. */
function feedForward(x: tfl.SymbolicTensor, { name, blocks, size }: Part): tfl.SymbolicTensor {
  const { width, hidden, activation } = size;
  const y = applyAll(x, [
    blocks.layerNorm(`${name}_norm`),
    blocks.projection({ name: `${name}_in`, units: hidden }),
    layers.activation({ name: `${name}_${activation}`, activation }),
    blocks.projection({ name: `${name}_out`, units: width }),
  ]);
  return applyTo(layers.add({ name: `${name}_add` }), [x, y]);
}
