/** Architectures of sequences: their sizes, their ends, and that they tell positions and padding apart. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { BERT_BASE, buildArchitecture, transformer } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const TOKENS = { inputShape: [6], tokens: { size: 9 }, outputs: 3, seed: 1 };
const PICTURES = { inputShape: [7, 5, 3], outputs: 3, seed: 1 };

/** Weights by a pencil: dense layers are (inputs + 1)·units, a normalization 2·width. */
const COUNTS = {
  // Embedding, positions; twice: attention's four, the feed-forward two, two norms; the last norm; the head.
  transformer: {
    tokens: 9 * 64 + 6 * 64 + 2 * (4 * 65 * 64 + 65 * 128 + 129 * 64 + 4 * 64) + 2 * 64 + 65 * 3,
    pictures: 16 * 64 + 7 * 64 + 2 * (4 * 65 * 64 + 65 * 128 + 129 * 64 + 4 * 64) + 2 * 64 + 65 * 3,
  },
  lstm: { tokens: 9 * 32 + 4 * 64 * (32 + 64 + 1) + 65 * 3, pictures: 4 * 64 * (15 + 64 + 1) + 65 * 3 },
  gru: { tokens: 9 * 32 + 2 * 3 * 64 * (32 + 64 + 1) + 129 * 3, pictures: 2 * 3 * 64 * (15 + 64 + 1) + 129 * 3 },
} as const;

for (const [name, counts] of Object.entries(COUNTS)) {
  Deno.test(`buildArchitecture() gives ${name} its weights, for tokens and for rows of pixels`, () => {
    const [ofTokens, ofPictures] = [TOKENS, PICTURES].map((options) => buildArchitecture(name, options));
    assert.deepEqual([ofTokens.countParams(), ofPictures.countParams()], [counts.tokens, counts.pictures]);
    assert.deepEqual([ofTokens.outputs[0].shape, ofPictures.outputs[0].shape], [[null, 3], [null, 3]]);
    assert.equal(ofTokens.inputs[0].dtype, "int32");
    for (const model of [ofTokens, ofPictures]) {
      assert.deepEqual(model.layers.slice(-2).map((layer) => layer.name), ["dense", "softmax"]);
      assert.deepEqual(model.layers.map((layer) => layer.name).filter((layer) => /_\d+$/.test(layer)), []);
      model.dispose();
    }
  });

  Deno.test(`buildArchitecture() lets ${name} answer at each position`, () => {
    const model = buildArchitecture(name, { ...TOKENS, perPosition: true });
    assert.deepEqual(model.outputs[0].shape, [null, 6, 3]);
    const answer = model.predict(tf.tensor2d([[0, 1, 2, 3, 4, 8]], [1, 6], "int32")) as tf.Tensor;
    const sums = tf.sum(answer, -1).dataSync();
    assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-5), "shares at each position");
    model.dispose();
  });

  Deno.test(`buildArchitecture() starts ${name} from weights that depend on seed and layer alone`, () => {
    const values = (seed: number) =>
      buildArchitecture(name, { ...TOKENS, seed }).weights.map((weight) => [...weight.read().dataSync()]);
    assert.deepEqual(values(3), values(3));
    assert.notDeepEqual(values(3), values(4));
  });
}

/** Answers of a fresh model to sequences of tokens. */
function answersOf(model: tfl.LayersModel, sequences: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const rows = sequences.map((row) => [...row]);
  const answers = model.predict(tf.tensor2d(rows, [rows.length, rows[0].length], "int32")) as tf.Tensor2D;
  return answers.arraySync();
}

Deno.test("transformer answers the same whatever stands in padding, and otherwise where tokens change places", () => {
  const model = buildArchitecture("transformer", { ...TOKENS, tokens: { size: 9, padding: 0 } });
  const random = new Random(5);
  // The vector of padding itself must not matter, be it what it may.
  const embedding = model.getLayer("embedding");
  const [vectors] = embedding.getWeights();
  const before = answersOf(model, [[1, 2, 3, 4, 0, 0]]);
  const noise = tf.tensor2d(
    Array.from({ length: 9 }, (_, row) => Array.from({ length: 64 }, () => row ? 0 : random.unit())),
  );
  embedding.setWeights([tf.add(vectors, noise)]);
  assert.deepEqual(answersOf(model, [[1, 2, 3, 4, 0, 0]]), before);
  const [[a], [b]] = [answersOf(model, [[1, 2, 3, 4, 5, 6]]), answersOf(model, [[1, 3, 2, 4, 5, 6]])];
  assert.ok(a.some((value, i) => Math.abs(value - b[i]) > 1e-6), "positions count");
});

Deno.test("transformer can be as large as BERT-base", () => {
  // Shapes alone: 12 layers of 768 would take a second to draw.
  const size = { ...BERT_BASE, layers: 1 };
  const model = transformer({ inputShape: [16], tokens: { size: 50 }, outputs: 2, seed: 0, size });
  // Devlin et al.: 85 million weights in 12 layers.
  const block = 4 * 769 * 768 + 769 * 3072 + 3073 * 768 + 4 * 768;
  assert.equal(model.countParams(), 66 * 768 + block + 2 * 768 + 769 * 2);
  assert.ok(Math.abs(12 * block - 85e6) < 1e5);
  assert.equal(model.getLayer("layer1_attention").getConfig().heads, 12);
  assert.equal(model.getLayer("layer1_feed_gelu").getConfig().activation, "gelu");
  model.dispose();
});

Deno.test("buildArchitecture() says what architectures of sequences need", () => {
  const build = (name: string, options: object) => () =>
    buildArchitecture(name, { inputShape: [6], outputs: 2, seed: 0, ...options });
  const cannot = (name: string) => `Cannot build the architecture "${name}": `;
  for (
    const [name, options, message] of [
      ["lstm", {}, "the input is [6], needed are positive [height, width, channels] or [length] of tokens"],
      ["mlp", { tokens: { size: 3 } }, "the input is [6] of tokens, needed are positive [columns]"],
      ["gru", { inputShape: [0], tokens: { size: 3 } }, "the input is [0] of tokens, needed are positive"],
      ["transformer", { tokens: { size: 0 } }, "there are 0 tokens, at least 1 is needed"],
      ["transformer", { tokens: { size: 3, padding: 3 } }, "the padding is token 3, 0 to 2 is needed"],
      [
        "mlp",
        { perPosition: true },
        "answers at each position are asked for, it ends in classes of a sample or numbers of a sample",
      ],
    ] as const
  ) {
    assert.throws(build(name, options), (error: Error) => error.message.startsWith(cannot(name) + message));
  }
});
