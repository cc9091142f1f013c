import assert from "node:assert/strict";
import { saveLayersModel } from "../models/import/layers_model.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import type { DebugReport } from "../report/debug_schema.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { inputFor } from "../tests/_support/small_models.ts";
import { debugModel } from "./debug.ts";
import { save, tinyModel, withFolder } from "./_test_support.ts";
import { parseAuto } from "./debug_options.ts";

/** Saves a tiny model, prepared and calibrated, and returns its folder. */
async function savePrepared(dir: string): Promise<string> {
  await registerBackend();
  const { model } = prepareQat(tinyModel());
  await calibrate(model, [inputFor(model)]);
  await saveLayersModel(model, `${dir}/qat`);
  return `${dir}/qat`;
}

const SMALL = { data: "generated", limit: 40, samples: 8, threads: 1 };

Deno.test("debugModel() writes what it returns, with every layer's weights, bias and outputs", () =>
  withFolder(async (dir) => {
    const lines: string[] = [];
    const model = await savePrepared(dir);
    const report = await debugModel({ ...SMALL, model, out: `${dir}/debug` }, { log: (line) => lines.push(line) });
    const written: DebugReport = JSON.parse(Deno.readTextFileSync(`${dir}/debug/debug.json`));
    assert.deepEqual(written, JSON.parse(JSON.stringify(report)));
    assert.deepEqual([...Deno.readDirSync(`${dir}/debug`)].map(({ name }) => name).sort(), [
      "debug.html",
      "debug.json",
    ]);
    const weighted = report.parts.filter(({ weights }) => weights !== undefined);
    assert.deepEqual(weighted.map(({ layer }) => layer), ["conv", "conv2", "dense_linear"]);
    // The bias of the first is that of batch norm, folded: it is in the file only.
    for (const { biasDb } of weighted) assert.ok(biasDb !== undefined && (biasDb === null || biasDb > 20), `${biasDb}`);
    assert.equal(report.histograms.length, Math.min(6, report.parts.length));
    const counted = report.histograms.map(({ counts }) => counts.reduce((a, b) => a + b));
    assert.ok(counted.every((count) => count > 0 && count % 8 === 0), `of 8 samples: ${counted}`);
    assert.equal(report.data.samples, 8);
    assert.match(report.command ?? "", /^deno task debug --data generated .*--model /);
    assert.ok(lines.includes("Measuring layers on 8 samples …"));
  }));

Deno.test("debugModel() says nothing of training, of which there is none", () =>
  withFolder(async (dir) => {
    const lines: string[] = [];
    const model = await savePrepared(dir);
    await debugModel({ ...SMALL, model, out: `${dir}/debug` }, { log: (line) => lines.push(line) });
    const data = lines.filter((line) => line.startsWith("Data "));
    assert.deepEqual(data.map((line) => line.replace(/\d+/, "N")), ['Data "generated": N images to judge by.']);
    assert.deepEqual(lines.filter((line) => /train on|epoch|--batch-size/.test(line)), []);
  }));

Deno.test("debugModel() searches layers to keep in float, and times each choice", () =>
  withFolder(async (dir) => {
    const model = await savePrepared(dir);
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const { keep } = await debugModel({ ...SMALL, model, keepFloat: "auto:100", out: `${dir}/a` }, { log });
    // A tenth of the training samples is put aside.
    assert.deepEqual(keep?.metric, {
      name: "accuracy",
      unit: "fraction",
      better: "higher",
      part: "validation",
      count: 4,
    });
    const warned = "Warning: --keep-float auto:100 chooses by 4 validation samples, at least 100 are needed to tell " +
      "choices apart: more data, or a larger --limit.";
    assert.ok(lines.includes(warned), lines.join("\n"));
    for (const name of ["debug.json", "debug.html"]) {
      assert.match(Deno.readTextFileSync(`${dir}/a/${name}`), /"count": 4\b|Judged by 4 validation samples: too few/);
    }
    assert.deepEqual([keep?.best, keep?.choices.length, keep?.choices[0].layers], [0, 1, []]);
    assert.ok(keep!.choices[0].latencyMs!.p50 > 0 && keep!.floatMs!.p50 > 0 && keep!.choices[0].bytes! > 0);
  }));

