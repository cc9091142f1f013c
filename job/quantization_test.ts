import assert from "node:assert/strict";
import { DeployedModel } from "../export/deployed.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { recordOf } from "../quantize/record.ts";
import { contentsOf, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { dryRun } from "./dry_run.ts";
import { runQat } from "./qat.ts";

Deno.test("runQat() judges a file for ARM as it runs there, and says what that shows", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out`, target: "arm" });
    const bytes = Deno.readFileSync(`${dir}/out/model.int8.onnx`);
    const { graph } = decodeModel(bytes);
    const zeros = graph.nodes.filter(({ op }) => op === "QuantizeLinear").map(({ inputs }) =>
      graph.initializers.get(inputs[2])?.dtype
    );
    assert.deepEqual([...new Set(zeros)], ["int8"]);
    assert.deepEqual(report.fusion?.float, []);
    assert.equal(report.target?.name, "arm");
    assert.match(report.target?.shows ?? "", /ARM CPU's answers/);
    for (const entry of report.agreement ?? []) assert.ok(entry.compared === "codes" && entry.different === 0);
    new DeployedModel(bytes, { int8Activations: true }).dispose();
  }));

Deno.test("runQat() writes no ONNX file for a simulation, and reports nothing deployed", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out`, recipe: "four-bit-weights" });
    const names = Object.keys(contentsOf(`${dir}/out`)).map((path) => path.slice(dir.length + 5)).sort();
    assert.deepEqual(names.filter((name) => /\.(onnx|ort)$/.test(name)), []);
    assert.ok(names.includes("run/results.json"));
    assert.equal(report.metrics[0].deployed, undefined);
    assert.ok(Number.isFinite(report.metrics[0].simulated));
    assert.deepEqual([report.fusion, report.agreement, report.bytes, report.latencyMs], Array(4).fill(undefined));
    assert.deepEqual(report.train.epochs[0].metrics[0].deployed, undefined);
    const files = names.filter((name) => name.includes(".") && !name.startsWith("run/"));
    assert.deepEqual(report.files?.map(({ path }) => path).sort(), files);
  }));

Deno.test("runQat() goes on with all that was known of a prepared model: target, units, islands, rewrites, task", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const options = { ...SMALL, model, out: `${dir}/a`, target: "arm", keepFloat: ["dense"] };
    const first = await runQat(options);
    const again = await runQat({ ...SMALL, model: `${dir}/a/qat`, out: `${dir}/b` });
    assert.equal(again.target?.name, "arm");
    assert.deepEqual(again.islands, first.islands);
    assert.ok((first.islands ?? []).length > 0);
    assert.deepEqual(again.rewrites, first.rewrites);
    const kinds = (report: typeof first) => report.layers?.map(({ name, kind }) => `${name} ${kind}`);
    assert.deepEqual(kinds(again), kinds(first));
    assert.deepEqual(again.recipe?.resolved, first.recipe?.resolved);
    const record = recordOf((await loadLayersModel(`${dir}/b/qat`)).model);
    assert.deepEqual([record?.target, record?.task, record?.units.length], ["arm", "classification", 3]);
    await assert.rejects(
      runQat({ ...SMALL, model: `${dir}/a/qat`, out: `${dir}/c`, target: "x86" }),
      /Cannot use --target/,
    );
  }));

Deno.test("runQat() warns of a rule that no layer matches, and refuses it before training when strict", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const recipe = `${dir}/recipe.json`;
    Deno.writeTextFileSync(
      recipe,
      JSON.stringify({ rules: [{ match: { name: "cnov" }, then: { observer: "min-max" } }] }),
    );
    const log: string[] = [];
    const strict = runQat({ ...SMALL, model, recipe, strict: true, out: `${dir}/out` }, {
      onStep: () => assert.fail(),
    });
    await assert.rejects(strict, {
      message: 'Cannot quantize layers of "tiny": none is called "cnov" (did you mean "conv"?)',
    });
    await dryRun({ ...SMALL, model, recipe }, { log: (line) => log.push(line) });
    assert.ok(
      log.includes('Warning: a rule of the recipe is for no layer: none is called "cnov" (did you mean "conv"?).'),
    );
  }));

Deno.test("dryRun() says what would be quantized, and trains and writes nothing", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const before = contentsOf(dir);
    const options = { ...SMALL, model, out: `${dir}/out`, keepFloat: ["dense"], perChannel: false };
    const record = await dryRun(options, { onStep: () => assert.fail() });
    assert.deepEqual(contentsOf(dir), before);
    const [conv, dense] = ["conv", "dense"].map((name) => record.layers.find(({ layer }) => layer === name));
    assert.deepEqual([conv?.weights?.granularity.kind, conv?.rules], ["per-tensor", [1]]);
    assert.deepEqual([dense?.float, dense?.rules[0]], ["it was asked to stay in float", 0]);
    assert.equal(record.layers.find(({ layer }) => layer === "act")?.className, "ReLU");
  }));

const REFUSED: Readonly<Record<string, readonly [object, RegExp]>> = {
  "an unknown target": [{ target: "x8" }, /Cannot quantize for "x8": .*did you mean "x86"/],
  "an unknown preset": [
    { recipe: "amr" },
    /Cannot use recipe "amr": it is no JSON file, and of presets needed is one of/,
  ],
  "a recipe for another target": [{ target: "x86", recipe: "arm" }, /Cannot use --target x86 with --recipe arm/],
  "a recipe file that is not there": [{ recipe: "none/recipe.json" }, /Cannot read recipe "none\/recipe.json": /],
  "a scale a channel where the target has one a tensor": [
    { target: "qnnpack", perChannel: true },
    /scales per tensor only/,
  ],
};

for (const [name, [options, message]] of Object.entries(REFUSED)) {
  Deno.test(`runQat() refuses ${name} before it trains`, () =>
    withFolder(async (dir) => {
      const model = await save(tinyModel(), `${dir}/in`);
      const run = runQat({ ...SMALL, model, out: `${dir}/out`, ...options }, { onStep: () => assert.fail() });
      await assert.rejects(run, { message });
      assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
    }));
}
