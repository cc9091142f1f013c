import assert from "node:assert/strict";
import type { Report } from "../../report/schema.ts";
import { assertFitsSchema } from "../../tests/_support/report_schema.ts";
import { save, tinyModel, withFolder } from "../_test_support.ts";
import { runPtq } from "../ptq.ts";
import type { PtqOptions } from "../ptq_options.ts";

/** Options of the smallest job. */
const QUICK = { samples: 16, limit: 20, precise: true, threads: 1, overwrite: true } satisfies PtqOptions;

Deno.test("runPtq() makes ranges symmetric, and smooths by an alpha of its own, convolutions too", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const options = { ...QUICK, model, calibrate: "generated", data: "generated", out: `${dir}/out` };
    const report = await runPtq({
      ...options,
      symmetric: true,
      observer: "moving-average",
      smooth: true,
      smoothAlpha: 0.75,
      smoothConvolutions: true,
    });
    assertFitsSchema(report, ["accuracy"]);
    assert.deepEqual([report.ptq?.calibration?.isSymmetric, report.ptq?.calibration?.observers], [
      true,
      ["moving-average"],
    ]);
    const zeros = report.layers?.filter(({ zeroPoint }) => zeroPoint !== undefined).map(({ zeroPoint }) => zeroPoint);
    // The picture, and what stands before the softmax, are around 0; behind ReLUs they start there, and pooling keeps that.
    assert.deepEqual(new Set(zeros), new Set([0, 128]));
    const { effects } = report.ptq?.steps?.find(({ name }) => name === "smooth") ?? { effects: [] };
    assert.ok(effects.some(({ layer }) => layer === "conv2"));
    const other = await runPtq({ ...options, smooth: true, smoothConvolutions: true });
    const after = ({ ptq }: Report) =>
      ptq?.steps?.find(({ name }) => name === "smooth")?.effects.map(({ after }) => after);
    assert.notDeepEqual(after(other), after(report));
    await assert.rejects(runPtq({ ...options, smoothAlpha: 0.5 }), /Cannot use --smooth-alpha without --smooth/);
    await assert.rejects(runPtq({ ...options, smooth: true, smoothAlpha: 2 }), /it must be a number from 0 to 1/);
    await assert.rejects(runPtq({ model, method: "weights", symmetric: true }), /Cannot use --symmetric with --method/);
  }));

/** What the article on ResNet-18 and ShuffleNetV2 tries over its models, a row each. */
const ROWS: Readonly<Record<string, Partial<PtqOptions>>> = {
  "per channel": { perChannel: true },
  "reduced range": { reduceRange: true },
  "symmetric ranges": { symmetric: true },
  "moving average": { observer: "moving-average" },
  "the first stage in float": { keepFloat: ["stage:first"] },
  "dense layers in float": { keepFloat: ["kind:Dense"] },
  "ReLUs in float": { keepFloat: ["kind:relu"] },
};

Deno.test("runPtq() has every row of the article's table, each of which changes the file", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const run = async (options: Partial<PtqOptions>) => {
      const report = await runPtq({
        ...QUICK,
        model,
        calibrate: "generated",
        perChannel: false,
        ...options,
        out: `${dir}/out`,
      });
      return { report, bytes: Deno.readFileSync(`${dir}/out/model.int8.onnx`) };
    };
    const plain = await run({});
    for (const [name, options] of Object.entries(ROWS)) {
      const { bytes, report } = await run(options);
      assert.notDeepEqual(bytes, plain.bytes, name);
      assert.ok((report.sqnr?.[0].deployed ?? 0) > 5, name);
    }
    const kept = (await run({ keepFloat: ["kind:Dense"] })).report;
    assert.ok(kept.islands?.some(({ layer }) => layer === "dense_linear"));
    assert.ok((kept.fusion?.float.length ?? 0) > (plain.report.fusion?.float.length ?? 0));
  }));
