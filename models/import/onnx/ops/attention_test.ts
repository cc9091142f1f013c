import assert from "node:assert/strict";
import type { AttentionScores, AttentionWeights } from "../../../../src/sequences/mod.ts";
import { assertSequences, classesOf } from "../batch/_test_sequences.ts";
import type { NetWriter } from "../_test_net.ts";

/** How attention of 3 heads of 2 numbers each, over 5 steps, is written. */
interface Attention {
  /** Where products are scaled, and by what. Default: behind the product, as 1 / √2. */
  readonly scale?: (net: NetWriter, at: "query" | "key" | "scores", x: string) => string;
  /** Masks scores. */
  readonly mask?: (net: NetWriter, scores: string) => string;
}

const scaledBy = (factor: number, op = "Mul"): NonNullable<Attention["scale"]> => (net, at, x) =>
  at === "scores" ? net.add(op, [x, net.real([], [op === "Mul" ? factor : 1 / factor])]) : x;
const OWN = Math.SQRT1_2;

function attend(net: NetWriter, { scale = scaledBy(OWN), mask = (_, x) => x }: Attention): string {
  const heads = (perm: readonly number[]) =>
    net.add("Transpose", [net.add("Reshape", [net.add("MatMul", ["x", net.random([4, 6])]), net.whole(0, 5, 3, 2)])], {
      perm,
    });
  const [q, k, v] = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(heads);
  const product = net.add("MatMul", [scale(net, "query", q), scale(net, "key", k)]);
  const shares = net.add("Softmax", [mask(net, scale(net, "scores", product))], { axis: -1 });
  const context = net.add("Transpose", [net.add("MatMul", [shares, v])], { perm: [0, 2, 1, 3] });
  return net.add("MatMul", [net.add("Reshape", [context, net.whole(0, 5, 6)]), net.random([6, 2])]);
}

/** 1 where steps count, of the net's second input [n, 5] of any numbers. */
const counted = (net: NetWriter) =>
  net.add("Unsqueeze", [net.add("Greater", ["m", net.real([], [0])]), net.whole(1, 2)]);
const asReal = (net: NetWriter, mask: string) => net.add("Cast", [mask], { to: 1 });
const causal = (net: NetWriter, far: number) =>
  net.real([5, 5], Array.from({ length: 25 }, (_, i) => i % 5 > Math.floor(i / 5) ? far : 0));

const PLAIN = "Dense Dense AttentionScores Softmax Dense AttentionContext Dense";
const MASKED = /AttentionScores .*AttentionWeights .*AttentionContext Dense$/;

/** Ways to write attention, and what they become. */
const WAYS:
  readonly (readonly [string, Attention, string | RegExp, { readonly scale?: number; readonly farBelow?: number }?])[] =
    [
      ["scores divided", { scale: scaledBy(OWN, "Div") }, PLAIN],
      [
        "queries scaled",
        { scale: (net, at, x) => at === "query" ? net.add("Mul", [x, net.real([1], [OWN])]) : x },
        PLAIN,
      ],
      [
        "both scaled",
        { scale: (net, at, x) => at === "scores" ? x : net.add("Mul", [net.real([], [2 ** -0.25]), x]) },
        PLAIN,
      ],
      ["no scale", { scale: (_net, _at, x) => x }, PLAIN, { scale: 1 }],
      ["another scale", { scale: scaledBy(0.3) }, PLAIN, { scale: 0.3 }],
      ["a negative scale", { scale: scaledBy(-0.3) }, /^InputLayer(?!.*AttentionScores)/],
      ["steps behind left out", { mask: (net, x) => net.add("Add", [x, causal(net, -Infinity)]) }, MASKED],
      ["a mask that comes first", { mask: (net, x) => net.add("Add", [causal(net, -1e4), x]) }, MASKED],
      [
        "padding by a factor far below 0",
        {
          mask: (net, x) => {
            const blocked = net.add("Sub", [net.real([], [1]), asReal(net, counted(net))]);
            return net.add("Add", [x, net.add("Mul", [blocked, net.real([], [-10000])])]);
          },
        },
        MASKED,
        { farBelow: -10000 },
      ],
      [
        "padding that is filled",
        { mask: (net, x) => net.add("Where", [counted(net), x, net.real([], [-1e9])]) },
        MASKED,
      ],
      [
        "padding that is filled the other way",
        { mask: (net, x) => net.add("Where", [net.add("Not", [counted(net)]), net.real([], [-1e9]), x]) },
        MASKED,
      ],
      [
        "padding that is chosen, then added",
        {
          mask: (net, x) =>
            net.add("Add", [x, net.add("Where", [counted(net), net.real([], [0]), net.real([], [-1e9])])]),
        },
        MASKED,
      ],
      [
        "padding that is chosen of lists, times 1, then added",
        {
          mask: (net, x) => {
            const nothing = net.real([1, 1, 5], [0, 0, 0, 0, 0]);
            const chosen = net.add("Where", [net.add("Not", [counted(net)]), net.real([], [-Infinity]), nothing]);
            const once = (value: string) => net.add("Mul", [value, net.real([], [1])]);
            return net.add("Add", [once(x), once(chosen)]);
          },
        },
        MASKED,
      ],
      [
        "biases",
        { mask: (net, x) => net.add("Add", [x, net.random([3, 5, 5])]) },
        /AttentionScores ConstantValue Add Softmax/,
      ],
    ];

for (const [what, attention, classes, config = {}] of WAYS) {
  Deno.test(`loadOnnx() makes layers of attention with ${what}`, async () => {
    const isMasked = String(attention.mask).includes("counted");
    const model = await assertSequences({
      inputs: { x: ["n", 5, 4], ...(isMasked ? { m: ["n", 5] } : {}) },
      write: (net) => attend(net, attention),
    });
    if (typeof classes === "string") assert.equal(classesOf(model), `InputLayer ${classes}`);
    else assert.match(classesOf(model), classes);
    for (const layer of model.layers) {
      const { scale, farBelow = -1e9 } = layer.getConfig() as { scale?: number; farBelow?: number };
      const name = layer.getClassName();
      if (name === "AttentionScores") {
        assert.equal((layer as AttentionScores).heads, 3);
        assert.ok(Math.abs((scale ?? 0) - (config.scale ?? 0)) < 1e-6);
      }
      if (name === "AttentionWeights") {
        assert.equal((layer as AttentionWeights).farBelow, config.farBelow ?? -1e9);
        assert.equal(farBelow, config.farBelow ?? -1e9);
      }
    }
    model.dispose();
  });
}
