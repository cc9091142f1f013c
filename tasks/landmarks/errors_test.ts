import assert from "node:assert/strict";
import fc from "fast-check";
import type { Judged } from "../task.ts";
import {
  BOX_SCALE,
  errorCurveArea,
  type ErrorScale,
  failureRate,
  normalizedMeanError,
  pointErrors,
  sampleErrors,
} from "./errors.ts";

function judged(answers: readonly number[], targets: readonly number[], points: number): Judged {
  return {
    answer: { values: Float32Array.from(answers), shape: [answers.length / (2 * points), 2 * points] },
    targets: Float32Array.from(targets),
  };
}

function close(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} for ${expected}`);
}

// Pictures of 200×100 pixels. Eyes at (50, 50) and (150, 50), 100 px apart, and a nose at (100, 80).
const LAYOUT = { count: 3, size: [100, 200] } as const;
const EYES: ErrorScale = { name: "eyes", groups: [[0], [1]] };
const TRUE = [0.25, 0.5, 0.75, 0.5, 0.5, 0.8];
// Off by (3, 4), (0, 0) and (16, 0) pixels; then by 9 pixels each.
const TWO = judged(
  [0.265, 0.54, 0.75, 0.5, 0.58, 0.8, 0.295, 0.5, 0.75, 0.59, 0.5, 0.71],
  [...TRUE, ...TRUE],
  3,
);

Deno.test("pointErrors() are distances in pixels over that of the eyes", () => {
  const errors = pointErrors(TWO, { layout: LAYOUT, scale: EYES });
  [0.05, 0, 0.16, 0.09, 0.09, 0.09].forEach((expected, i) => close(errors[i], expected));
  [...sampleErrors(TWO, { layout: LAYOUT, scale: EYES })].forEach((error, i) => close(error, [0.07, 0.09][i]));
});

Deno.test("NME, failures and AUC are what they are by hand", () => {
  close(normalizedMeanError(LAYOUT, EYES).measure(TWO), 0.08);
  close(failureRate(LAYOUT, EYES).measure(TWO), 0.5);
  close(errorCurveArea(LAYOUT, EYES).measure(TWO), (1 - 0.07 / 0.08) / 2);
});

Deno.test("pointErrors() measure between the means of groups, else by the points' box", () => {
  // Groups at (0, 0) and (0, 4) with mean (0, 2), and (3, 6): 5 pixels apart. The box is 3 by 6.
  const one = judged([0, 0, 0, 5, 3, 6], [0, 0, 0, 4, 3, 6], 3);
  const layout = { count: 3, size: [1, 1] } as const;
  close(pointErrors(one, { layout, scale: { name: "two", groups: [[0, 1], [2]] } })[1], 1 / 5);
  close(pointErrors(one, { layout, scale: BOX_SCALE })[1], 1 / Math.sqrt(18));
});

Deno.test("pointErrors() of a face without a size are 0 where right and infinite elsewhere", () => {
  const flat = judged([1, 1, 1, 2], [1, 1, 1, 1], 2);
  const scale = { name: "eyes", groups: [[0], [1]] } as const;
  assert.deepEqual([...pointErrors(flat, { layout: { count: 2, size: [1, 1] }, scale })], [0, Infinity]);
});

Deno.test("chance is what answering the mean shape comes to", () => {
  // One point moves by ±0.1 about its mean, two do not: the mean shape is off by 0.1 of 0.5 in one of three.
  const targets = Float32Array.of(...TRUE.with(4, 0.4), ...TRUE.with(4, 0.6));
  const layout = { count: 3, size: [1, 1] } as const;
  close(normalizedMeanError(layout, EYES).chance?.(targets, 6) ?? NaN, 0.1 / 0.5 / 3);
});

Deno.test("AUC is the area under the curve of cumulative errors, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.3, noNaN: true }), { minLength: 1, maxLength: 20 }), (errors) => {
      // One point, off to the right of (0, 0) by so much of a box that two others make.
      const scale = { name: "unit", groups: [[1], [2]] } as const;
      const one = judged(errors.flatMap((e) => [e * 3, 0, 0, 0, 1, 0]), errors.flatMap(() => [0, 0, 0, 0, 1, 0]), 3);
      const layout = { count: 3, size: [1, 1] } as const;
      const sorted = [...sampleErrors(one, { layout, scale })].sort((a, b) => a - b);
      // Steps of the curve from 0 to 8 %, as a sum of rectangles.
      const stops = [0, ...sorted.filter((e) => e < 0.08), 0.08];
      const area = stops.slice(1).reduce((sum, stop, i) => sum + (stop - stops[i]) * i / sorted.length, 0);
      close(errorCurveArea(layout, scale).measure(one), area / 0.08, 1e-9);
    }),
    { seed: 1, numRuns: 100 },
  );
});
