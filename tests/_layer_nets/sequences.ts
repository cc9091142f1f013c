/** Layers of sequences: attention whole and in steps, positions, padding, one position. */
import * as tfl from "@tensorflow/tfjs-layers";
import {
  Attention,
  AttentionContext,
  AttentionScores,
  AttentionWeights,
  PaddingMask,
  PositionEmbedding,
  TokenAt,
} from "../../src/sequences/mod.ts";
import { apply, seedWeights } from "../_support/small_models.ts";
import { between, dense, float, type Layer, layers, net, relu, type Symbolic, wired } from "./net.ts";

const TIME = 6;
const WIDTH = 8;
const AROUND = { shape: [TIME, WIDTH], before: () => layers.dense({ units: WIDTH, name: "before" }) };

/** Queries, keys and values: a dense layer of the sequence each. */
function projected(x: Symbolic): readonly Symbolic[] {
  return ["q", "k", "v"].map((name) => apply(layers.dense({ units: WIDTH, name }), x));
}

function attention(heads: number): Layer {
  return new Attention({ heads, name: "x" });
}

/** A model of a sequence and of numbers of which those below 0 are padding, for `wire` to make something of. */
function padded(wire: (x: Symbolic, mask: Symbolic) => Symbolic) {
  return (): tfl.LayersModel => {
    const x = tfl.input({ shape: [TIME, WIDTH], name: "sequence" });
    const numbers = tfl.input({ shape: [TIME], name: "numbers" });
    const mask = apply(new PaddingMask({ name: "mask" }), apply(relu("cut"), numbers));
    return seedWeights(tfl.model({ inputs: [x, numbers], outputs: wire(x, mask) }));
  };
}

const PRODUCTS = { x_scores: "QLinearMatMul", x: "QLinearMatMul" };

/** Sequences. */
export const SEQUENCES = [
  ...[1, 2, 4].map((heads) =>
    net(
      `Attention of ${heads} heads`,
      wired((x) => apply(dense("after"), apply(attention(heads), ...projected(x))), AROUND.shape),
      { int8: { ...PRODUCTS, x_weights: "QLinearSoftmax" } },
    )
  ),
  net(
    "Attention of a sequence to itself",
    wired((x) => {
      const before = apply(layers.dense({ units: WIDTH, name: "before" }), x);
      return apply(dense("after"), apply(attention(2), before, before, before));
    }, AROUND.shape),
    { int8: PRODUCTS },
  ),
  net(
    "Attention with padding",
    padded((x, mask) => apply(dense("after"), apply(attention(2), ...projected(x), mask))),
    { float: { x_weights: /padding/, mask: /indices/, cut: /numbers/ }, int8: PRODUCTS },
  ),
  net(
    "Attention in steps",
    padded((x, mask) => {
      const [q, k, v] = projected(x);
      const scores = apply(new AttentionScores({ heads: 2, name: "x_scores" }), q, k);
      const weights = apply(new AttentionWeights({ name: "x_weights" }), scores, mask);
      return apply(dense("after"), apply(new AttentionContext({ heads: 2, name: "x" }), weights, v));
    }),
    { float: { x_weights: /padding/, mask: /indices/, cut: /numbers/ }, int8: PRODUCTS },
  ),
  net("PositionEmbedding", between(() => [new PositionEmbedding({ name: "x" })], AROUND), float(/embedding/)),
  net("TokenAt", between(() => [new TokenAt({ name: "x", position: 2 })], AROUND)),
  net("LayerNormalization of a sequence", between(() => [layers.layerNormalization({ name: "x" })], AROUND), {
    ...float(/LayerNormalization/),
  }),
  net(
    "LayerNormalization without scale and center",
    between(() => [layers.layerNormalization({ name: "x", scale: false, center: false })], AROUND),
    float(/LayerNormalization/),
  ),
];
