import assert from "node:assert/strict";
import { trainedReport } from "../../report/_test_sample_report.ts";
import { figuresOf, type Result, type Results } from "./_figures.ts";
import { JOBS } from "./_jobs.ts";
import { MARKS, readmeBlock, replaceBlock, resultsPage } from "./_markdown.ts";
import { machineOf } from "./_origin.ts";

const read = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

/** Spaces of tables are `deno fmt`'s. */
const squeezed = (markdown: string) => markdown.replace(/ {2,}|-{3,}/g, (run) => run[0]).replace(/\s+/g, " ");

Deno.test("the README's results and docs/results.md are those of docs/results.json", () => {
  const results: Results = JSON.parse(read("docs/results.json"));
  assert.ok(squeezed(read("README.md")).includes(squeezed(readmeBlock(results))));
  assert.equal(squeezed(read("docs/results.md")).trim(), squeezed(resultsPage(results)).trim());
});

Deno.test("every job of the README has a result", () => {
  const { jobs }: Results = JSON.parse(read("docs/results.json"));
  for (const { name, seeds, shown } of JOBS) {
    if (shown === "page") continue;
    for (const seed of seeds) {
      assert.ok(jobs.some((result) => result.job === name && result.seed === seed), `${name}, seed ${seed}`);
    }
  }
});

const RESULT: Result = {
  job: JOBS[0].name,
  seed: JOBS[0].seeds[0],
  command: "deno task qat --epochs 8 --seed 0",
  commit: "abc",
  machine: "2 cores",
  date: "2026-11-27",
  seconds: 100,
  figures: {
    metric: "accuracy",
    unit: "fraction",
    count: 1000,
    float: 0.95,
    reference: "control",
    others: { original: 0.91 },
    simulated: 0.946,
    deployed: 0.945,
    change: { low: -0.012, high: 0.002, p: 0.18 },
    alike: 0.999,
    codes: { different: 17, count: 10_000, most: 1 },
    operators: { int8: 13, float: 0 },
    speedup: 2,
    shrinkage: 3.5,
  },
};

Deno.test("readmeBlock() writes where figures are from, and a row a job", () => {
  const lines = readmeBlock({ jobs: [RESULT] }).split("\n");
  assert.equal(lines[0], "Commit abc; 2 cores; 2026-11-27.");
  assert.equal(lines.length, 5);
  assert.equal(
    lines[4],
    `| ${
      JOBS[0].what
    } | 0 | 95.00 %; original 91.00 % | 94.60 % | 94.50 % of 1,000 | −1.20 to +0.20; 0.18 | 99.90 % | ` +
      "17 of 10,000, by 1 at most | 13 of 13 operators |",
  );
});

Deno.test("readmeBlock() says what a step takes against PyTorch's, where that was there", () => {
  const net = {
    floatMs: 10,
    qatMs: 12,
    wasmFloatMs: null,
    torchFloatMs: 11,
    torchQatMs: 20,
    peakRssMb: 300,
    torchPeakRssMb: 400,
  };
  const step = {
    commit: "abc",
    machine: "2 cores",
    date: "2026-11-27",
    nets: { one: net, two: { ...net, qatMs: 14 } },
  };
  assert.match(
    readmeBlock({ jobs: [], step }),
    /takes 1\.20 to 1\.40 times a float step, 0\.60 to 0\.70 of the time of PyTorch's QAT step and 0\.75 of its memory/,
  );
});

Deno.test("replaceBlock() replaces what is between the marks, and nothing else", () => {
  const text = `a\n${MARKS.start}\nold\n${MARKS.end}\nb`;
  assert.equal(replaceBlock(text, "new"), `a\n${MARKS.start}\n\nnew\n\n${MARKS.end}\nb`);
  assert.throws(() => replaceBlock("a", "new"), /are needed/);
});

Deno.test("machineOf() names the processor and whether it has VNNI", () => {
  const text = (flags: string) => `processor : 0\nmodel name\t: Some CPU\nflags\t\t: fpu ${flags}\n`;
  assert.match(machineOf(text("avx2")), /cores of Some CPU \(avx2 without VNNI\)$/);
  assert.match(machineOf(text("avx2 avx512f avx512_vnni")), /\(avx512_vnni\)$/);
  assert.match(machineOf(""), /cores of \S+ \S+$/);
});

Deno.test("figuresOf() keeps the first metric, agreement, operators and ratios of a report", () => {
  const report = trainedReport();
  const figures = figuresOf(report);
  assert.equal(figures.float, report.metrics[0].float);
  assert.equal(figures.deployed, report.metrics[0].deployed);
  assert.deepEqual(figures.codes, { different: 41, count: 100_000, most: 1 });
  assert.deepEqual(figures.operators, { int8: 8, float: 0 });
  assert.equal(figures.speedup, report.latencyMs!.float.p50 / report.latencyMs!.deployed.p50);
});
