import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import { widthOf } from "./_width.ts";
import { renderSweep } from "./html/sweep.ts";
import { sweepCsv } from "./sweep_csv.ts";
import type { DoneRow, SweepReport } from "./sweep_schema.ts";
import { bestRowOf, sweepSentence } from "./sweep_words.ts";
import { formatSweep } from "./terminal/sweep.ts";

const done = (name: string, value: number | null, ms: number): DoneRow => ({
  name,
  values: [name, 'a "b", c'],
  float: 2,
  value,
  count: 100,
  interval: { low: 1.9, high: 2.4, confidence: 0.95 },
  change: { low: -0.1, high: 0.3, confidence: 0.95, p: 0.25, test: "bootstrap" },
  latencyMs: { float: 4, file: ms },
  bytes: 1000,
  seconds: 12.3456,
});

const REPORT: SweepReport = {
  schema: 1,
  kind: "sweep",
  of: "ptq",
  options: ["observer", "keep-float"],
  metric: { name: "MAE", unit: "px", better: "lower" },
  rows: [done("mse", 2.2, 1), done("<i>", 2.1, 2), done("none", null, 1), {
    name: "failed",
    values: ["x", "y"],
    because: "cannot <do> it",
  }],
  count: 5,
  best: 1,
  command: "deno task sweep ptq",
  machine: "linux",
  versions: { deno: "2.9.6" },
};

Deno.test("bestRowOf() takes the best value by the metric's direction, of equal ones the first", () => {
  assert.equal(bestRowOf(REPORT), 1);
  assert.equal(bestRowOf({ ...REPORT, metric: { name: "F1", unit: "fraction", better: "higher" } }), 0);
  assert.equal(bestRowOf({ ...REPORT, rows: [done("a", 2, 1), done("b", 2, 1)] }), 0);
  assert.equal(bestRowOf({ ...REPORT, rows: REPORT.rows.slice(2) }), undefined);
});

Deno.test("sweepSentence() names the best row with its options, and how many are still to be run", () => {
  assert.equal(
    sweepSentence(REPORT),
    'The best of 3 rows is <i> (observer <i>, keep-float a "b", c): MAE 2.100 px, float 2.000 px. 1 row is still to be run.',
  );
  const plain = {
    ...REPORT,
    options: [],
    rows: [{ ...done("plain", 2.1, 2), values: [] }, REPORT.rows[0]],
    count: 2,
    best: 0,
  };
  assert.equal(sweepSentence(plain), "The best of 2 rows is plain: MAE 2.100 px, float 2.000 px.");
  const { best: _, ...none } = REPORT;
  assert.equal(sweepSentence({ ...none, count: 4 }), "No row could be judged.");
});

Deno.test("formatSweep() stays within any terminal, and says why rows were left out", () => {
  for (const width of [40, 60, 80, 100]) {
    for (const line of formatSweep(REPORT, { width }).split("\n")) assert.ok(widthOf(line) <= width, line);
  }
  const text = formatSweep(REPORT, { width: 100 });
  assert.match(text, /^mse +2\.200 px +-0\.100 to \+0\.300 +1\.00 ms +4\.0× +1\.00 kB +12 s$/m);
  assert.match(text, /^failed: left out: cannot <do> it$/m);
});

Deno.test("renderSweep() makes the same page of the same sweep, of names that are safe in it", () => {
  const page = renderSweep(REPORT);
  assert.equal(page, renderSweep(REPORT));
  assert.match(page, /<strong>&lt;i&gt;<\/strong>/);
  assert.match(page, /left out: cannot &lt;do&gt; it/);
  assert.match(page, /aria-label="MAE by time"/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity|<i>/);
});

Deno.test("sweepCsv() is read back by a parser, numbers in full, a row a row of the grid", () => {
  const [first, best, , failed] = parse<Record<string, string>>(sweepCsv(REPORT), { columns: true });
  assert.deepEqual([first.row, first["keep-float"], first.MAE, first.p, first.seconds, first.best], [
    "mse",
    'a "b", c',
    "2.2",
    "0.25",
    "12.346",
    "",
  ]);
  assert.deepEqual([best.best, failed.MAE, failed["left out because"]], ["yes", "", "cannot <do> it"]);
});
