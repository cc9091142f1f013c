import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../src/numbers/random.ts";
import { classification } from "../classification/classification.ts";
import { multiLabel } from "../multi_label/multi_label.ts";
import { regression } from "../regression/regression.ts";
import { measureAll } from "../task.ts";
import { changeOfDraws, drawSamples, intervalOfDraws } from "./bootstrap.ts";
import { compareModels, type MeasuredAnswers } from "./mod.ts";

function near(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** A normal variable, by twelve uniform ones. */
function normal(random: Random): number {
  return Array.from({ length: 12 }, () => random.unit()).reduce((sum, u) => sum + u, -6);
}

/** A model of one number a sample. */
function guessing(values: readonly number[], targets: readonly number[]): MeasuredAnswers {
  const task = regression().bind([{ name: "y", shape: [1] }], "line");
  const judged = {
    answers: { y: { values: Float32Array.from(values), shape: [values.length, 1] } },
    targets: { y: Float32Array.from(targets) },
  };
  return { task, ...judged, metrics: measureAll(task, judged) };
}

Deno.test("compareModels() finds the spread of a mean error that theory has", () => {
  const random = new Random(3);
  const count = 400;
  const noise = Array.from({ length: count }, () => normal(random));
  const worse = noise.map((error) => error * 1.5);
  const zeros = noise.map(() => 0);
  const [[mae], [other]] = compareModels([guessing(noise, zeros), guessing(worse, zeros)]);
  // The mean of |errors| ± 1.96 standard errors of it.
  const of = (values: readonly number[]) => {
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
    return { mean, half: 1.96 * Math.sqrt(variance / count) };
  };
  const { mean, half } = of(noise.map(Math.abs));
  near(mae.interval?.low, mean - half, 0.15 * half);
  near(mae.interval?.high, mean + half, 0.15 * half);
  assert.deepEqual([mae.change, mae.interval?.confidence], [undefined, 0.95]);
  const difference = of(noise.map((x) => Math.abs(x) / 2));
  near(other.change?.low, difference.mean - difference.half, 0.15 * difference.half);
  near(other.change?.high, difference.mean + difference.half, 0.15 * difference.half);
  // None of 2000 draws is 0 or less: 3.2907 standard deviations by 1 of 2001, 3.2866 of Student's with 399 degrees.
  near(other.change!.p, 0.0011, 1e-5);
  assert.equal(other.change!.test, "bootstrap");
});

Deno.test("compareModels() measures a metric on each draw as a whole, where it is no mean", () => {
  // R² of a model that is right on all but one sample: its mean over samples' own scores would be something else.
  const targets = Array.from({ length: 40 }, (_, i) => i % 7);
  const answers = targets.map((t, i) => i === 0 ? t + 9 : t + 0.1 * (i % 3));
  const model = guessing(answers, targets);
  const [uncertainties] = compareModels([model], { seed: 8 });
  const rSquared = model.metrics.findIndex(({ name }) => name === "R²");
  const values = [...drawSamples(40, { draws: 2000, seed: 8 })].map((rows) =>
    guessing([...rows].map((row) => answers[row]), [...rows].map((row) => targets[row])).metrics[rSquared].value
  );
  assert.deepEqual(uncertainties[rSquared].interval, intervalOfDraws(Float64Array.from(values), 40));
});

Deno.test("compareModels() sees all models on the same draws, so that what they have in common cancels", () => {
  const random = new Random(1);
  const errors = Array.from({ length: 60 }, () => normal(random));
  const zeros = errors.map(() => 0);
  // Off by 0.01 more in each sample: nothing beside the errors' own spread, and certain all the same.
  const more = errors.map((error) => error + Math.sign(error) * 0.01);
  const [, [{ interval, change }]] = compareModels([guessing(errors, zeros), guessing(more, zeros)]);
  assert.ok(interval!.high - interval!.low > 0.2);
  near(change!.low, 0.01, 1e-4);
  near(change!.high, 0.01, 1e-4);
});

Deno.test("compareModels() gives the same for the same seed, and compares with the reference", () => {
  const zeros = Array<number>(30).fill(0);
  const models = [1, 2, 3].map((seed) => guessing(zeros.map((_, i) => normal(new Random(seed, [i]))), zeros));
  assert.deepEqual(compareModels(models, { seed: 4 }), compareModels(models, { seed: 4 }));
  assert.notDeepEqual(compareModels(models, { seed: 4 }), compareModels(models, { seed: 5 }));
  const changes = compareModels(models, { reference: 1 }).map(([{ change }]) => change);
  assert.deepEqual(changes.map((change) => change === undefined), [false, true, false]);
  const back = compareModels(models, { reference: 0 })[1][0].change!;
  near(changes[0]!.low, -back.high, 1e-12);
  near(changes[0]!.high, -back.low, 1e-12);
});

Deno.test("compareModels() takes classes by right and wrong, labels by draws", () => {
  const task = classification().bind([{ name: "c", shape: [3] }], "net");
  const answering = (right: number): MeasuredAnswers => {
    const values = Float32Array.from({ length: 90 }, (_, i) => Number(i % 3 === (Math.floor(i / 3) < right ? 1 : 2)));
    const judged = { answers: { c: { values, shape: [30, 3] } }, targets: { c: new Int32Array(30).fill(1) } };
    return { task, ...judged, metrics: measureAll(task, judged) };
  };
  const [[before], [after]] = compareModels([answering(30), answering(20)]);
  near(before.interval?.low, 30 / (30 + 1.959964 ** 2), 1e-6); // Wilson's, of all right
  assert.deepEqual([after.change?.test, after.change?.p], ["mcnemar", 2 ** -9]);
  const labels = multiLabel({ labels: ["a", "b"] }).bind([{ name: "l", shape: [2] }], "net");
  const said = (wrong: number): MeasuredAnswers => {
    const targets = Float32Array.from({ length: 60 }, (_, i) => i % 3 === 0 ? 1 : 0);
    const values = targets.map((t, i) => i < wrong ? 1 - t : t);
    const judged = { answers: { l: { values, shape: [30, 2] } }, targets: { l: targets } };
    return { task: labels, ...judged, metrics: measureAll(labels, judged) };
  };
  const [[f1]] = compareModels([said(9), said(0)]);
  assert.ok(f1.interval!.low < f1.interval!.high && f1.change === undefined);
});

Deno.test("compareModels() says nothing where draws say nothing", () => {
  const right = guessing([1, 2, 3], [1, 2, 3]);
  // No error on any draw: nobody knows how large one may be.
  const said = (models: Parameters<typeof compareModels>[0]) =>
    compareModels(models).map((metrics) => metrics.map(({ draws: _, ...rest }) => rest));
  assert.deepEqual(said([right, right])[1][0], {});
  assert.deepEqual(said([guessing([1], [2])])[0], [{}, {}, {}]);
  assert.throws(() => compareModels([right, guessing([1, 2], [1, 2])]), {
    name: "TypeError",
    message: 'Cannot compare "MAE" of two models: one has 3 scores, the other 2, they must be of the same samples',
  });
});

Deno.test("drawSamples() draws each sample as often as any other, with replacement", () => {
  const counts = new Float64Array(10);
  let repeats = 0;
  for (const rows of drawSamples(10, { draws: 2000, seed: 0 })) {
    for (const row of rows) counts[row]++;
    if (new Set(rows).size < 10) repeats++;
  }
  for (const count of counts) near(count / 2000, 1, 0.1);
  assert.ok(repeats > 1990);
});

Deno.test("intervalOfDraws() goes from draw to draw, farther out for few samples", () => {
  const draws = Float64Array.from({ length: 9999 }, (_, i) => i + 1);
  // By tables 2.5 % are beyond t of Student's distribution, as many of 10,000 beyond t √(n / (n - 1)) of the normal one:
  const expected = [
    [10, 85], // t = 2.262 of 9 degrees, z = 2.3845, 85.5
    [9, 72], // t = 2.306 of 8 degrees, z = 2.4459, 72.2
    [401, 245], // t = 1.966 of 400 degrees, z = 1.9684, 245.1
    [3, 1], // t = 4.303 of 2 degrees, z = 5.27, 0.0007: all draws
  ];
  for (const [samples, low] of expected) {
    const interval = intervalOfDraws(draws, samples)!;
    assert.deepEqual([interval.low, interval.high], [low, 10_000 - low], `${samples}`);
  }
});

Deno.test("changeOfDraws() has a p of 0.05 and more exactly where its interval touches or holds 0, with many ties", () => {
  const cases = fc.record({
    differences: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -2, max: 2 }), fc.integer({ min: 1, max: 9 })), {
      minLength: 200,
      maxLength: 400,
    }),
    // Most of them up, so that 0 lies about the end of the interval.
    up: fc.integer({ min: 48, max: 61 }),
    samples: fc.oneof(fc.integer({ min: 8, max: 30 }), fc.constantFrom(100, 1001)),
  });
  let [sure, unsure] = [0, 0];
  fc.assert(
    fc.property(cases, ({ differences, up, samples }) => {
      // So many of 61 draws are 1 at least.
      const after = Float64Array.from(differences, (d, i) => i % 61 < up ? Math.max(1, d) : d);
      if (new Set(after).size === 1) return;
      const zeros = new Float64Array(after.length);
      const { p, low, high } = changeOfDraws(zeros, after, samples)!;
      assert.equal(p >= 0.05, low <= 0 && high >= 0, `${p} ${low} ${high}`);
      const back = changeOfDraws(after, zeros, samples)!;
      assert.ok(back.p === p && back.low === -high + 0 && back.high === -low + 0);
      if (p < 0.05) sure++;
      else unsure++;
    }),
    { seed: 1, numRuns: 400 },
  );
  assert.ok(sure > 40 && unsure > 40, `${sure} ${unsure}`);
});

