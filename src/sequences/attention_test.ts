import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../numbers/random.ts";
import { Attention, AttentionContext, AttentionScores, AttentionWeights } from "./attention.ts";
import { PaddingMask, registerSequenceLayers } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");
registerSequenceLayers();

type Rows = readonly (readonly number[])[];

/** One sample's attention in double precision, as the formula reads: for each head and query, one after the other. */
function attend(
  parts: { readonly q: Rows; readonly k: Rows; readonly v: Rows },
  heads: number,
  counts: readonly boolean[],
) {
  const { q, k, v } = parts;
  const size = q[0].length / heads;
  return q.map((query) =>
    Array.from({ length: heads }, (_, head) => {
      const of = (row: readonly number[]) => row.slice(head * size, (head + 1) * size);
      const shares = k.map((key, s) => {
        const product = of(key).reduce((sum, x, i) => sum + x * of(query)[i], 0);
        return counts[s] ? Math.exp(product / Math.sqrt(size)) : 0;
      });
      const total = shares.reduce((sum, share) => sum + share, 0);
      return of(v[0]).map((_, i) => shares.reduce((sum, share, s) => sum + share / total * of(v[s])[i], 0));
    }).flat()
  );
}

function draw(random: Random, rows: number, width: number): Rows {
  return Array.from({ length: rows }, () => Array.from({ length: width }, () => random.between(-2, 2)));
}

function assertNear(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) =>
    assert.ok(Math.abs(actual[i] - value) <= tolerance, `${i}: ${actual[i]} and ${value}`)
  );
}

/** Queries, keys and values of several samples, and which keys count. */
function drawCase(seed: number) {
  const random = new Random(seed);
  const heads = random.pick([1, 2, 3, 4]);
  const [width, queries, keys] = [heads * (1 + random.below(4)), 1 + random.below(5), 1 + random.below(6)];
  const samples = Array.from({ length: 2 }, () => ({
    q: draw(random, queries, width),
    k: draw(random, keys, width),
    v: draw(random, keys, width),
    counts: Array.from({ length: keys }, (_, s) => s === 0 || random.chance(0.6)),
  }));
  const tensor = (part: "q" | "k" | "v") => tf.tensor3d(samples.map((sample) => sample[part].map((row) => [...row])));
  const mask = tf.tensor2d(samples.map(({ counts }) => counts.map(Number)));
  return { heads, samples, inputs: (["q", "k", "v"] as const).map(tensor), mask };
}

Deno.test("Attention equals its formula in double precision, with padding and without, of any number of heads", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { heads, samples, inputs, mask } = drawCase(seed);
    const layer = new Attention({ heads });
    const open = layer.apply(inputs) as tf.Tensor;
    assertNear(open.dataSync(), samples.flatMap((s) => attend(s, heads, s.counts.map(() => true)).flat()));
    const masked = layer.apply([...inputs, mask]) as tf.Tensor;
    assertNear(masked.dataSync(), samples.flatMap((s) => attend(s, heads, s.counts).flat()));
    assert.deepEqual(layer.computeOutputShape(inputs.map(({ shape }) => shape)), masked.shape);
  }
});

Deno.test("Attention's three steps compute what it does", () => {
  for (let seed = 0; seed < 10; seed++) {
    const { heads, inputs: [q, k, v], mask } = drawCase(seed);
    const scores = new AttentionScores({ heads }).apply([q, k]) as tf.Tensor;
    const weights = new AttentionWeights().apply([scores, mask]) as tf.Tensor;
    const steps = new AttentionContext({ heads }).apply([weights, v]) as tf.Tensor;
    const whole = new Attention({ heads }).apply([q, k, v, mask]) as tf.Tensor;
    assert.deepEqual(steps.arraySync(), whole.arraySync());
    for (
      const [layer, inputs, output] of [
        [new AttentionScores({ heads }), [q, k], scores],
        [new AttentionWeights(), [scores, mask], weights],
        [new AttentionContext({ heads }), [weights, v], steps],
      ] as const
    ) {
      assert.deepEqual(layer.computeOutputShape(inputs.map(({ shape }) => shape)), output.shape);
    }
  }
});

Deno.test("Attention answers with numbers where nothing but padding is attended to", () => {
  const x = tf.tensor3d([[[1, 2], [3, 4]]]);
  const y = new Attention().apply([x, x, x, tf.zeros([1, 2])]) as tf.Tensor;
  assertNear(y.dataSync(), [2, 3, 2, 3]);
});