Deno.test("debugModel() chooses by the test samples where there are none for validation, and warns of few only", () =>
  withFolder(async (dir) => {
    const model = await savePrepared(dir);
    const basisOf = async (limit: number) => {
      const lines: string[] = [];
      const asked = { ...SMALL, limit, model, keepFloat: "auto:100", out: `${dir}/a`, overwrite: true };
      const { keep } = await debugModel(asked, { log: (line) => lines.push(line) });
      const { part, count } = keep!.metric;
      return [
        part,
        count,
        lines.some((line) => /^Warning: --keep-float auto:100 chooses by 1 test sample, /.test(line)),
      ];
    };
    assert.deepEqual(await basisOf(1), ["test", 1, true]);
    assert.deepEqual(await basisOf(1000), ["validation", 100, false]);
  }));

Deno.test("debugModel() searches layers of a target without a file too, and times none", () =>
  withFolder(async (dir) => {
    await registerBackend();
    const { model } = prepareQat(tinyModel(), { target: "simulation" });
    await calibrate(model, [inputFor(model)]);
    await saveLayersModel(model, `${dir}/qat`);
    const { keep } = await debugModel({ ...SMALL, model: `${dir}/qat`, keepFloat: "auto:100", out: `${dir}/a` });
    assert.deepEqual([keep?.best, keep?.floatMs, Object.keys(keep!.choices[0])], [0, undefined, ["layers", "value"]]);
  }));

Deno.test("debugModel() says in one line what it cannot do, and writes nothing", () =>
  withFolder(async (dir) => {
    const model = await savePrepared(dir);
    const float = await save(tinyModel(), `${dir}/float`);
    const refused: readonly [Record<string, unknown>, RegExp][] = [
      [{ model: float }, /^Cannot debug ".*": it is a float model, needed is one that deno task qat or ptq prepared/],
      [{ model: undefined }, /^Cannot debug without --model: it is needed$/],
      [{ data: undefined }, /^Cannot debug without --data: it is needed$/],
      [{ keepFloat: "conv" }, /^Cannot use --keep-float "conv": needed is "auto:"/],
      [{ samples: 0 }, /^Cannot use --samples 0: it must be a whole number from 8/],
      [{ smaples: 9 }, /^Cannot use .*smaples.*did you mean/],
    ];
    for (const [options, message] of refused) {
      const out = `${dir}/refused`;
      await assert.rejects(debugModel({ ...SMALL, model, out, ...options }), { message });
      assert.throws(() => Deno.statSync(`${out}/debug.json`));
    }
    Deno.mkdirSync(`${dir}/full`);
    Deno.writeTextFileSync(`${dir}/full/debug.json`, "{}");
    await assert.rejects(debugModel({ ...SMALL, model, out: `${dir}/full` }), {
      name: "OutputError",
      message: /it has a report already \(debug\.json\), --overwrite replaces it$/,
    });
    await debugModel({ ...SMALL, model, out: `${dir}/full`, overwrite: true });
    assert.notEqual(Deno.readTextFileSync(`${dir}/full/debug.json`), "{}");
  }));

Deno.test("parseAuto() reads how far from float is good enough", () => {
  assert.deepEqual(["auto:0.5", "auto:2", "auto:.25"].map(parseAuto), [0.5, 2, 0.25]);
  for (const text of ["", "auto", "auto:", "auto:x", "auto:-1", "auto:1e3", "0.5"]) {
    assert.throws(() => parseAuto(text), { name: "RangeError", message: /^Cannot use --keep-float / });
  }
});