Deno.test("changeOfDraws() counts draws of 0 in full on both sides, and says nothing of too few samples", () => {
  const differing = (zeros: number, ones: number) =>
    Float64Array.from({ length: zeros + ones }, (_, i) => Number(i >= zeros));
  const none = new Float64Array(2000);
  // Of 8 samples 0.57 % of the draws are left out: 2.365 of 7 degrees, z = 2.5283, 11.46 of 2001.
  const change = (zeros: number, samples = 8) => changeOfDraws(none, differing(zeros, 2000 - zeros), samples);
  assert.ok(change(10)!.p < 0.05 && change(10)!.low === 1);
  assert.ok(change(11)!.p >= 0.05 && change(11)!.low === 0);
  // Half and more.
  assert.deepEqual([change(1000)!.p, change(1999)!.p, change(1999)!.low, change(1999)!.high], [1, 1, 0, 0]);
  // Of many samples p is twice the share: 2 · 41 / 2001.
  near(change(40, 100_001)!.p, 82 / 2001, 1e-5);
  assert.deepEqual([2, 3, 4, 5].map((samples) => change(1, samples) === undefined), [true, true, true, false]);
});

Deno.test("intervalOfDraws() and changeOfDraws() hold the truth about 95 times in 100, of few samples too", () => {
  const runs = 400;
  for (const count of [8, 40]) {
    const random = new Random(count);
    let [held, alarms] = [0, 0];
    for (let run = 0; run < runs; run++) {
      const samples = Array.from({ length: count }, () => normal(random));
      const draws = [...drawSamples(count, { draws: 400, seed: run })];
      const means = Float64Array.from(draws, (rows) => rows.reduce((sum, row) => sum + samples[row], 0) / count);
      const { low, high } = intervalOfDraws(means, count)!;
      if (low <= 0 && 0 <= high) held++;
      const { p, low: from, high: to } = changeOfDraws(new Float64Array(400), means, count)!;
      if (p < 0.05 && (from > 0 || to < 0)) alarms++;
    }
    // 400 runs: a share of 0.95 has a standard deviation of 1.1 points. Plain percentiles hold 89 % of 8 samples.
    assert.ok(held / runs > 0.92 && held / runs < 0.985, `${count}: ${held / runs}`);
    assert.ok(alarms / runs < 0.08, `${count}: ${alarms / runs}`);
  }
});