Deno.test("Attention's gradients are those of finite differences", () => {
  const { heads, samples, mask } = drawCase(7);
  const flat = (["q", "k", "v"] as const).map((part) => samples.map((sample) => sample[part]));
  const inputs = flat.map((part) => tf.tensor3d(part.map((rows) => rows.map((row) => [...row]))));
  const layer = new Attention({ heads });
  const sum = (...x: tf.Tensor[]) => tf.sum(tf.square(layer.apply([...x, mask]) as tf.Tensor)) as tf.Scalar;
  const gradients = tf.grads(sum)(inputs);
  const valueOf = (parts: readonly (readonly Rows[])[]) =>
    samples.reduce((total, { counts }, n) => {
      const [q, k, v] = parts.map((part) => part[n]);
      return total + attend({ q, k, v }, heads, counts).flat().reduce((sum, y) => sum + y * y, 0);
    }, 0);
  flat.forEach((part, p) => {
    const expected = part.flatMap((rows, n) =>
      rows.flatMap((row, r) =>
        row.map((_, c) => {
          const moved = (by: number) => valueOf(flat.with(p, part.with(n, rows.with(r, row.with(c, row[c] + by)))));
          return (moved(1e-5) - moved(-1e-5)) / 2e-5;
        })
      )
    );
    assertNear(gradients[p].dataSync(), expected, 1e-4);
  });
});

Deno.test("a model with attention and padding is saved and loaded again", async () => {
  const tokens = tfl.input({ shape: [5], dtype: "int32", name: "tokens" });
  const mask = new PaddingMask({ name: "mask", padding: 2 }).apply(tokens) as tfl.SymbolicTensor;
  const x = tfl.layers.embedding({ inputDim: 4, outputDim: 6, name: "embedding" }).apply(tokens) as tfl.SymbolicTensor;
  const y = new Attention({ heads: 3, name: "attention" }).apply([x, x, x, mask]) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: tokens, outputs: y });
  const saved: tf.io.ModelArtifacts[] = [];
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved.push(artifacts);
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  const loaded = await tfl.loadLayersModel(tf.io.fromMemory(saved[0]));
  const ids = tf.tensor2d([[0, 1, 3, 2, 2]], [1, 5], "int32");
  const [a, b] = [model, loaded].map((model) => (model.predict(ids) as tf.Tensor).dataSync());
  assert.deepEqual(a, b);
});

Deno.test("layers of attention say what they need", () => {
  const x = tf.zeros([1, 2, 6]);
  assert.throws(() => new Attention({ heads: 4 }).apply([x, x, x]), {
    name: "TypeError",
    message:
      /its inputs are \[1,2,6\], \[1,2,6\], \[1,2,6\], sequences \[\?, time, width\] of one width are needed, a multiple of its 4 heads$/,
  });
  assert.throws(
    () => new Attention({ heads: 2 }).apply([x, x]),
    /it is given 2 inputs, needed are 3 or 4: queries, keys/,
  );
  assert.throws(() => new Attention({ heads: 2 }).apply([x, tf.zeros([1, 2, 4]), x]), TypeError);
  assert.throws(() => new AttentionScores({ heads: 2 }).apply([x, x, x]), /it is given 3 inputs, needed are 2/);
  assert.throws(() => new AttentionContext({ heads: 2 }).apply([x]), /it is given 1 input, needed are 2/);
  const flat = tf.zeros([2, 6]);
  assert.throws(
    () => new Attention({ heads: 2 }).apply([flat, flat, flat]),
    /sequences \[\?, time, width\] of one width/,
  );
  assert.equal(new Attention().supportsMasking, true);
  for (const heads of [0, -1, 1.5, NaN]) assert.throws(() => new Attention({ heads }), RangeError);
});

Deno.test("AttentionScores multiplies by a scale of its own, which is kept", () => {
  const [q, k] = [tf.tensor3d([[[1, 2, 3, 4]]]), tf.tensor3d([[[5, 6, 7, 8]]])];
  const layer = new AttentionScores({ heads: 2, scale: 0.5 });
  // (1·5 + 2·6) / 2 and (3·7 + 4·8) / 2.
  assert.deepEqual((layer.apply([q, k]) as tf.Tensor).arraySync(), [[[[8.5]], [[26.5]]]]);
  assert.equal(layer.getConfig().scale, 0.5);
  assert.ok(!("scale" in new AttentionScores({ heads: 2 }).getConfig()));
  for (const scale of [0, -1, Infinity, NaN]) {
    assert.throws(() => new AttentionScores({ scale }), /its scale is .*, a number/);
  }
});

Deno.test("AttentionWeights takes a mask of queries and keys, and what it adds where keys are left out", () => {
  const scores = tf.zeros([1, 2, 2, 2]);
  const mask = tf.tensor4d([[[[1, 0], [1, 1]]]]);
  const layer = new AttentionWeights();
  assert.deepEqual((layer.apply([scores, mask]) as tf.Tensor).arraySync(), [[[[1, 0], [0.5, 0.5]], [[1, 0], [
    0.5,
    0.5,
  ]]]]);
  const less = new AttentionWeights({ farBelow: -Math.log(3) });
  const [share] = (less.apply([scores, mask]) as tf.Tensor).dataSync();
  assert.ok(Math.abs(share - 0.75) < 1e-6);
  assert.equal(less.getConfig().farBelow, -Math.log(3));
  for (const farBelow of [0, 1, -Infinity, NaN]) {
    assert.throws(() => new AttentionWeights({ farBelow }), /its farBelow is .*, a number below 0 is needed/);
  }
});
