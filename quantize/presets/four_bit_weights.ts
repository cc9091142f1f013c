/** Weights of four bits, to see what they would cost. */
import type { Recipe } from "../recipe.ts";

/** Weights int4 within ±7 a channel, activations uint8: simulated, for no target has a file with them. */
export const fourBitWeights: Recipe = {
  name: "four-bit-weights",
  target: "simulation",
  rules: [{ match: { kind: "weighted" }, then: { weights: { dtype: "int4", qmin: -7, qmax: 7 } } }],
};
