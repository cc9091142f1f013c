import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { isPure } from "../loss.ts";
import { POINT_LOSSES, type PointLoss, pointLoss } from "./losses.ts";

const SIZE = [50, 200] as const;

/** The losses by their formulas in float64, of one coordinate's pixels. */
const PLAIN: Readonly<Record<PointLoss, (d: number) => number>> = {
  "l2": (d) => d ** 2,
  "smooth-l1": (d) => Math.abs(d) < 1 ? d ** 2 / 2 : Math.abs(d) - 0.5,
  "wing": (d) => Math.abs(d) < 10 ? 10 * Math.log(1 + Math.abs(d) / 2) : Math.abs(d) - 10 + 10 * Math.log(6),
};

function plainLoss(name: PointLoss, targets: readonly number[], outputs: readonly number[]): number {
  const each = outputs.map((y, i) => PLAIN[name]((y - targets[i]) * SIZE[i % 2 === 0 ? 1 : 0]));
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

function run(name: PointLoss, targets: readonly number[], outputs: readonly number[]) {
  const loss = pointLoss(name, { size: SIZE });
  return tf.tidy(() => {
    const t = tf.tensor2d([...targets], [2, 4]);
    const { value, grad } = tf.valueAndGrad((y: tf.Tensor) => loss(t, y))(tf.tensor2d([...outputs], [2, 4]));
    return { value: value.dataSync()[0], gradient: [...grad.dataSync()] };
  });
}

/** Differences on both sides of every bend, from a tenth of a pixel to a hundred. */
const PIXELS = [0.1, -0.9, 1.1, -9.9, 10.1, -99, 3, -0.01];

for (const name of POINT_LOSSES) {
  Deno.test(`pointLoss() "${name}" and its gradient are those of the formula in float64`, () => {
    const targets = Array.from({ length: 8 }, () => 0.5);
    const outputs = PIXELS.map((d, i) => Math.fround(0.5 + d / SIZE[i % 2 === 0 ? 1 : 0]));
    const { value, gradient } = run(name, targets, outputs);
    const expected = plainLoss(name, targets, outputs);
    assert.ok(Math.abs(value - expected) <= 2e-5 * expected, `${value} for ${expected}`);
    gradient.forEach((slope, i) => {
      const step = 1e-7;
      const at = (y: number) => plainLoss(name, targets, outputs.with(i, y));
      const finite = (at(outputs[i] + step) - at(outputs[i] - step)) / (2 * step);
      assert.ok(Math.abs(slope - finite) <= 1e-3 * Math.max(1, Math.abs(finite)), `${i}: ${slope} for ${finite}`);
    });
  });

  Deno.test(`pointLoss() "${name}" is 0 with no slope where all is right, and grows with every difference`, () => {
    const right = Array.from({ length: 8 }, (_, i) => i / 8);
    const { value, gradient } = run(name, right, right);
    assert.deepEqual([value, gradient.map(Math.abs)], [0, Array(8).fill(0)]);
    const random = new Random(1);
    let last = 0;
    for (const size of [0.001, 0.01, 0.1, 1, 10]) {
      const { value } = run(name, right, right.map((y) => y + (random.chance(0.5) ? size : -size)));
      assert.ok(value > last);
      last = value;
    }
  });
}

Deno.test("pointLoss() of wing by hand, at each side of w", () => {
  // w = 4 and ε = 1: 3 px give 4·ln 4; 6 px give 6 − 4 + 4·ln 5.
  const loss = pointLoss("wing", { size: [1, 1], w: 4, epsilon: 1 });
  const value = tf.tidy(() => loss(tf.tensor2d([[0, 0]]), tf.tensor2d([[3, -6]])).dataSync()[0]);
  assert.ok(Math.abs(value - (4 * Math.log(4) + 2 + 4 * Math.log(5)) / 2) < 1e-5);
});

Deno.test("pointLoss() may be recorded, and refuses names and bends that are none", () => {
  assert.ok(isPure(pointLoss("wing", { size: SIZE })));
  assert.throws(() => pointLoss("wings", { size: SIZE }), /did you mean "wing"/);
  for (const bend of [0, -1, NaN, Infinity]) {
    const needed = `is ${bend}, needed is a number of pixels above 0`;
    assert.throws(() => pointLoss("wing", { size: SIZE, w: bend }), {
      message: `Cannot make the wing loss: w ${needed}`,
    });
    assert.throws(() => pointLoss("wing", { size: SIZE, epsilon: bend }), {
      message: `Cannot make the wing loss: epsilon ${needed}`,
    });
  }
  const loss = pointLoss("l2", { size: SIZE });
  assert.throws(() => loss(tf.tensor2d([[1, 2]]), tf.tensor2d([[1, 2, 3, 4]])), /needed are as many numbers/);
});
