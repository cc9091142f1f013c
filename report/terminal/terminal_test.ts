import assert from "node:assert/strict";
import { calibratedReport, residualReport, trainedReport } from "../_test_sample_report.ts";
import { landmarksReport, simulatedReport } from "../_test_sample_tasks.ts";
import { formatReport } from "./terminal.ts";

const samples = { trainedReport, residualReport, calibratedReport, landmarksReport, simulatedReport };

function stripAnsi(text: string): string {
  // deno-lint-ignore no-control-regex -- the escape character is what is looked for
  return text.replace(/\x1b\[\d+m/g, "");
}

function lineOf(text: string, start: string): string {
  const line = text.split("\n").find((candidate) => candidate.startsWith(start));
  assert.ok(line !== undefined, `no line starts with "${start}"`);
  return line;
}

Deno.test("formatReport() writes the report's numbers", () => {
  const text = formatReport(trainedReport());
  assert.match(lineOf(text, "float "), /93\.34%/);
  assert.match(lineOf(text, "simulated"), /93\.28% +-0\.06/);
  assert.match(lineOf(text, "deployed"), /93\.26% +-0\.08/);
  assert.match(lineOf(text, "agreement"), /99\.94% .*41 of 100,000 output codes differ, by 1 at most/);
  assert.match(lineOf(text, "median"), /1\.42 ms +0\.446 ms +3\.2× as fast/);
  assert.match(lineOf(text, "95th"), /1\.71 ms +0\.610 ms/);
  assert.match(lineOf(text, "file"), /1\.16 MB +312 kB +3\.7× smaller/);
  assert.match(text, /^11 operators in int8, none in float$/m);
  assert.match(text, /6 QLinearConv, 3 MaxPool, 1 QGemm/);
  assert.match(text, /^model\.int8\.onnx +312 kB +int8 model$/m);
});

Deno.test("formatReport() names every float operator with its layer and reason", () => {
  const text = formatReport(residualReport(), { width: 100 });
  assert.match(text, /^Sigmoid {2}swish {2}class "Swish" has no integer kernel; Q\/DQ is closed around it$/m);
  assert.match(text, /^Mul {6}swish {2}class "Swish" has no integer kernel/m);
});

Deno.test("formatReport() lists an island that has no float operator, and counts what it does not list", () => {
  const op = { op: "Tanh", node: "n", layer: "l", because: "has no integer kernel" };
  const report = {
    ...calibratedReport(),
    fusion: { int8: {}, float: Array(25).fill(op) },
    islands: [{ layer: "lambda", because: "is of an unknown class" }],
  };
  const text = formatReport(report);
  assert.equal(text.match(/^Tanh /gm)?.length, 20);
  assert.match(text, /5 more in the report/);
  assert.match(text, /^island +lambda +is of an unknown class$/m);
});

Deno.test("formatReport() aligns the ends of numbers", () => {
  const lines = formatReport(trainedReport()).split("\n");
  const ends = lines.filter((line) => /^(float|swapped|adapted|simulated|deployed|agreement) /.test(line))
    .map((line) => line.indexOf("%"));
  assert.equal(ends.length, 6);
  assert.equal(new Set(ends).size, 1);
  const float = lines.filter((line) => /^(median|95th|file) /.test(line)).map((line) => line.search(/(ms|B) /));
  const head = lines.find((line) => /^ +float +int8$/.test(line)) ?? "";
  assert.deepEqual(float.map((at) => at > 0), [true, true, true]);
  assert.equal(head.indexOf("float") + "float".length, (float[0] ?? 0) + 2);
});

Deno.test("formatReport() stays within the width", () => {
  for (const sample of Object.values(samples)) {
    for (const width of [40, 57, 80, 100, 300]) {
      for (const line of formatReport(sample(), { width }).split("\n")) {
        assert.ok([...line].length <= Math.min(width, 100), `${width}: ${line}`);
      }
    }
  }
});

Deno.test("formatReport() never cuts a number, however narrow", () => {
  const text = formatReport(residualReport(), { width: 40 });
  for (const number of ["90.18%", "89.51%", "89.46%", "-0.72", "99.72%", "4.12 ms", "1.83 ms", "2.61 MB"]) {
    assert.ok(text.includes(number), number);
  }
});

Deno.test("formatReport() writes the same text with and without colour", () => {
  for (const sample of Object.values(samples)) {
    const colored = formatReport(sample(), { color: true });
    assert.notEqual(colored, formatReport(sample()));
    assert.equal(stripAnsi(colored), formatReport(sample()));
  }
});

Deno.test("formatReport() keeps to ASCII when asked", () => {
  for (const sample of Object.values(samples)) {
    assert.match(formatReport(sample(), { ascii: true }), /^[\x20-\x7e\n]*$/);
  }
});

Deno.test("formatReport() lets no name steer the terminal", () => {
  const report = { ...calibratedReport(), model: { name: "a\x1b[2Jb\nc" } };
  assert.equal(formatReport(report).split("\n")[0], "a?[2Jb?c");
});

Deno.test("formatReport() says when latency was not measured", () => {
  assert.match(formatReport(calibratedReport()), /latency was not measured/);
});
