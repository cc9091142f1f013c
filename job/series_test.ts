/** Sequences of rows from the command line's side: tables and NumPy's arrays in, a class for a sequence. */
import assert from "node:assert/strict";
import { npyBytes } from "../data/sources/_test_npy.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { Random } from "../src/numbers/random.ts";
import type { Report } from "../report/schema.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";
import { SMALL, withFolder } from "./_test_support.ts";

const JOB = { ...SMALL, floatEpochs: 4, floatLr: 1e-2, control: false, limit: 60, threads: 1 };

/** Rows of two numbers around a level far from 0, which rise in one class and fall in the other. */
function wave(i: number, steps: number): readonly (readonly [number, number])[] {
  const random = new Random(7, [i]);
  const slope = i % 2 === 0 ? 1 : -1;
  return Array.from({ length: steps }, (_, t) => [500 + 20 * slope * (t - steps / 2), random.between(-1, 1)]);
}

const COUNT = 80;
/** Rows of the i-th sequence. */
const stepsOf = (i: number) => 4 + i % 3;

/** A table of sequences of 4 to 6 lines. */
function table(): string {
  const lines = Array.from(
    { length: COUNT },
    (_, i) => wave(i, stepsOf(i)).map(([a, b]) => `s${i},${a},${b},${i % 2 === 0 ? "up" : "down"}`),
  );
  return ["sequence,level,noise,target", ...lines.flat()].join("\n");
}

function codesOf({ agreement = [] }: Report) {
  const [only] = agreement;
  assert.ok(only.compared === "codes");
  return only.different;
}

for (const arch of ["lstm", "gru"]) {
  Deno.test(`runQat() trains ${arch} on sequences of a table, of several lengths, and proves its file`, () =>
    withFolder(async (dir) => {
      Deno.writeTextFileSync(`${dir}/waves.csv`, table());
      const report = await runQat({ ...JOB, arch, data: `csv:${dir}/waves.csv`, out: `${dir}/out` });
      assertFitsSchema(report, ["accuracy"]);
      assert.deepEqual(report.model?.inputs, [{ name: "series", shape: [6, 2] }]);
      assert.ok(report.metrics[0].deployed! > 0.8, `${report.metrics[0].deployed}`);
      assert.equal(codesOf(report), 0);
      const { metadata, graph } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
      const { series } = JSON.parse(metadata.inputs);
      assert.deepEqual([series.kind, series.shape, series.columns, series.padding], [
        "series",
        [6, 2],
        ["level", "noise"],
        -32768,
      ]);
      assert.ok(Math.abs(series.mean[0] - 500) < 10 && series.std[0] > 10);
      assert.deepEqual(report.fusion?.int8, { QGemm: 1, QLinearSoftmax: 1 });
      assert.ok(graph.nodes.filter(({ op }) => op === arch.toUpperCase()).length === (arch === "gru" ? 2 : 1));
      const next = await runQat({
        ...JOB,
        floatEpochs: 0,
        model: `${dir}/out/qat`,
        data: `csv:${dir}/waves.csv`,
        out: `${dir}/b`,
      });
      assert.ok(next.metrics[0].float! > 0.8 && codesOf(next) === 0);
    }));
}

/** A folder of arrays [count, 5, 2], those behind the ends of sequences NaN. */
function writeArrays(dir: string): void {
  Deno.mkdirSync(dir, { recursive: true });
  for (const [part, first, count] of [["train", 0, COUNT], ["test", COUNT, 40]] as const) {
    const values = Array.from({ length: count }, (_, k) => {
      const rows = wave(first + k, 3 + (first + k) % 3);
      return [...rows.flat(), ...Array<number>(10 - 2 * rows.length).fill(NaN)];
    });
    Deno.writeFileSync(`${dir}/X_${part}.npy`, npyBytes({ descr: "<f8", shape: [count, 5, 2], values: values.flat() }));
    const labels = Array.from({ length: count }, (_, k) => 3 + 4 * ((first + k) % 2));
    Deno.writeFileSync(`${dir}/y_${part}.npy`, npyBytes({ descr: ">i8", shape: [count, 1], values: labels }));
  }
}

Deno.test("runQat() learns from arrays, and runPtq() makes static and dynamic files of what it wrote", () =>
  withFolder(async (dir) => {
    writeArrays(`${dir}/arrays`);
    const data = `npy:${dir}/arrays`;
    const report = await runQat({ ...JOB, data, out: `${dir}/out` });
    assert.equal(report.model?.name, "lstm");
    assert.deepEqual([report.metrics[0].count, Object(report.task.outputs[0].decoding).classNames], [40, ["3", "7"]]);
    assert.ok(report.metrics[0].deployed! > 0.8 && codesOf(report) === 0);
    const given = { model: `${dir}/out/float`, data, precise: true, threads: 1 };
    const fixed = await runPtq({ ...given, samples: 16, out: `${dir}/static` });
    assert.ok(fixed.metrics[0].deployed! > 0.8 && codesOf(fixed) === 0);
    // Ranges that are found as the file runs take the LSTM too.
    const dynamic = await runPtq({ ...given, method: "dynamic", out: `${dir}/dynamic` });
    assert.ok(dynamic.metrics[0].deployed! > 0.8 && (dynamic.fusion?.int8.DynamicQuantizeLSTM ?? 0) === 1);
  }));

Deno.test("runQat() says what does not fit where samples are sequences of rows", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/waves.csv`, table());
    const refused = (options: object, message: RegExp) =>
      assert.rejects(runQat({ ...JOB, data: `csv:${dir}/waves.csv`, out: `${dir}/out`, ...options }), message);
    await refused({ arch: "mlp" }, /the input is \[6,2\], needed are positive \[columns\]/);
    await refused({ normalize: "0..1" }, /it is for images, the data are sequences of rows/);
    await refused({ sequenceColumn: "sequences" }, /it has no column "sequences".*did you mean "sequence"/);
    await refused({ sequenceLength: 0 }, /Cannot use --sequence-length 0/);
    await refused({ data: "generated", sequenceLength: 4 }, /as sequences of lines: it has no columns/);
  }));
