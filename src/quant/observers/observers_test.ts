import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { readGolden, useCpu } from "../_test_support.ts";
import { computeQParams } from "../../numbers/qparams.ts";
import { PER_TENSOR, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { FakeQuantize } from "../layers/fake_quantize_layer.ts";
import { minMaxObserver, movingAverageObserver, type RangeObserver, rangeObserver } from "./mod.ts";

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

interface Built {
  readonly observer: RangeObserver;
  readonly layer: () => FakeQuantize;
}

const BUILT: Readonly<Record<string, Built>> = {
  "min-max affine uint8": { observer: minMaxObserver(), layer: () => new FakeQuantize({ observer: "min-max" }) },
  "moving-average affine uint8 c=0.01": { observer: movingAverageObserver(), layer: () => new FakeQuantize() },
  "moving-average affine uint8 c=0.1": {
    observer: movingAverageObserver({ momentum: 0.1 }),
    layer: () => new FakeQuantize({ momentum: 0.1 }),
  },
};

/** Observers in the golden file that are not built yet, with the reason. Building one makes this test fail. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  "histogram affine uint8 2048 bins": "later work: every observer",
};

const golden = await readGolden<Golden>("observers.json");

Deno.test("observers cover the golden file when those not built yet are listed", () => {
  const named = new Set(golden.expected.map(({ observer }) => observer));
  assert.deepEqual([...named].sort(), [...Object.keys(BUILT), ...Object.keys(NOT_BUILT)].sort());
  for (const name of ["histogram", "percentile"]) {
    // A name from a configuration file need not be one of the type's.
    assert.throws(() => rangeObserver(name as "min-max"), /Cannot make observer/);
  }
});

for (const expected of golden.expected) {
  if (!(expected.observer in BUILT)) continue;
  const { observer, layer } = BUILT[expected.observer];
  const batches = golden.batches[expected.data];

  Deno.test(`observe() gives PyTorch's range and grid when ${expected.observer} sees ${expected.data} data`, () => {
    const state = batches.reduce(observer.observe, observer.initial);
    assert.deepEqual(state, { min: expected.min, max: expected.max, count: batches.length });
    const { scale, zeroPoint } = expected;
    assert.deepEqual(computeQParams(observer.rangeOf(state), UINT8_AFFINE), { scale, zeroPoint });
  });

  Deno.test(`FakeQuantize observes PyTorch's range and grid when ${expected.observer} sees ${expected.data} data`, async () => {
    await useCpu();
    const quantizer = layer();
    for (const batch of batches) tf.tidy(() => void quantizer.apply(tf.tensor2d([[...batch]]), { training: true }));
    assert.deepEqual(quantizer.readRange(), { min: expected.min, max: expected.max });
    const { scale, zeroPoint } = expected;
    assert.deepEqual(quantizer.readGrid(), { scale, zeroPoint, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  });
}

for (const [name, { observer, layer }] of Object.entries(BUILT)) {
  Deno.test(`FakeQuantize takes the first batch's range as it is when ${name} sees values on one side of 0`, async () => {
    await useCpu();
    for (const batch of [[2, 5], [-7, -3]]) {
      const quantizer = layer();
      tf.tidy(() => void quantizer.apply(tf.tensor2d([batch]), { training: true }));
      const { min, max } = observer.observe(observer.initial, batch);
      assert.deepEqual(quantizer.readRange(), { min, max });
      assert.deepEqual([min, max], batch);
    }
  });
}

Deno.test("observe() changes nothing when the batch is empty", () => {
  for (const observer of [minMaxObserver(), movingAverageObserver()]) {
    const state = observer.observe(observer.initial, [-1, 5]);
    assert.deepEqual(observer.observe(state, []), state);
    assert.deepEqual(observer.observe(observer.initial, []), observer.initial);
  }
});

Deno.test("movingAverageObserver() refuses when the momentum is outside (0, 1]", () => {
  for (const momentum of [0, -1, 1.5, NaN]) assert.throws(() => movingAverageObserver({ momentum }), RangeError);
});
