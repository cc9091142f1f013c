import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { exists } from "../src/io/disk.ts";
import { dryRun } from "./dry_run.ts";
import { type QatOptions, resolveOptions } from "./options.ts";
import { runQat } from "./qat.ts";

tf.env().set("PROD", true);

/** Weights by their names. */
function weightsOf(model: tfl.LayersModel): ReadonlyMap<string, string> {
  return new Map(model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()].join()]));
}

Deno.test("runQat() trains a new head alone where all before it is frozen, and what is behind a layer", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ classes: 3 }), `${dir}/model`);
    const { model: before } = await loadLayersModel(model);
    const lines: string[] = [];
    const report = await runQat({
      ...SMALL,
      model,
      head: "data",
      freezeUntil: "bn",
      floatEpochs: 1,
      control: true,
      out: `${dir}/out`,
    }, { log: (line) => lines.push(line) });
    assert.ok(lines.includes(`"${model}" gets a new last layer of 10 numbers, with fresh weights.`), lines.join("\n"));
    assert.ok(lines.includes("2 of 4 layers with weights do not train."));
    assert.deepEqual(report.floatBefore?.map(({ step }) => step), ["original", "adapted", "control"]);
    for (const kind of ["float", "qat"]) {
      const { model: after } = await loadLayersModel(`${dir}/out/${kind}`);
      const [own, old] = [weightsOf(after), weightsOf(before)];
      for (const name of ["conv/kernel", "bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"]) {
        assert.equal(own.get(name), old.get(name), `${kind}: ${name}`);
      }
      assert.notEqual(own.get("conv2/kernel"), old.get("conv2/kernel"));
      assert.deepEqual(after.outputs[0].shape, [null, 10]);
    }
    // What is prepared takes no other head, and trains on as it is frozen.
    await assert.rejects(runQat({ ...SMALL, model: `${dir}/out`, head: 4, out: `${dir}/other` }), {
      name: "RangeError",
      message: /^Cannot use --head with ".*out": it is prepared for quantization-aware training already/,
    });
    assert.ok(!exists(`${dir}/other/report.json`));
    await runQat({ ...SMALL, model: `${dir}/out`, freezeUntil: "none", out: `${dir}/thawed` });
    const [thawed, frozen] = await Promise.all(
      ["thawed", "out"].map(async (name) => weightsOf((await loadLayersModel(`${dir}/${name}/qat`)).model)),
    );
    assert.notEqual(thawed.get("conv/kernel"), frozen.get("conv/kernel"));
  }));

Deno.test("runQat() goes on from a state as if it had not stopped, with a new head and frozen layers", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ classes: 3 }), `${dir}/model`);
    const options = { ...SMALL, model, head: 10, freezeUntil: "act", epochs: 2, seed: 5 };
    await runQat({ ...options, out: `${dir}/whole`, floatEpochs: 0 });
    const controller = new AbortController();
    const onEpoch = () => controller.abort(new Error("stopped"));
    await assert.rejects(
      runQat({ ...options, out: `${dir}/parts`, floatEpochs: 0 }, { signal: controller.signal, onEpoch }),
      /stopped/,
    );
    await runQat({ resume: `${dir}/parts` });
    const [whole, parts] = ["whole", "parts"].map((name) => Deno.readFileSync(`${dir}/${name}/model.int8.onnx`));
    assert.deepEqual(parts, whole);
  }));

/** What a dry run says, or is refused for. */
async function said(options: QatOptions): Promise<readonly string[]> {
  const lines: string[] = [];
  await dryRun({ ...SMALL, ...options }, { log: (line) => lines.push(line) });
  return lines;
}

Deno.test("runQat() begins an architecture with the weights of a file, of a job's folder too", () =>
  withFolder(async (dir) => {
    await registerBackend();
    const arch = "cifar_cnn";
    await saveLayersModel(buildArchitecture(arch, { inputShape: [32, 32, 3], outputs: 10, seed: 9 }), `${dir}/ten`);
    await saveLayersModel(buildArchitecture(arch, { inputShape: [48, 48, 3], outputs: 4, seed: 9 }), `${dir}/four`);
    const ten = await said({ arch, weights: `${dir}/ten` });
    assert.ok(ten.includes(`7 layers have the weights of "${dir}/ten", and answer as they did there.`), ten.join("\n"));
    await assert.rejects(said({ arch, weights: `${dir}/four` }), {
      name: "RangeError",
      message:
        `Cannot give "cifar_cnn" the weights of "${dir}/four": "dense" is Dense [128,10], in the file Dense [128,4] ` +
        "(a new head leaves out the last layer: --head)",
    });
    const four = await said({ arch, weights: `${dir}/four`, head: "data" });
    assert.ok(
      four.includes(`6 layers have the weights of "${dir}/four", and answer as they did there.`),
      four.join("\n"),
    );
    // The folder of a job, whose model is prepared.
    const { model: prepared } = prepareQat((await loadLayersModel(`${dir}/ten`)).model);
    await saveLayersModel(prepared, `${dir}/out/qat`);
    const again = await said({ arch, weights: `${dir}/out` });
    assert.ok(again.some((line) => line.startsWith("7 layers have the weights of")), again.join("\n"));
  }));

Deno.test("runQat() names the nearest layer where there is none to freeze until", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), dir);
    await assert.rejects(said({ model, freezeUntil: "conv3" }), {
      name: "RangeError",
      message: /^Cannot freeze "tiny" until "conv3": needed is one of .* \(did you mean "conv"\?\)$/,
    });
  }));

Deno.test("resolveOptions() refuses weights and heads for models that have or need none", () => {
  const cases: readonly (readonly [QatOptions, RegExp])[] = [
    [{ model: "m", weights: "w" }, /^Cannot use --weights "w" with --model: it has weights of its own/],
    [
      { head: 3 },
      /^Cannot use --head 3 without --model or --weights: an architecture has as many answers as the data$/,
    ],
    [{ model: "m", head: 0 }, /^Cannot use --head 0: a whole number from 1 to 1000000 is needed, or "data" for/],
    [{ model: "m", head: 2.5 }, /^Cannot use --head 2.5: a whole number/],
    [{ model: "m", freezeUntil: "" }, /^Cannot use --freeze-until ""/],
  ];
  for (const [options, message] of cases) assert.throws(() => resolveOptions(options), { name: "RangeError", message });
});

Deno.test("resolveOptions() trains in float where weights are fresh, those of a head among them", () => {
  const epochsOf = (options: QatOptions) => resolveOptions(options).floatEpochs;
  assert.deepEqual(
    [{}, { weights: "w" }, { weights: "w", head: 2 }, { model: "m" }, { model: "m", head: 2 }].map(epochsOf),
    [16, 0, 16, 0, 16],
  );
  assert.equal(epochsOf({ model: "m", head: 2, floatEpochs: 1 }), 1);
});
