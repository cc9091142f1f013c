import assert from "node:assert/strict";
import type { SampleSet } from "../data/samples.ts";
import type { Answers } from "../models/answers.ts";
import type { JudgedAll, Shown } from "../tasks/task.ts";
import { pointsJob } from "./_test_support.ts";
import { regression } from "../tasks/regression/regression.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { describeSections } from "./_report_parts.ts";

/** Answers of two outputs of these names to two samples. */
function answersOf(names: readonly string[], from: number): Answers {
  return Object.fromEntries(names.map((name, i) => [name, { values: Float32Array.of(from + i, 0), shape: [2, 1] }]));
}

Deno.test("describeSections() shows a task other models' answers by the names that it knows, and each sample's picture", async () => {
  const job = await pointsJob({});
  const bytes = Uint8Array.from({ length: 2 * 2 * 3 * 3 }, (_, i) => i);
  const test: SampleSet = {
    name: "test",
    count: 2,
    inputs: {
      row: { kind: "rows", names: ["a"], values: new Float32Array(2) },
      image: { kind: "pictures", height: 2, width: 3, channels: 3, bytes },
    },
    targets: {},
  };
  const seen: [JudgedAll, Shown | undefined][] = [];
  const task = {
    ...regression({ columns: ["y"] }).bind([{ name: "y", shape: [1] }], "m"),
    sections: (judged: JudgedAll, shown?: Shown) => {
      seen.push([judged, shown]);
      const picture = shown!.picture(1)!;
      return [
        { kind: "table" as const, heading: "t", lead: "", columns: [], rows: [] },
        { kind: "pictures" as const, heading: "p", lead: "", rows: [{ caption: "1", picture, panels: [] }] },
      ];
    },
  };
  const evaluation = (answers: Answers): Evaluation => ({ task, answers, targets: {}, metrics: [], count: 2 });
  const head = task.heads.y;
  const own = { ...task, heads: { y_float: { ...head, decoding: { scoreThreshold: 0.3 } } } };
  const { sections } = await describeSections({
    judged: evaluation(answersOf(["y_quant", "z_quant"], 1)),
    others: {
      float: { ...evaluation(answersOf(["y", "z"], 5)), task: own },
      simulated: evaluation(answersOf(["y_quant", "z_quant"], 3)),
    },
  }, { data: { ...job.data, test } });
  const [[{ answers }, shown]] = seen;
  assert.deepEqual(Object.keys(answers), ["y_quant", "z_quant"]);
  assert.deepEqual(shown!.others, {
    float: answersOf(["y_quant", "z_quant"], 5),
    simulated: answersOf(["y_quant", "z_quant"], 3),
  });
  assert.deepEqual(shown!.decodings, { float: { y: { scoreThreshold: 0.3 } }, simulated: { y: head.decoding } });
  assert.deepEqual(shown!.picture(1), { height: 2, width: 3, channels: 3, bytes: bytes.subarray(18) });
  assert.deepEqual(sections?.map(({ kind }) => kind), ["table", "pictures"]);
  const rows = { data: { ...job.data, test: { ...test, inputs: { row: test.inputs.row } } } };
  const plain = {
    ...task,
    sections: (_: JudgedAll, shown?: Shown) => (assert.equal(shown!.picture(0), undefined), []),
  };
  const none = await describeSections(
    { judged: { ...evaluation(answersOf(["y"], 1)), task: plain }, others: {} },
    rows,
  );
  assert.deepEqual(none, {});
});
