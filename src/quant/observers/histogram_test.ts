import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { readGolden, seeded, useCpu } from "../_test_support.ts";
import { computeQParams, type Range } from "../../numbers/qparams.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { PER_TENSOR, type QuantScheme, stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { calibrate } from "../../../quantize/calibrate.ts";
import { prepareQat } from "../../../quantize/prepare.ts";
import { FakeQuantize } from "../layers/fake_quantize_layer.ts";
import { BINS, Histogram, lossOf } from "./histogram.ts";

interface Golden {
  readonly batches: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly expected: readonly {
    readonly observer: string;
    readonly data: string;
    readonly scale: number;
    readonly zeroPoint: number;
    readonly min: number;
    readonly max: number;
  }[];
}

function observe(
  batches: readonly (readonly number[])[],
  scheme: QuantScheme = UINT8_AFFINE,
): { state: Histogram; range: Range } {
  const state = new Histogram(scheme);
  for (const batch of batches) state.add(Float32Array.from(batch));
  return { state, range: state.range() };
}

const total = ({ counts }: Histogram) => counts.reduce((sum, n) => sum + n, 0);

const golden = await readGolden<Golden>("observers.json");
const rows = golden.expected.filter(({ observer }) => observer.startsWith("histogram"));

Deno.test("the golden file has rows of the histogram observer", () => assert.equal(rows.length, 2));

