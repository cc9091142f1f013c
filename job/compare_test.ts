import assert from "node:assert/strict";
import { Random } from "../src/numbers/random.ts";
import { SCHEMA } from "../report/schema.ts";
import { compareKept, compareModels } from "../tasks/uncertainty/mod.ts";
import { regression } from "../tasks/regression/regression.ts";
import { bindTasks } from "../tasks/bind.ts";
import { measureAll } from "../tasks/task.ts";
import { points, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { describePairing, readPairing } from "./_pairing.ts";
import { compareRuns } from "./compare.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";

const PTQ = { samples: 16, limit: 40, threads: 1, precise: true, data: "generated" } as const;

Deno.test("compareRuns() tells what runs differ in, and compares them in pairs on the same samples", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const first = await runPtq({ ...PTQ, model, out: `${dir}/a` });
    const second = await runPtq({ ...PTQ, model, out: `${dir}/b`, observer: "mse", reduceRange: true });
    const trained = await runQat({ ...SMALL, model, epochs: 2, threads: 1, out: `${dir}/c` });
    const runs = ["a", "b", "c"].map((name) => `${dir}/${name}`);
    const report = await compareRuns({ runs, out: `${dir}/compared` });
    assert.deepEqual(
      report.runs.map(({ name, job }) => [name, job]),
      runs.map((name, i) => [name, i < 2 ? "ptq" : "qat"]),
    );
    const options = Object.fromEntries(report.options.map(({ name, values }) => [name, values]));
    assert.deepEqual([options.observer, options["reduce-range"], options.job], [
      ["", "mse", ""],
      ["false", "true", "false"],
      ["ptq", "ptq", "qat"],
    ]);
    assert.ok(!("epochs" in options), "of one job alone");
    assert.ok(!("out" in options) && !("model" in options));
    await runQat({ ...SMALL, model, epochs: 4, threads: 1, out: `${dir}/d` });
    const trainings = await compareRuns({ runs: [`${dir}/c`, `${dir}/d`] });
    assert.deepEqual(trainings.options.map(({ name, values }) => [name, values]), [["epochs", ["2", "4"]]]);
    const [{ name, values }] = report.metrics;
    assert.equal(name, "accuracy");
    assert.deepEqual(
      values.map(({ value }) => value),
      [first, second, trained].map(({ metrics: [{ deployed }] }) => deployed),
    );
    assert.equal(values[0].change, undefined);
    for (const { change } of values.slice(1)) assert.ok(change?.test === "mcnemar" && change.low <= change.high);
    // The first and its own: nothing changes.
    Deno.mkdirSync(`${dir}/again`);
    Deno.copyFileSync(`${dir}/a/report.json`, `${dir}/again/report.json`);
    const [{ values: [, same] }] = (await compareRuns({ runs: [`${dir}/a`, `${dir}/again`] })).metrics;
    assert.equal(same.change?.p, 1);
    assert.deepEqual(report.notes, []);
    assert.deepEqual(report.curves.map(({ series }) => series.map(({ run, points }) => [run, points.length])), [
      [[`${dir}/c`, 2]],
      [[`${dir}/c`, 2]],
    ]);
    assert.deepEqual(
      JSON.parse(Deno.readTextFileSync(`${dir}/compared/compare.json`)),
      JSON.parse(JSON.stringify(report)),
    );
    assert.match(Deno.readTextFileSync(`${dir}/compared/compare.html`), /The best of 3 runs is /);
    await assert.rejects(
      compareRuns({ runs, out: `${dir}/compared` }),
      /it is there already, --overwrite replaces it$/,
    );
    await compareRuns({ runs, out: `${dir}/compared`, overwrite: true });
  }));

