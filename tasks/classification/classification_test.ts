import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { measureAll } from "../task.ts";
import { compareModels } from "../uncertainty/mod.ts";
import { classification, classificationRow } from "./classification.ts";

tf.env().set("PROD", true);

const PORT = { name: "softmax", shape: [4, 3] };

Deno.test("classification() of positions learns, judges and names what stands at each of them", () => {
  const { heads: { softmax }, metrics } = classification({ classNames: ["a", "b", "c"] }).bind([PORT], "tagger");
  assert.deepEqual(softmax.target, { kind: "index", count: 3, positions: 4 });
  assert.deepEqual(metrics.map(({ name }) => name), ["token accuracy", "sequence accuracy"]);
  assert.equal(softmax.decoding.answer, "the largest number's index, at each position");
  const [a, b] = [[1, 0, 0, 0, 1, 0], [0.9, 0, 0, 0, 0.1, 0.2]].map((row) => Float32Array.from(row));
  assert.deepEqual([softmax.sameAnswer!(a, a), softmax.sameAnswer!(a, b)], [true, false]);
});

Deno.test("classification() counts a sample's share of right positions while it trains", () => {
  const { heads: { softmax } } = classification().bind([PORT], "tagger");
  const logits = tf.tensor3d([[[9, 0, 0], [0, 9, 0], [0, 0, 9], [9, 0, 0]], [[9, 0, 0], [9, 0, 0], [9, 0, 0], [
    9,
    0,
    0,
  ]]]);
  const labels = tf.tensor2d([[0, 1, 2, 2], [0, 0, 1, 1]], [2, 4], "int32");
  assert.equal(softmax.running!.sum(labels, logits).dataSync()[0], 3 / 4 + 2 / 4);
  assert.equal(softmax.running!.name, "token accuracy");
});

Deno.test("classification() refuses an output whose positions are not those of the data", () => {
  const target = { kind: "classes", labels: new Int32Array(8), names: ["a", "b", "c"] } as const;
  const bind = (positions: number | undefined, shape: readonly (number | null)[]) => () =>
    classificationRow.make({ ...target, ...(positions === undefined ? {} : { positions }) }, {})
      .bind([{ name: "out", shape }], "tagger");
  bind(4, [4, 3])();
  bind(undefined, [3])();
  assert.throws(bind(4, [3]), {
    name: "TypeError",
    message:
      'Cannot train "tagger" by classification: its output "out" is [?,3], for 3 classes at each of 4 positions ' +
      "[?,4,3] is needed; if it is no classifier, another task is",
  });
  assert.throws(bind(undefined, [4, 3]), /its output "out" is \[\?,4,3\], for 3 classes \[\?,3\] is needed/);
  for (const shape of [[5, 3], [null, 3], [2, 2, 3], []]) assert.throws(bind(4, shape), TypeError);
});

Deno.test("compareModels() draws means from scores: as if they were measured anew", () => {
  const task = classification().bind([{ name: "out", shape: [2, 2] }], "tagger");
  const targets = { out: Int32Array.from({ length: 80 }, (_, i) => (i * 7 + (i >> 3)) % 2) };
  const answering = (every: number) => {
    const values = Float32Array.from({ length: 160 }, (_, i) => {
      const [at, label] = [i >> 1, targets.out[i >> 1]];
      return Number((label === i % 2) === (at % every !== 0));
    });
    const judged = { answers: { out: { values, shape: [40, 2, 2] } }, targets };
    return { task, ...judged, metrics: measureAll(task, judged) };
  };
  const models = [answering(3), answering(4)];
  const slow = models.map((model) => {
    const plain = <T extends { readonly isMean?: true }>({ isMean: _, ...rest }: T) => rest;
    return { ...model, task: { metrics: task.metrics.map(plain) }, metrics: model.metrics.map(plain) };
  });
  const [[{ interval }], [{ change }]] = compareModels(models);
  const [[{ interval: expected }], [{ change: expectedChange }]] = compareModels(slow);
  for (const key of ["low", "high"] as const) {
    assert.ok(Math.abs(interval![key] - expected![key]) < 1e-12);
    assert.ok(Math.abs(change![key] - expectedChange![key]) < 1e-12);
  }
});
