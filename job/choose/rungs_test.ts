import assert from "node:assert/strict";
import { type Climbed, ladder, type Rung } from "./rungs.ts";

/** All rungs, where `scoreOf` says how good each is. */
function climb(scoreOf: (rung: Rung) => Climbed): readonly Rung[] {
  const rungs: Rung[] = [];
  const steps = ladder();
  let next = steps.next();
  while (!next.done) {
    rungs.push(next.value);
    next = steps.next(scoreOf(next.value));
  }
  return rungs;
}

Deno.test("ladder() goes from the cheapest to training, on top of the best observer and the corrections that helped", () => {
  const good: Readonly<Record<string, number>> = {
    "static-min-max": 0.7,
    "static-percentile": 0.9,
    "static-percentile+smooth": 0.91,
    "static-percentile+smooth+correct-bias": 0.92,
  };
  const rungs = climb(({ name }) => good[name] ?? 0.5);
  assert.deepEqual(rungs.map(({ name }) => name), [
    "weights",
    "dynamic",
    "static-min-max",
    "static-moving-average",
    "static-percentile",
    "static-histogram",
    "static-mse",
    "static-percentile+equalize",
    "static-percentile+absorb-bias",
    "static-percentile+smooth",
    "static-percentile+smooth+reestimate-bn",
    "static-percentile+smooth+correct-bias",
    "static-percentile+smooth+correct-bias+adaround",
    "static-percentile+smooth+correct-bias+keep-float",
    "qat-1",
    "qat-4",
    "qat-8",
  ]);
  assert.deepEqual(rungs.at(-1), {
    kind: "qat",
    name: "qat-8",
    what: "8 epochs of training from static-percentile+smooth+correct-bias",
    from: "static-percentile+smooth+correct-bias",
    options: { epochs: 8, lr: 5e-5, freezeObserversAfter: 4, freezeBnAfter: 0 },
  });
  const keep = rungs.at(-4);
  assert.deepEqual(keep?.options, {
    method: "static",
    observer: "percentile",
    equalize: false,
    absorbBias: false,
    smooth: true,
    reestimateBn: false,
    correctBias: true,
    adaround: false,
  });
});

Deno.test("ladder() keeps the first of equals, and goes on behind rungs that could not be tried", () => {
  const equal = climb(() => 0.5);
  assert.equal(equal.filter(({ name }) => name.startsWith("static-min-max+")).length, 7);
  const rungs = climb(({ name }) => name === "static-mse" ? 0.1 : undefined);
  assert.deepEqual(rungs.slice(-3).map((rung) => "from" in rung && rung.from), [
    "static-mse",
    "static-mse",
    "static-mse",
  ]);
});

Deno.test("ladder() ends where nothing can be calibrated", () => {
  assert.equal(climb(() => undefined).length, 7);
});