Deno.test("what is kept of a metric gives the change that comparing the models themselves gives", () => {
  const random = new Random(3);
  const targets = { y: Float32Array.from({ length: 60 }, () => random.between(-1, 1)) };
  const task = bindTasks({ task: regression() }, { outputs: [{ name: "y", shape: [1] }], model: "net" });
  const answering = (noise: number) => {
    const values = targets.y.map((target) => target + noise * random.between(-1, 1));
    const judged = { answers: { y: { values, shape: [60, 1] } }, targets };
    return { task, ...judged, metrics: measureAll(task, judged) };
  };
  const models = [answering(0.5), answering(0.4)];
  const [before, after] = compareModels(models);
  const set = points(60, { seed: 1, noise: 0 });
  const [a, b] = [before, after].map(([{ draws }]) => {
    const { pairing } = describePairing({ kind: "draws", draws: draws!, samples: 60 }, set);
    return readPairing(pairing!);
  });
  const change = a && b && compareKept(a, b);
  const { change: expected } = after[0];
  assert.ok(Math.abs(change!.low - expected!.low) < 1e-6 && Math.abs(change!.high - expected!.high) < 1e-6);
  assert.equal(change!.p, expected!.p);
  const hits = Float64Array.of(1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1);
  const { pairing } = describePairing({ kind: "hits", hits }, set);
  assert.deepEqual([pairing?.bytes, readPairing(pairing!)], ["2QY=", { kind: "hits", hits }]);
  assert.equal(readPairing({ ...pairing!, count: 20 }), undefined);
  assert.equal(readPairing({ ...pairing!, bytes: "?" }), undefined);
});

Deno.test("compareRuns() reads metrics.csv of all stages where there is one, and says what it cannot compare", () =>
  withFolder(async (dir) => {
    const metric = {
      name: "MAE",
      output: "y",
      unit: "px",
      better: "lower",
      float: 2,
      simulated: 2.5,
      deployed: 2.5,
      count: 10,
    };
    const report = (own: object) => ({
      schema: SCHEMA,
      task: { name: "regression", outputs: [] },
      metrics: [metric],
      options: { lr: 0.1, out: "x" },
      train: { epochs: [{ epoch: 1, loss: 3, metrics: [{ simulated: 4 }] }] },
      ...own,
    });
    const put = (name: string, content: unknown) => {
      Deno.mkdirSync(`${dir}/${name}`, { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      Deno.writeTextFileSync(`${dir}/${name}/report.json`, text);
      return `${dir}/${name}`;
    };
    const a = put("a", report({}));
    const b = put(
      "b",
      report({
        metrics: [{ ...metric, deployed: 2.2 }],
        pairing: { samples: "s", count: 10, kind: "hits", bytes: "//8=" },
      }),
    );
    Deno.writeTextFileSync(
      `${b}/metrics.csv`,
      "stage,epoch,training loss,float MAE,simulated MAE\r\nfloat,1,9,5,\r\nqat,1,7,,4.5\r\nqat,2,NaN,,\r\n",
    );
    const { curves, notes, metrics: [{ values }], options } = await compareRuns({ runs: [a, b] });
    assert.deepEqual(curves.map(({ series }) => series.map(({ points }) => points)), [
      [[[1, 3]], [[1, 9], [2, 7]]],
      [[[1, 4]], [[1, 5], [2, 4.5]]],
    ]);
    assert.deepEqual(values.map(({ value }) => value), [2.5, 2.2]);
    assert.deepEqual([notes, options], [[`Not compared in pairs: "${a}", which kept no answers to samples.`], []]);
    const refused = (content: unknown, message: RegExp) =>
      assert.rejects(compareRuns({ runs: [a, put("c", content)] }), { message });
    await refused(
      report({ task: { name: "classification" } }),
      /they learned regression and classification, runs of one task/,
    );
    await refused(
      report({ metrics: [{ ...metric, unit: "mm" }] }),
      /judged by MAE in px and MAE in mm, one metric is needed$/,
    );
    await refused(report({ metrics: [] }), /nothing in it was judged/);
    await refused(
      report({ metrics: [{ ...metric, deployed: "2" }] }),
      /metrics\[0\]\.deployed is "2", a number is needed$/,
    );
    await refused(report({ schema: 1 }), /has the schema 1, needed is/);
    await refused("{", /its report\.json cannot be read: it is not valid JSON/);
    await refused([], /report\.json is \[\], an object is needed/);
    await refused(report({ metrics: 7 }), /report\.json\.metrics is 7, a list is needed$/);
    await assert.rejects(
      compareRuns({ runs: [a, `${dir}/none`] }),
      /there is no report\.json, the folder of a run that has ended/,
    );
    await assert.rejects(compareRuns({ runs: [a] }), /Cannot compare 1 run: the folders of 2 to 100 are needed/);
    await assert.rejects(compareRuns({ runs: [a, a] }), /with itself/);
    Deno.writeTextFileSync(`${b}/metrics.csv`, 'a,"b\r\n');
    await assert.rejects(compareRuns({ runs: [a, b] }), /its metrics\.csv cannot be read/);
  }));
