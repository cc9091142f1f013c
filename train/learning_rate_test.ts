import assert from "node:assert/strict";
import { assertClose } from "./_test_support.ts";
import { cosineRate, RATE_CURVES, rateFor } from "./learning_rate.ts";

Deno.test("cosineRate() warms up, peaks and falls to its floor", () => {
  const rate = cosineRate(0.8, { epochs: 5, warmUp: 1, floor: 0.25 });
  const at = (epoch: number, step = 0) => rate({ epoch, step, stepsPerEpoch: 4 });
  assertClose([at(0), at(0, 1), at(0, 3), at(1)], [0.2, 0.4, 0.8, 0.8], 1e-12);
  assertClose([at(3), at(5), at(9)], [0.8 * (0.25 + 0.75 / 2), 0.2, 0.2], 1e-12);
});

Deno.test("cosineRate() starts at the peak when there is no warm-up", () => {
  const rate = cosineRate(1, { epochs: 2 });
  assert.equal(rate({ epoch: 0, step: 0, stepsPerEpoch: 3 }), 1);
  assert.throws(() => cosineRate(1, { epochs: 2, warmUp: 2 }), RangeError);
  assert.throws(() => cosineRate(0, { epochs: 2 }), RangeError);
});

Deno.test("cosineRate() gives at each step what PyTorch's LinearLR and then CosineAnnealingLR do", () => {
  const rate = cosineRate(0.4, { epochs: 3, warmUp: 1 });
  const rates = Array.from({ length: 12 }, (_, i) => rate({ epoch: Math.floor(i / 4), step: i % 4, stepsPerEpoch: 4 }));
  // torch 1.13: SequentialLR(LinearLR(start_factor=1/4, total_iters=3), CosineAnnealingLR(T_max=8), milestones=[4]).
  const expected = [0.1, 0.2, 0.3, 0.4, 0.4, 0.38477591, 0.34142136, 0.27653669, 0.2, 0.12346331, 0.05857864];
  assertClose(rates, [...expected, 0.01522409], 1e-7);
});

Deno.test("rateFor() follows each curve from its peak, hand-computed at quarters of the way", () => {
  const at = (name: string) => {
    const rate = rateFor(name, 2, { epochs: 4 });
    return [0, 1, 2, 3].map((epoch) => rate({ epoch, step: 0, stepsPerEpoch: 5 }));
  };
  assertClose(at("cosine"), [2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2], 1e-12);
  assertClose(at("linear"), [2, 1.5, 1, 0.5], 1e-12);
  assertClose(at("step"), [2, 2, 0.2, 0.02], 1e-12);
  assertClose(at("constant"), [2, 2, 2, 2], 0);
});

Deno.test("rateFor() is above 0 at every step, and never above its peak, on each curve", () => {
  for (const name of RATE_CURVES) {
    for (const warmUp of [0, 0.3, 1, 2.5]) {
      const rate = rateFor(name, 0.7, { epochs: 3, warmUp });
      for (let i = 0; i < 21; i++) {
        const value = rate({ epoch: Math.floor(i / 7), step: i % 7, stepsPerEpoch: 7 });
        assert.ok(value > 0 && value <= 0.7, `${name}, ${warmUp}, step ${i}: ${value}`);
      }
    }
  }
});

Deno.test("rateFor() suggests the nearest curve when there is none of a name", () => {
  assert.throws(() => rateFor("cosin", 1, { epochs: 1 }), {
    name: "RangeError",
    message: 'Cannot make a learning rate "cosin": needed is one of cosine, linear, step, constant ' +
      '(did you mean "cosine"?)',
  });
});
