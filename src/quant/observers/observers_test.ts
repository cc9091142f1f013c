import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { readGolden, useCpu } from "../_test_support.ts";
import { computeQParams, type Range } from "../../numbers/qparams.ts";
import { PER_TENSOR, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { saveAndLoad, useLayers } from "../layers/_test_support.ts";
import { FakeQuantize } from "../layers/fake_quantize_layer.ts";
import {
  type GraphObserver,
  makeObserver,
  minMaxObserver,
  movingAverageObserver,
  type ObserverName,
  type ObserverOptions,
  OBSERVERS,
} from "./mod.ts";

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

/** Observers in the graph, by their names in the golden file. Those on the host have tests of their own. */
const IN_GRAPH: Readonly<Record<string, { readonly observer: ObserverName; readonly momentum?: number }>> = {
  "min-max affine uint8": { observer: "min-max" },
  "moving-average affine uint8 c=0.01": { observer: "moving-average" },
  "moving-average affine uint8 c=0.1": { observer: "moving-average", momentum: 0.1 },
};

const golden = await readGolden<Golden>("observers.json");

/** Shows `batches` to an observer in the graph. */
function observe(observer: GraphObserver, batches: readonly (readonly number[])[]): Range & { readonly count: number } {
  return tf.tidy(() => {
    let state: Record<string, tf.Tensor> = { min: tf.scalar(0), max: tf.scalar(0), count: tf.scalar(0) };
    for (const batch of batches) state = { ...state, ...observer.update(state, tf.tensor1d([...batch])) };
    const { min, max } = observer.rangeOf(state);
    const [first, second, count] = [min, max, state.count].map((value) => value.dataSync()[0]);
    return { min: first, max: second, count };
  });
}

function inGraph(name: ObserverName, options: ObserverOptions = {}): GraphObserver {
  const observer = makeObserver(name, options);
  assert.equal(observer.where, "graph");
  return observer as GraphObserver;
}

for (const expected of golden.expected) {
  if (!(expected.observer in IN_GRAPH)) continue;
  const { observer, ...options } = IN_GRAPH[expected.observer];
  const batches = golden.batches[expected.data];
  const { min, max, scale, zeroPoint } = expected;

  Deno.test(`update() gives PyTorch's range and grid when ${expected.observer} sees ${expected.data} data`, async () => {
    await useCpu();
    const range = observe(inGraph(observer, options), batches);
    assert.deepEqual(range, { min, max, count: batches.length });
    assert.deepEqual(computeQParams(range, UINT8_AFFINE), { scale, zeroPoint });
  });

  Deno.test(`FakeQuantize observes PyTorch's range and grid when ${expected.observer} sees ${expected.data} data`, async () => {
    await useCpu();
    const quantizer = new FakeQuantize({ observer, ...options });
    for (const batch of batches) tf.tidy(() => void quantizer.apply(tf.tensor2d([[...batch]]), { training: true }));
    assert.deepEqual(quantizer.readRange(), { min, max });
    assert.deepEqual(quantizer.readGrid(), { scale, zeroPoint, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  });
}

for (const name of ["min-max", "moving-average"] satisfies ObserverName[]) {
  Deno.test(`FakeQuantize takes the first batch's range as it is when ${name} sees values on one side of 0`, async () => {
    await useCpu();
    for (const batch of [[2, 5], [-7, -3]]) {
      const quantizer = new FakeQuantize({ observer: name });
      tf.tidy(() => void quantizer.apply(tf.tensor2d([batch]), { training: true }));
      const [min, max] = batch;
      assert.deepEqual(quantizer.readRange(), { min, max });
      assert.deepEqual(observe(inGraph(name), [batch]), { min, max, count: 1 });
    }
  });

  Deno.test(`${name} leaves the lower end at 0 when values are known not to be negative`, async () => {
    await useCpu();
    assert.equal(observe(inGraph(name, { nonNegative: true }), [[2, 5], [3, 4]]).min, 0);
  });
}

Deno.test("minMaxObserver() and movingAverageObserver() go from batch to batch as they say", async () => {
  await useCpu();
  const batches = [[1, 2], [-4, 0], [-1, 8]];
  assert.deepEqual(observe(minMaxObserver(), batches), { min: -4, max: 8, count: 3 });
  assert.deepEqual(observe(movingAverageObserver({ momentum: 0.5 }), batches), { min: -1.25, max: 4.5, count: 3 });
});

Deno.test("movingAverageObserver() refuses when the momentum is outside (0, 1]", () => {
  for (const momentum of [0, -1, 1.5, NaN]) assert.throws(() => movingAverageObserver({ momentum }), RangeError);
});

/** Three deviations around the mean of all values: a state of a vector, for a moment in the table of observers. */
const spread: (options: ObserverOptions) => GraphObserver = () => ({
  where: "graph",
  state: { sums: { shape: [3], initial: 0 } },
  update: ({ sums }, x) => ({
    sums: tf.add(sums, tf.stack([tf.scalar(x.size), tf.sum(x), tf.sum(tf.square(x))])),
  }),
  rangeOf: ({ sums }) => {
    const [count, sum, squares] = tf.unstack(sums);
    const mean = tf.div(sum, count);
    const reach = tf.mul(3, tf.sqrt(tf.sub(tf.div(squares, count), tf.square(mean))));
    return { min: tf.sub(mean, reach), max: tf.add(mean, reach) };
  },
});

Deno.test("FakeQuantize keeps, trains and saves whatever state an observer in the graph asks for", async () => {
  await useLayers();
  const name = "spread" as ObserverName;
  Reflect.set(OBSERVERS, name, spread);
  try {
    const quantizer = new FakeQuantize({ name: "q", observer: name, inputShape: [2] });
    const model = tfl.sequential({ layers: [quantizer] });
    assert.deepEqual(model.weights.map(({ originalName }) => originalName.split("/").at(-1)), [
      "min",
      "max",
      "count",
      "sums",
      "scale",
      "zero_point",
    ]);
    for (const batch of [[1, 3], [-1, 5]]) model.apply(tf.tensor2d([batch]), { training: true });
    // Mean 2 and variance 36 / 4 - 4 = 5 of the four.
    const { min, max } = quantizer.readRange();
    assert.ok(Math.abs(min - (2 - 3 * Math.sqrt(5))) < 1e-5 && Math.abs(max - (2 + 3 * Math.sqrt(5))) < 1e-5);
    assert.deepEqual([...quantizer.state.count.read().dataSync()], [2]);
    const copy = (await saveAndLoad(model)).layers[0];
    assert.ok(copy instanceof FakeQuantize);
    assert.deepEqual([...copy.state.sums.read().dataSync()], [4, 8, 36]);
    assert.deepEqual(copy.readGrid(), quantizer.readGrid());
    const other = new FakeQuantize({ name: "other", inputShape: [2] });
    tfl.sequential({ layers: [other] });
    assert.throws(() => other.calibrating = name, /Cannot calibrate "other" by spread: it has no weight "sums"/);
  } finally {
    Reflect.deleteProperty(OBSERVERS, name);
  }
});

Deno.test("makeObserver() names the nearest when there is none of the name", () => {
  // A name from a configuration file need not be one of the type's.
  assert.throws(() => makeObserver("min-mix" as ObserverName), /"min-mix": needed is one of .*did you mean "min-max"/);
});
