import assert from "node:assert/strict";
import { isDone, type SweepReport } from "../report/sweep_schema.ts";
import { save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { sweep, type SweepOptions } from "./sweep.ts";

const read = (dir: string): SweepReport => JSON.parse(Deno.readTextFileSync(`${dir}/sweep.json`));
const names = ({ rows }: SweepReport) => rows.map(({ name }) => name);

/** A sweep over quantization without training: less than a second a row. */
async function ptqSweep(dir: string, more: Partial<SweepOptions> = {}): Promise<SweepOptions> {
  const model = await save(tinyModel(), `${dir}/in`);
  const options = { model, data: "generated", limit: 40, samples: 16, threads: 1, precise: true };
  return {
    of: "ptq",
    options,
    out: `${dir}/sweep`,
    over: ["observer=default,mse", "equalize=false,true"],
    ...more,
  } as SweepOptions;
}

Deno.test("sweep() runs every row, tells the best, and does nothing twice", () =>
  withFolder(async (dir) => {
    const asked = await ptqSweep(dir);
    const report = await sweep(asked);
    assert.deepEqual(names(report), [
      "observer=default,equalize=false",
      "observer=default,equalize=true",
      "observer=mse,equalize=false",
      "observer=mse,equalize=true",
    ]);
    assert.deepEqual(report.options, ["observer", "equalize"]);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), read(`${dir}/sweep`));
    const done = report.rows.filter(isDone);
    const best = done.reduce((a, b) => (b.value ?? 0) > (a.value ?? 0) ? b : a);
    assert.equal(report.rows[report.best!].name, best.name);
    for (const { name, value, interval, change, latencyMs, bytes, count } of done) {
      const { metrics } = JSON.parse(Deno.readTextFileSync(`${dir}/sweep/${name}/report.json`));
      assert.deepEqual([value, interval, change, count], [
        metrics[0].deployed,
        metrics[0].intervals.deployed,
        metrics[0].change,
        40,
      ]);
      assert.ok(latencyMs!.file > 0 && bytes! > 0);
    }
    const [head, ...lines] = Deno.readTextFileSync(`${dir}/sweep/sweep.csv`).trimEnd().split("\n");
    assert.match(head, /^row,observer,equalize,accuracy,low,high,float,/);
    assert.deepEqual(lines.map((line) => line.split('"')[1]), names(report));
    assert.match(Deno.readTextFileSync(`${dir}/sweep/sweep.html`), /The best of 4 rows is observer=/);
    const times = () => names(report).map((name) => Deno.statSync(`${dir}/sweep/${name}/report.json`).mtime);
    const before = times();
    assert.deepEqual(JSON.parse(JSON.stringify(await sweep(asked))), read(`${dir}/sweep`));
    assert.deepEqual(times(), before);
    const other = { ...asked, over: ["observer=mse"] };
    await assert.rejects(sweep(other), { name: "OutputError", message: /another sweep \(sweep\.json\), --overwrite/ });
    assert.deepEqual(names(await sweep({ ...other, overwrite: true })), ["observer=mse"]);
  }));

Deno.test("sweep() goes on in the middle of a row that trains, and gives what an undisturbed one gives", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const { overwrite: _, epochs: __, ...small } = SMALL;
    const asked = { of: "qat", options: { ...small, model, epochs: 3, threads: 1 }, over: ["lr=1e-3,1e-4"] } as const;
    const control = new AbortController();
    let steps = 0;
    const stopped = sweep({ ...asked, out: `${dir}/a` }, {
      signal: control.signal,
      // In the second epoch of the second row.
      onStep: () => ++steps === 9 && control.abort(new Error("enough")),
    });
    await assert.rejects(stopped, /enough/);
    assert.deepEqual(names(read(`${dir}/a`)), ["lr=0.001"]);
    assert.ok(Deno.statSync(`${dir}/a/lr=0.0001/run/run.json`).isFile);
    let again = 0;
    const report = await sweep({ ...asked, out: `${dir}/a` }, { onStep: () => void again++ });
    assert.ok(again < 6, `${again} steps`);
    const whole = await sweep({ ...asked, out: `${dir}/b` });
    const values = ({ rows }: SweepReport) => rows.map((row) => isDone(row) ? [row.name, row.value, row.float] : row);
    assert.deepEqual(values(report), values(whole));
    const bytes = (side: string) => Deno.readFileSync(`${dir}/${side}/lr=0.0001/model.int8.onnx`);
    assert.deepEqual(bytes("a"), bytes("b"));
  }));

Deno.test("sweep() leaves out rows that fail, judges by noise where there are no answers, and reads rows from files", () =>
  withFolder(async (dir) => {
    const grid = `${dir}/rows.json`;
    const rows = [{ name: "plain" }, { name: "none", options: { "keep-float": ["nowhere"] } }, {
      name: "smooth",
      options: { smooth: true, "smooth-alpha": 0.7, "smooth-convolutions": true },
    }];
    Deno.writeTextFileSync(grid, JSON.stringify({ rows }));
    const { options } = await ptqSweep(dir);
    const { data: _, ...noData } = options as Record<string, unknown>;
    const given = {
      of: "ptq",
      options: { ...noData, calibrate: "generated" },
      grid,
      out: `${dir}/sweep`,
    } as SweepOptions;
    const report = await sweep(given);
    assert.deepEqual(names(report), ["plain", "none", "smooth"]);
    const [plain, none] = report.rows;
    assert.ok(isDone(plain) && plain.value! > 5 && plain.float === null);
    assert.ok(!isDone(none) && /none is called "nowhere"/.test(none.because));
    assert.deepEqual(report.metric, { name: "signal to noise", unit: "dB", better: "higher" });
    assert.deepEqual(report.rows.map(({ values }) => values), [
      ["default", "default", "default", "default"],
      ["nowhere", "default", "default", "default"],
      ["default", "true", "0.7", "true"],
    ]);
  }));

Deno.test("sweep() refuses rows that make no sense before the first is run", () =>
  withFolder(async (dir) => {
    const asked = await ptqSweep(dir);
    const refused = (more: object, message: RegExp) =>
      assert.rejects(sweep({ ...asked, ...more } as SweepOptions), { message });
    await refused(
      { over: ["bits=8,4"] },
      /^Cannot sweep, in the row "bits=4": cannot use --bits 4 with --method static/,
    );
    await refused({ over: ["smooth-alpha=0.5"] }, /in the row "smooth-alpha=0\.5": cannot use --smooth-alpha without/);
    await refused({ over: undefined }, /one of --over and --grid is needed/);
    await refused({ grid: "x.json" }, /one of --over and --grid is needed/);
    await refused({ over: undefined, grid: `${dir}/none.json` }, /^Cannot read the grid ".*none\.json": /);
    await refused({ of: "pqt" }, /Cannot sweep over "pqt": needed is one of qat, ptq \(did you mean/);
    await refused(
      { over: ["keep-float=nowhere"] },
      /^Cannot sweep: no row could be run, the first because cannot keep/,
    );
    assert.deepEqual(names(read(`${dir}/sweep`)), ["keep-float=nowhere"]);
  }));
