import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { Answers } from "../models/answers.ts";
import { bindTasks } from "./bind.ts";
import { outputTask } from "./output_task.ts";
import type { BoundTask, Shown, Task } from "./task.ts";

const OUTPUTS = ["a", "b"].map((name) => ({ name, shape: [2] }));

/** A task of output "a" that has no opinion; `own` is what it has besides. */
function taskOf(output: string, own: Partial<BoundTask>): Task {
  const task = outputTask(`task ${output}`, { output }, () => ({
    head: {
      target: { kind: "reals", width: 2 },
      loss: () => tf.scalar(0),
      reads: { kind: "answer" },
      decoding: {},
    },
    metrics: [],
  }));
  return { ...task, bind: (...given) => ({ ...task.bind(...given), ...own }) };
}

const answers: Answers = Object.fromEntries(
  OUTPUTS.map(({ name }) => [name, { values: new Float32Array(2), shape: [1, 2] }]),
);

Deno.test("bindTasks() counts what the first task counts that counts something, and decodes for all", () => {
  const bind = (...own: readonly Partial<BoundTask>[]) =>
    bindTasks({ task: own.map((one, i) => taskOf(OUTPUTS[i].name, one)) }, { outputs: OUTPUTS, model: "m" });
  const agreement = (same: number) => () => ({ what: "things", same, of: 9 });
  assert.equal(bind({}, { agreement: agreement(2) }).agreement?.(answers, answers).same, 2);
  assert.equal(bind({ agreement: agreement(1) }, { agreement: agreement(2) }).agreement?.(answers, answers).same, 1);
  assert.deepEqual(bind({ decode: () => "x" }, { decode: Object.keys }).decode?.(answers), ["x", ["a", "b"]]);
  const none = bind({}, {});
  assert.deepEqual(["agreement" in none, "decode" in none], [false, false]);
});

Deno.test("bindTasks() and outputTask() hand on what sections may show", () => {
  const seen: unknown[] = [];
  const task = outputTask("one", { output: "b" }, () => ({
    head: { target: { kind: "any" }, loss: () => tf.scalar(0), reads: { kind: "answer" }, decoding: {} },
    metrics: [],
    sections: (judged, shown) => {
      seen.push(judged, shown);
      return [];
    },
  }));
  const bound = bindTasks({ task, leave: ["a"] }, { outputs: OUTPUTS, model: "m" });
  const targets = { b: Float32Array.of(1, 2) };
  const shown: Shown = { others: { float: answers }, picture: () => undefined };
  bound.sections({ answers, targets }, shown);
  assert.deepEqual(seen, [{ answer: answers.b, targets: targets.b }, shown]);
  assert.equal(seen[1], shown);
});
