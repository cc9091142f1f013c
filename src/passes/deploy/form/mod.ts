/** What may become of a float graph's numbers in its file, and the passes that do it. */
import { INT8_SYMMETRIC_PER_CHANNEL, type QuantScheme } from "../../../numbers/scheme.ts";
import type { Pass } from "../../pass.ts";
import { type BlockForm, blockWeights } from "./block_weights.ts";
import { dynamicLstm } from "./dynamic_lstm.ts";
import { dynamicProducts } from "./dynamic_products.ts";
import { halfPrecision, type Ports } from "./half_precision.ts";
import { halfWeights } from "./half_weights.ts";
import { integerTables } from "./integer_tables.ts";
import { integerWeights } from "./integer_weights.ts";
import { plainProducts } from "./plain_products.ts";

export type { Ports } from "./half_precision.ts";

/** A form of a float graph that needs no training and no samples. */
export type FloatForm =
  /** Products and LSTMs on integers, the ranges of what they read found as the file runs; weights of `weights`. */
  | { readonly kind: "dynamic"; readonly weights?: QuantScheme }
  /** Weights as integers, computing in float; products in blocks, if `blocks` says which. */
  | { readonly kind: "weights"; readonly blocks?: BlockForm }
  /** Half precision: of everything but what needs float32's range, with ports of that type, or of the weights alone. */
  | { readonly kind: "float16"; readonly of: "graph"; readonly ports: Ports }
  | { readonly kind: "float16"; readonly of: "weights" };

/** Returns the passes that give a deployed float graph this form. */
export function formPasses(form: FloatForm): readonly Pass[] {
  switch (form.kind) {
    case "dynamic": {
      const { weights = INT8_SYMMETRIC_PER_CHANNEL } = form;
      return [plainProducts, integerTables(weights), dynamicLstm(weights), dynamicProducts(weights)];
    }
    case "weights":
      return [
        plainProducts,
        ...form.blocks === undefined ? [] : [blockWeights(form.blocks)],
        integerTables(INT8_SYMMETRIC_PER_CHANNEL),
        integerWeights(INT8_SYMMETRIC_PER_CHANNEL),
      ];
    case "float16":
      return [form.of === "graph" ? halfPrecision(form.ports) : halfWeights];
  }
}
