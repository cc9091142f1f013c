/** Sequences from the command line's side: tokens in, a class for a sample or for each of its positions. */
import assert from "node:assert/strict";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import type { Report } from "../report/schema.ts";
import { runQat } from "./qat.ts";
import { save, SMALL, tinyModel, withFolder } from "./_test_support.ts";

/** Codes of the only output that were compared between simulation and file, and how many of them differ. */
function codesOf({ agreement = [] }: Report): { readonly count: number; readonly different: number } {
  const [only] = agreement;
  assert.ok(only.compared === "codes");
  return { count: only.count, different: only.different };
}

const JOB = { ...SMALL, floatEpochs: 1, control: false };

Deno.test("runQat() learns a class at each position, proves the file, and goes on with what it wrote", () =>
  withFolder(async (out) => {
    const log: string[] = [];
    const data = "generated:sorting";
    const report = await runQat({ ...JOB, data, out: `${out}/a` }, { log: (line) => log.push(line) });
    assertFitsSchema(report, ["accuracy"]);
    assert.equal(report.model?.name, "transformer");
    assert.deepEqual(report.metrics.map(({ name, count }) => [name, count]), [
      ["token accuracy", 40],
      ["sequence accuracy", 40],
    ]);
    assert.deepEqual(report.data?.facts, ["10 classes"]);
    assert.ok(log.includes('Data "sorting": 36 samples to train on, 4 to choose the best epoch by, 40 to judge by.'));
    assert.ok(
      log.some((line) =>
        /^float\/model\.json is for TF\.js after registerLayers\(\) .* \(PositionEmbedding\)/.test(line)
      ),
    );
    assert.deepEqual(codesOf(report), { count: 40 * 10 * 10, different: 0 });
    // Positions are added and layers normalized in float; all products are on codes.
    const ops = (report.fusion?.float ?? []).map(({ op }) => op);
    assert.deepEqual([...new Set(ops)].sort(), ["Add", "LayerNormalization", "Reshape"]);
    const { graph, metadata } = decodeModel(Deno.readFileSync(`${out}/a/model.int8.onnx`));
    assert.deepEqual(graph.types.get("tokens"), { dtype: "int32", shape: ["batch", 10] });
    const told = JSON.parse(metadata?.inputs ?? "{}");
    assert.deepEqual([told.tokens.kind, told.tokens.vocabulary.length], ["tokens", 10]);
    assert.match(JSON.parse(metadata?.outputs ?? "{}").softmax.answer, /at each position/);
    assert.equal(Deno.readTextFileSync(`${out}/a/labels.txt`), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    const next = await runQat({ ...SMALL, model: `${out}/a/qat`, data, out: `${out}/b` });
    assert.equal(codesOf(next).different, 0);
  }));

for (const arch of ["lstm", "gru", "transformer"]) {
  Deno.test(`runQat() trains ${arch} on brackets of several lengths and proves its file`, () =>
    withFolder(async (out) => {
      const report = await runQat({ ...JOB, limit: 24, arch, data: "generated:brackets", out: `${out}/a` });
      assert.deepEqual(report.metrics.map(({ name }) => name), ["accuracy"]);
      assert.equal(codesOf(report).different, 0);
      const { metadata } = decodeModel(Deno.readFileSync(`${out}/a/model.int8.onnx`));
      assert.equal(JSON.parse(metadata?.inputs ?? "{}").tokens.padding, 0);
    }));
}

Deno.test("runQat() says what does not fit where data or model are sequences", () =>
  withFolder(async (out) => {
    const tiny = await save(tinyModel(), `${out}/tiny`);
    const refused = (options: object, message: RegExp) => assert.rejects(runQat({ ...JOB, out, ...options }), message);
    await refused(
      { data: "generated:sorting", arch: "cifar_cnn" },
      /the input is \[10\] of tokens, needed are positive/,
    );
    await refused({ data: "generated:sorting", arch: "mlp" }, /the input is \[10\] of tokens/);
    await refused(
      { data: "generated:brackets", normalize: "0..1" },
      /it is for images, the data are sequences of tokens/,
    );
    await refused({ data: "generated:brackets", task: "regression" }, /the data's targets are classes, real numbers/);
    await refused({ data: "generated:brackets", model: tiny, floatEpochs: 0 }, /Cannot feed "brackets train"/);
    await refused({ data: "generated:bracket" }, /did you mean "generated:brackets"/);
  }));
