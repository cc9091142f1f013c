import assert from "node:assert/strict";
import { codedWeights, type LayerRule } from "./layer_rule.ts";

Deno.test("codedWeights() lists weights of products and of tables, and none of other layers", () => {
  const weights = [{ name: "kernel", axis: 3 }];
  const rules: readonly (readonly [LayerRule, readonly object[]])[] = [
    [{ kind: "weighted", weights }, weights],
    [{ kind: "float", because: "it is looked up in", weights }, weights],
    [{ kind: "float", because: "it has none" }, []],
    [{ kind: "rescale" }, []],
    [{ kind: "fixed", interval: "unit" }, []],
  ];
  for (const [rule, expected] of rules) assert.deepEqual(codedWeights(rule), expected, rule.kind);
});
