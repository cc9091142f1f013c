import assert from "node:assert/strict";
import { calibratedReport, residualReport, trainedReport } from "../_test_sample_report.ts";
import { detectorReport } from "../_test_sample_pictures.ts";
import { landmarksReport, simulatedReport } from "../_test_sample_tasks.ts";
import { formatReport } from "./terminal.ts";
import type { Report } from "../schema.ts";

const samples = { trainedReport, residualReport, calibratedReport, landmarksReport, simulatedReport, detectorReport };

function stripAnsi(text: string): string {
  // deno-lint-ignore no-control-regex -- the escape character is what is looked for
  return text.replace(/\x1b\[\d+m/g, "");
}

function lineOf(text: string, start: string): string {
  const line = text.split("\n").find((candidate) => candidate.startsWith(start));
  assert.ok(line !== undefined, `no line starts with "${start}"`);
  return line;
}

/** Columns of a line whose only wide characters are Chinese, Japanese or Korean. */
function columnsOf(line: string): number {
  return [...line].reduce(
    (sum, character) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3]/.test(character) ? 2 : 1),
    0,
  );
}

Deno.test("formatReport() writes the report's numbers", () => {
  const text = formatReport(trainedReport());
  assert.match(lineOf(text, "float "), /93\.34%/);
  assert.match(lineOf(text, "simulated"), /93\.28% +-0\.06/);
  assert.match(lineOf(text, "deployed"), /93\.26% +-0\.08/);
  assert.match(lineOf(text, "agreement"), /99\.94% .*41 of 100,000 output codes differ, by 1 at most/);
  assert.match(lineOf(text, "95 of"), /95 of 100,000 output codes differ, by 2 at most/);
  assert.match(lineOf(text, "median"), /1\.42 ms +0\.446 ms +3\.2× as fast/);
  assert.match(lineOf(text, "95th"), /1\.71 ms +0\.610 ms/);
  assert.match(lineOf(text, "file"), /1\.16 MB +312 kB +3\.7× smaller/);
  assert.match(text, /^8 operators in int8, none in float$/m);
  assert.match(text, /6 QLinearConv, 1 QGemm, 1 QLinearGlobalAveragePool; codes are moved by 3 MaxPool/);
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

Deno.test("formatReport() says how many samples there were, how sure figures are, and doubts times", () => {
  const report = landmarksReport();
  const unsteady = "the slowest twentieth of the runs took 9.0 times the median and more";
  const text = formatReport({ ...report, latencyMs: { ...report.latencyMs!, unsteady } }, { width: 100 });
  assert.match(text, /^Samples: 3,148 to train, 349 to choose the epoch, 689 to test\.$/m);
  assert.match(
    text,
    /^The machine was busy, and these times say little: the slowest twentieth of the runs took 9\.0 times/m,
  );
  assert.match(lineOf(text, "float "), /3\.412% +3\.301 to 3\.524; trained on/);
  assert.doesNotMatch(formatReport(report), /busy/);
});

Deno.test("formatReport() stays within the width", () => {
  for (const sample of Object.values(samples)) {
    for (const width of [40, 57, 80, 100, 300]) {
      for (const line of formatReport(sample(), { width }).split("\n")) {
        assert.ok(columnsOf(line) <= Math.min(width, 100), `${width}: ${line}`);
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

Deno.test("formatReport() keeps columns in line where names are written in wide characters", () => {
  const names = ["畳み込み層", "conv", "정규화", "一个非常长的层的名字一个非常长的层的名字"];
  const report: Report = {
    ...calibratedReport(),
    model: { name: "模型" },
    files: names.map((path) => ({ path, what: "層", bytes: 1234 })),
  };
  for (const width of [40, 60, 100]) {
    const lines = formatReport(report, { width }).split("\n");
    for (const line of lines) assert.ok(columnsOf(line) <= width, line);
    const ends = lines.filter((line) => line.endsWith("kB  層")).map((line) => columnsOf(line.split(" kB")[0]));
    assert.equal(ends.length, names.length);
    assert.equal(new Set(ends).size, 1, lines.join("\n"));
  }
});

Deno.test("formatReport() names metrics by output, with their unit and direction", () => {
  const text = formatReport(landmarksReport(), { width: 100 });
  assert.match(text, /^Mean error of points on 689 samples, lower is better, with 95% intervals$/m);
  assert.match(lineOf(text, "original"), /3\.398% +-0\.014 +before any change/);
  assert.match(lineOf(text, "float"), /3\.412% +3\.301 to 3\.524; trained on, then quantized/);
  assert.match(lineOf(text, "deployed"), /3\.441% +\+0\.029 +3\.324 to 3\.556; the int8/);
  assert.match(lineOf(text, "MAE of points"), /1\.221 px +\+0\.017 +float 1\.204 px, lower is better/);
  assert.match(lineOf(text, "R² of age"), /0\.6907 +-0\.0124 +float 0\.7031, higher is better, chance 0\.0000/);
  assert.match(lineOf(text, "hit rate of age"), /n\/a +n\/a +float 84\.00%/);
  assert.match(text, /^points +98\.71% +1,204 of 93,704 output codes differ, by 2 at most$/m);
  assert.match(
    text.replace(/\s+/g, " "),
    /age 99\.56% 689 output values differ by 0\.0132 at most, 0\.00214 root mean square; of pool before it 3 of 44,096 codes differ, by 1 at most; of shape before it all 1,378 codes are equal/,
  );
});

Deno.test("formatReport() writes the task's sections, and leaves to the page what is a picture", () => {
  const text = formatReport(landmarksReport(), { width: 100 });
  assert.match(text, /^Worst examples\n─+\nPicture +Error +Row\na\.png +14\.20 px +17$/m);
  assert.match(text, /^Residuals\n─+\nerror +float +deployed\n-4 +12 +14$/m);
  assert.match(text, /^right +answered +times +of its row\nangry +sad +30 +18\.4%\nsad +angry +21 +10\.0%$/m);
  assert.match(text, /^glasses +0\.00% +100\.00%$/m);
  assert.match(text, /^300 points, drawn on the page$/m);
});

Deno.test("formatReport() counts what is marked in pictures, in a column a panel", () => {
  const text = formatReport(detectorReport());
  assert.match(text, /^Boxes found\n─+\n +truth +float +int8\nsample 17 +2 boxes +2 boxes +1 box$/m);
  assert.match(text, /^sample 9 +nothing +nothing +nothing\n3 of 12 pictures, drawn on the page$/m);
  assert.match(text, /^sample 2 +24 points +1\.7% off +3\.8% off\n1 picture, drawn on the page$/m);
  assert.match(text, /^sample 3 +3 kinds +98\.1% right +93\.4% right$/m);
  const report = detectorReport();
  const [pictures] = report.sections ?? [];
  assert.ok(pictures.kind === "pictures");
  const [first, ...others] = pictures.rows;
  // Columns of panels that differ would be columns of nothing.
  const odd = [first, { ...others[0], panels: others[0].panels.slice(1) }];
  const plain = formatReport({ ...report, sections: [{ ...pictures, rows: odd }] });
  assert.match(plain, /^Boxes found\n─+\n2 of 11 pictures, drawn on the page$/m);
  const none = formatReport({ ...report, sections: [{ ...pictures, rows: [], left: 0 }] });
  assert.match(none, /^Boxes found\n─+\n0 pictures, drawn on the page$/m);
});

Deno.test("formatReport() tells what decoding adds, what runs take, and how often boxes come to the same", () => {
  const report = detectorReport();
  const text = formatReport(report, { width: 100 });
  assert.match(text, /^with decoding +1\.63 ms +0\.656 ms +40% of float, decoding 0\.210 ms$/m);
  assert.match(text, /^CPU, 1 thread +1\.98 ms +0\.610 ms +31% of float$/m);
  assert.match(text, /^CPU, 2 threads +2\.61 ms +0\.830 ms +32% of float$/m);
  assert.match(text, /^energy +41\.2 mJ +13\.1 mJ +32% of float$/m);
  assert.match(text, /^alike +99\.84% +3,120 of 3,125 boxes at IoU 0\.99, simulated and deployed$/m);
  const { work, latencyMs } = report;
  const { joules: _, ...cpu } = work!;
  const because = "Deno reads /sys/class/powercap only with --allow-all";
  const single = formatReport({
    ...report,
    latencyMs: { ...latencyMs!, threads: 1 },
    work: { ...cpu, noJoules: because },
  });
  assert.match(single, /^Energy was not measured: Deno reads \/sys\/class\/powercap only with --allow-all\.$/m);
  assert.equal(single.match(/^(CPU|energy)/gm)?.join(), "CPU");
});

Deno.test("formatReport() says what the target and the recipe leave open, and what was declined", () => {
  const text = formatReport(landmarksReport(), { width: 100 });
  assert.match(text, /^Target arm: The file was run on x86.*The times say nothing of a phone\.$/ms);
  assert.match(text, /^Rules that match no layer\n─+\n\/\^head\/: float$/m);
  assert.match(text, /^absorb-activation +age +its input is in float$/m);
});

Deno.test("formatReport() has no column of what is not deployed", () => {
  const text = formatReport(simulatedReport());
  assert.doesNotMatch(text, /deployed|int8|Size|agreement/);
  assert.match(text, /^simulated +93\.28% +-0\.06/m);
});

Deno.test("formatReport() refuses a report of another schema", () => {
  const message = "Cannot read this report: its schema is 1, needed is 5";
  const old = { ...trainedReport(), schema: 1 as never };
  assert.throws(() => formatReport(old), { name: "TypeError", message });
});
