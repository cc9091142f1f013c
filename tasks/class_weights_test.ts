import assert from "node:assert/strict";
import { withFolder } from "../job/_test_support.ts";
import { readClassWeights } from "./class_weights.ts";

const CLASSES = {
  kind: "classes",
  labels: Int32Array.of(0, 0, 0, 0, 0, 0, 1, 1, 2),
  names: ["cat", "dog", "owl", "unseen"],
} as const;

const readFile = async (path: string) => JSON.parse(await Deno.readTextFile(path));
const read = (asked: string, task = "classification") => readClassWeights(asked, { target: CLASSES, task, readFile });

Deno.test("readClassWeights() balances classes so that each counts as much, hand-computed", async () => {
  assert.deepEqual(await read("balanced"), [9 / (3 * 6), 9 / (3 * 2), 9 / (3 * 1), 1]);
});

Deno.test("readClassWeights() takes numbers in the order of the classes", async () => {
  assert.deepEqual(await read("1, 0,2.5,1e-3"), [1, 0, 2.5, 0.001]);
});

Deno.test("readClassWeights() takes a file by class, or in their order", () =>
  withFolder(async (dir) => {
    const path = `${dir}/weights.json`;
    Deno.writeTextFileSync(path, '{"owl": 3, "cat": 1, "dog": 2, "unseen": 0}');
    assert.deepEqual(await read(path), [1, 2, 3, 0]);
    Deno.writeTextFileSync(path, "[4, 3, 2, 1]");
    assert.deepEqual(await read(path), [4, 3, 2, 1]);
    const faults: readonly (readonly [string, RegExp])[] = [
      ['{"owl": 3, "cat": 1, "dgo": 2, "unseen": 0}', /the data has no class "dgo", needed is .*did you mean "dog"/],
      ['{"owl": 3, "cat": 1, "unseen": 0}', /it has no weight of "dog", one is needed$/],
      ['{"owl": "3", "cat": 1, "dog": 2, "unseen": 0}', /the weight of "owl" is "3", needed is a number from 0$/],
      ["[1, 2]", /it has 2 numbers, needed is one for each of 4 classes$/],
      ["7", /it has 7, needed is an object of numbers by class, or a list$/],
      ["{", /Expected property name/],
    ];
    for (const [text, says] of faults) {
      Deno.writeTextFileSync(path, text);
      await assert.rejects(read(path), (error: Error) => {
        assert.ok(error instanceof RangeError && error.message.startsWith("Cannot use --class-weights"), error.message);
        assert.match(error.message, says);
        return true;
      });
    }
  }));

Deno.test("readClassWeights() refuses what is no weight, no file and no task of classes", async () => {
  await assert.rejects(read("0,0,0,0"), /all weights are 0, needed is one above 0$/);
  await assert.rejects(read("1,-1,1,1"), /the weight of "dog" is -1, needed is a number from 0$/);
  await assert.rejects(read("1,,1,1"), /the weight of "dog" is NaN/);
  await assert.rejects(
    read("balnced"),
    /os error 2.* \("balanced", numbers or a JSON file are needed\)$/,
  );
  await assert.rejects(
    read("balanced", "regression"),
    /^RangeError: Cannot use --class-weights "balanced" with --task regression: it does not weigh classes, needed is cl/,
  );
});
