import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../tests/_support/small_models.ts";
import { loadModel } from "./_model.ts";
import { save, tinyModel, withFolder } from "./_test_support.ts";

/** A net with outputs "first" and "second". */
function twoOutputs(): tfl.LayersModel {
  const input = tfl.input({ shape: [4], name: "row" });
  const head = (name: string) => apply(tfl.layers.dense({ units: 2, name }), input);
  return seedWeights(tfl.model({ inputs: input, outputs: [head("first"), head("second")] }));
}

/** Loads what was saved; what was said, and the outputs that are left. */
async function load(path: string, outputs?: readonly string[], inputSize?: number) {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line.replace(path, "PATH"));
  const model = await loadModel(path, { outputs, inputSize, seed: 0, log });
  return { lines, outputs: model.outputs.map(({ sourceLayer }) => sourceLayer.name), shape: model.inputs[0].shape };
}

Deno.test("loadModel() keeps the last of several outputs and says so, or those that are named, in the model's order", () =>
  withFolder(async (dir) => {
    const path = await save(twoOutputs(), dir);
    assert.deepEqual(await load(path), {
      lines: ['"PATH" has 2 outputs; the last, "second", is used (--outputs names others).'],
      outputs: ["second"],
      shape: [null, 4],
    });
    for (const named of [["first"], ["second"]]) {
      assert.deepEqual(await load(path, named), { lines: [], outputs: named, shape: [null, 4] });
    }
    const both = await load(path, ["second", "first"]);
    assert.deepEqual([both.lines, both.outputs], [[], ["first", "second"]]);
    await assert.rejects(load(path, ["secnd"]), {
      name: "RangeError",
      message: /^Cannot train outputs of ".*" "secnd": did you mean "second"|needed is one of/,
    });
  }));

Deno.test("loadModel() says nothing of a model with one output, and fixes sides that are open", () =>
  withFolder(async (dir) => {
    const closed = await save(tinyModel(), `${dir}/closed`);
    assert.deepEqual((await load(closed)).lines, []);
    const open = await save(tinyModel({ inputShape: [null, null, 3] }), `${dir}/open`);
    const { lines, shape } = await load(open);
    assert.deepEqual(lines, ['"PATH" takes images of any size; 224x224 is used.']);
    assert.deepEqual(shape, [null, 224, 224, 3]);
  }));

Deno.test("loadModel() takes the sides that are asked for where they are open, and refuses others than a model's own", () =>
  withFolder(async (dir) => {
    const open = await save(tinyModel({ inputShape: [null, null, 3] }), `${dir}/open`);
    assert.deepEqual((await load(open, undefined, 16)).shape, [null, 16, 16, 3]);
    const own = await save(tinyModel(), `${dir}/own`);
    assert.deepEqual((await load(own, undefined, 8)).shape, [null, 8, 8, 3]);
    const wide = await save(tinyModel({ inputShape: [8, 16, 3] }), `${dir}/wide`);
    for (const side of [8, 16]) {
      await assert.rejects(load(wide, undefined, side), {
        name: "RangeError",
        message: `Cannot use --input-size ${side} with "${wide}": it takes images of 8x16`,
      });
    }
    const rows = await save(twoOutputs(), `${dir}/rows`);
    await assert.rejects(
      load(rows, undefined, 4),
      /^RangeError: Cannot use --input-size 4 with ".*": it takes no images$/,
    );
  }));