for (const { data, scale, zeroPoint, min, max } of rows) {
  Deno.test(`histogramObserver() gives PyTorch's ends and grid when it sees ${data} data`, () => {
    const { state, range } = observe(golden.batches[data]);
    assert.deepEqual([state.min, state.max, total(state)], [min, max, 1280]);
    assert.deepEqual(computeQParams(range, UINT8_AFFINE), { scale, zeroPoint });
  });

  Deno.test(`calibrate() by histogram gives a layer PyTorch's grid when it is given ${data} data`, async () => {
    await useCpu();
    const model = tfl.sequential({
      layers: [new FakeQuantize({ name: "q", inputShape: [256], observer: "histogram" })],
    });
    await calibrate(model, golden.batches[data].map((batch) => tf.tensor2d([[...batch]])));
    const [layer] = model.layers;
    assert.ok(layer instanceof FakeQuantize);
    assert.deepEqual(layer.readGrid(), { scale, zeroPoint, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  });
}

/** The loss by its definition: every bin's values spread over a thousand points, each rounded to the nearest centre. */
function lossByPoints(
  histogram: ArrayLike<number>,
  { first, last, codes }: { first: number; last: number; codes: number },
) {
  const cell = (last - first + 1) / codes;
  let loss = 0;
  for (let bin = 0; bin < histogram.length; bin++) {
    for (let k = 0; k < 1000; k++) {
      const x = bin - first + (k + 0.5) / 1000;
      const centre = (Math.min(Math.max(Math.floor(x / cell), 0), codes - 1) + 0.5) * cell;
      loss += histogram[bin] * (x - centre) ** 2 / 1000;
    }
  }
  return loss;
}

Deno.test("lossOf() is the integral that it stands for", () => {
  const next = seeded(1);
  for (
    const grid of [{ first: 0, last: 15, codes: 4 }, { first: 3, last: 11, codes: 5 }, { first: 6, last: 7, codes: 40 }]
  ) {
    const histogram = Float64Array.from({ length: 16 }, () => Math.floor(next() * 5));
    const expected = lossByPoints(histogram, grid);
    assert.ok(
      Math.abs(lossOf(histogram, grid) - expected) <= 1e-4 * expected,
      `${lossOf(histogram, grid)}, ${expected}`,
    );
  }
  // Two codes over one bin: centres at 1/4 and 3/4, so (1/4)² / 3 on average.
  assert.ok(Math.abs(lossOf([6], { first: 0, last: 0, codes: 2 }) - 6 / 48) < 1e-12);
});

const value = fc.oneof(
  fc.float({ min: -3, max: 3, noNaN: true }),
  fc.float({ min: Math.fround(-1e4), max: Math.fround(1e4), noNaN: true }),
  fc.constantFrom(0, 1, -1, Math.fround(1e-30)),
);
const batches = fc.array(fc.array(value, { minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 });
const schemes = fc.constantFrom<QuantScheme>(
  UINT8_AFFINE,
  { ...UINT8_AFFINE, span: 127 },
  { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 },
);

Deno.test("histogramObserver() loses no more than min-max, one bin aside, and stays within it", () => {
  fc.assert(fc.property(batches, schemes, (data, scheme) => {
    const { state: { min, max, counts }, range } = observe(data, scheme);
    const all = data.flat();
    assert.deepEqual([min + 0, max + 0], [Math.min(...all) + 0, Math.max(...all) + 0]);
    assert.ok(range.min >= min && range.max <= max && range.min <= range.max);
    // Of values that float32 can hardly tell apart the bins' edges are not where they are counted.
    if (max - min < 1e-3 * Math.max(-min, max, 1e-30)) return;
    const width = (max - min) / BINS;
    const [first, last] = [Math.round((range.min - min) / width), Math.round((range.max - min) / width) - 1];
    const codes = stepsOf(scheme) + 1;
    const whole = lossOf(counts, { first: 0, last: BINS - 1, codes });
    assert.ok(last - first >= BINS - 2 || lossOf(counts, { first, last, codes }) <= whole);
  }));
});

Deno.test("histogramObserver() counts every value once, whatever batches they come in", () => {
  fc.assert(fc.property(batches, (data) => {
    assert.ok(Math.abs(total(observe(data).state) - data.flat().length) < 1e-6);
  }));
});

Deno.test("histogramObserver() moves what it has where it belongs when a later batch is wider", () => {
  const { counts } = observe([[0, 1, 2, 3], [-1, 7]]).state;
  // Of 8 the width is 8 / 2048: 0 is at bin 256, 3 below 1024. A moved value is spread over what was its bin.
  const sumOf = (from: number, to: number) => counts.slice(from, to).reduce((sum, n) => sum + n, 0);
  assert.deepEqual([sumOf(0, 1), sumOf(1, 256), sumOf(256, 258), sumOf(1020, 1025), sumOf(2047, 2048)], [
    1,
    0,
    1,
    1,
    1,
  ]);
  // Bin 5 of [0, 3] reaches from 15/8 to 18/8 of a bin past 0: five of its sixteen parts have their middles below 16/8.
  const { counts: parts } = observe([[0, 5.5 * 3 / BINS, 3], [-1, 7]]).state;
  assert.deepEqual([...parts.slice(256, 260)], [1, 5 / 16, 11 / 16, 0]);
  const same = observe([[5, 5, 5], [4, 6]]).state.counts;
  assert.deepEqual([same[0], same[1024], same[2047]], [1, 3, 1]);
});

Deno.test("histogramObserver() gives a range of one value as it is", () => {
  assert.deepEqual(observe([[2, 2], [2]]).range, { min: 2, max: 2 });
  const tiny = 2 ** -149;
  assert.deepEqual(observe([[0, tiny], [tiny]]).range, { min: 0, max: tiny });
});

/** Mean squared error of rounding `x` to the grid of `range`. */
function errorOf(x: Float32Array, range: Range): number {
  const grid = { ...computeQParams(range, UINT8_AFFINE), qmin: 0, qmax: 255, granularity: PER_TENSOR };
  const rounded = dequantizeLinear(quantizeLinear(x, grid), grid);
  return x.reduce((sum, value, i) => sum + (value - rounded[i]) ** 2, 0) / x.length;
}

Deno.test("histogramObserver() loses less than min-max of values with a few far outside", () => {
  const next = seeded(5);
  const x = Float32Array.from({ length: 200_000 }, () => next() + next() + next() - 1.5);
  x.set([1.9, -2.1, 2]);
  const { range } = observe([[...x]]);
  assert.ok(range.max < 1.6 && range.min > -1.6, `${range.min} to ${range.max}`);
  const most = { min: Math.fround(-2.1), max: 2 };
  assert.ok(errorOf(x, range) < 0.8 * errorOf(x, most), `${errorOf(x, range)} of ${errorOf(x, most)}`);
});

/** A wave of `length` values between -1 and 1, and one at `far`. */
function waveWith(far: number, length: number): number[] {
  return [far, ...Array.from({ length }, (_, i) => Math.sin(i))];
}

Deno.test("histogramObserver() keeps a value far outside when giving it up loses more than it saves", () => {
  // Its first step takes off four fifths of the bins: 64 lost, against 200,000 · (10² − 2²) / 255² / 12 = 25 saved.
  assert.equal(observe([waveWith(9, 200_000)]).range.max, 9);
  assert.ok(observe([waveWith(1.8, 200_000)]).range.max < 1.1);
});

Deno.test("histogramObserver() weighs by the codes of its scheme", () => {
  const four: QuantScheme = { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 };
  const wave = waveWith(3, 20_000);
  // 20,000 · (4² − 2²) / n² / 12 is saved and 4 lost: worth it with 16 codes, and not with 256.
  assert.ok(observe([wave], four).range.max < 1.1);
  assert.ok(observe([wave]).range.max > 2.9);
});

Deno.test("prepareQat() and calibrate() find ranges by histogram, on the float model, and training leaves them", async () => {
  await useCpu();
  const dense = tfl.layers.dense({ units: 2, name: "fc", inputShape: [3], activation: "relu" });
  const { model } = prepareQat(tfl.sequential({ layers: [dense] }), {
    recipe: { rules: [{ match: {}, then: { observer: "histogram" } }] },
  });
  const batches = [1, 2].map((seed) => tf.randomUniform([20, 3], -1, 1, "float32", seed));
  await calibrate(model, batches);
  const quantizers = model.layers.filter((layer) => layer instanceof FakeQuantize);
  assert.equal(quantizers.length, 2);
  assert.deepEqual(quantizers.map(({ enabled, calibrating }) => [enabled, calibrating]), [[true, false], [
    true,
    false,
  ]]);
  const all = tf.concat(batches);
  quantizers.forEach((quantizer, i) => {
    const values = i === 0 ? all.dataSync<"float32">() : (dense.apply(all) as tf.Tensor).dataSync<"float32">();
    const expected = observe([[...values]]).range;
    const { min, max } = quantizer.readRange();
    const width = Math.max(expected.max - expected.min, 1e-6);
    assert.ok(Math.abs(min - expected.min) < 0.02 * width && Math.abs(max - expected.max) < 0.02 * width);
  });
  const before = quantizers.map((quantizer) => quantizer.readRange());
  model.apply(tf.mul(all, 100), { training: true });
  assert.deepEqual(quantizers.map((quantizer) => quantizer.readRange()), before);
  await assert.rejects(
    calibrate(model, [tf.tensor2d([[1, NaN, 0]])]),
    /in batch 1 the layer "fc_input_quant" is given NaN/,
  );
  assert.deepEqual(quantizers.map((quantizer) => quantizer.readRange()), before);
});
