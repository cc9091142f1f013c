import assert from "node:assert/strict";
import { calibratedReport, residualReport, trainedReport } from "../_test_sample_report.ts";
import { detectorReport } from "../_test_sample_pictures.ts";
import { landmarksReport, simulatedReport } from "../_test_sample_tasks.ts";
import { renderHtml } from "./html.ts";
import type { Report } from "../schema.ts";

const samples = { trainedReport, residualReport, calibratedReport, landmarksReport, simulatedReport, detectorReport };
const VOID = new Set(["meta", "br", "hr", "img", "input", "link"]);

/** Checks that tags nest, and returns the text between them. */
function parse(html: string): string {
  const open: string[] = [];
  const withoutStyle = html.replace(/<style>[^<]*<\/style>/, "").replace("<!DOCTYPE html>", "");
  const text = withoutStyle.replace(/<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/g, (...match) => {
    const [, closing, tag, , selfClosing] = match;
    if (closing !== "") assert.equal(open.pop(), tag, `</${tag}> closes something else`);
    else if (selfClosing === "" && !VOID.has(tag)) open.push(tag);
    return " ";
  });
  assert.deepEqual(open, []);
  assert.doesNotMatch(text, /[<>]/);
  return text.replace(/\s+/g, " ");
}

/** Words that a report means something by, and not any text. */
const WORDS = new Set(
  ("higher lower codes values original swapped adapted control own-control mcnemar bootstrap table bars curve matrix " +
    "pictures box mask truth line points float simulated deployed")
    .split(" "),
);

/** A report whose every text, names of options and versions included, ends in `text`. */
function withTexts(report: Report, text: string): Report {
  const { fusion = { int8: {}, float: [] }, versions } = report;
  const all = {
    ...report,
    options: { [`epochs${text}`]: 8 },
    versions: { ...versions, [`deno${text}`]: "2.9.6" },
    fusion: { ...fusion, int8: { ...fusion.int8, [`QLinearConv${text}`]: 1 } },
  };
  return JSON.parse(
    JSON.stringify(all),
    (_key, value) => typeof value === "string" && !WORDS.has(value) ? `${value}${text}` : value,
  );
}

Deno.test("renderHtml() makes well-formed pages", () => {
  for (const sample of Object.values(samples)) parse(renderHtml(sample()));
});

Deno.test("parse() of this test refuses pages that are not well-formed", () => {
  assert.throws(() => parse("<p><b></p></b>"));
  assert.throws(() => parse("<p>"));
  assert.throws(() => parse("<p>a < b</p>"));
});

Deno.test("renderHtml() shows the report's figures", () => {
  const text = parse(renderHtml(trainedReport()));
  for (
    const figure of [
      "93.26% -0.08 points against float",
      "99.94% of 10,000 answers",
      "3.2× 0.446 ms, float 1.42 ms",
      "3.7× 312 kB, float 1.16 MB",
      "88.71% -4.63",
      "41 of 100,000 output codes differ, by 1 at most",
      "batch normalization was frozen after epoch 3, activation ranges were frozen after epoch 4",
      "The weights after epoch 7 were exported.",
      "BN frozen",
      "ranges frozen",
      "best 93.26%",
      "All 8 operators run in int8",
      "conv2d_6 , 39.5 dB",
      "-14.2 18.9 0.130 109",
      "seed 1",
      "onnxruntime-node 1.30.0",
      "leaky_re_lu_3 leaky_relu:relu done",
      "--float-epochs 6 --epochs 8",
    ]
  ) assert.ok(text.includes(figure), figure);
});

Deno.test("renderHtml() gives every float operator its reason, in the table and on the map", () => {
  const html = renderHtml(residualReport());
  const because = "class &quot;Swish&quot; has no integer kernel; Q/DQ is closed around it";
  assert.ok(html.includes(`<td>${because}</td>`));
  assert.ok(html.includes(`Sigmoid\nnode swish/Sigmoid\nlayer swish\nruns in float: ${because}`));
  assert.match(parse(html), /83 of 85 operators run in int8, 2 in float/);
  assert.match(parse(html), /refused/);
});

Deno.test("renderHtml() puts every node of the graph on the map", () => {
  const report = residualReport();
  const html = renderHtml(report);
  assert.equal(html.match(/<li class="(int8|float|border)" title/g)?.length, report.graph?.nodes.length);
});

Deno.test("renderHtml() charts layers by number when there are many", () => {
  assert.match(renderHtml(residualReport()), /aria-label="Activation ranges and weight error by layer"/);
  assert.doesNotMatch(renderHtml(trainedReport()), /aria-label="Activation ranges and weight error by layer"/);
});

Deno.test("renderHtml() lists layers that have numbers, and counts the others", () => {
  const layers = [...trainedReport().layers ?? [], { name: "bn_folded", kind: "float" }, {
    name: "drop",
    kind: "float",
  }];
  const text = parse(renderHtml({ ...trainedReport(), layers }));
  assert.doesNotMatch(text, /bn_folded/);
  assert.match(text, /2 layers without a range of their own are not listed/);
});

Deno.test("renderHtml() names the layer with the noisiest weights, and counts those that are noisy where there are several", () => {
  const layer = (name: string, sqnrDb: number) => ({ name, kind: "weighted", weightError: { sqnrDb } }) as const;
  const lead = (...decibels: readonly number[]) => {
    const layers = decibels.map((db, i) => layer(`conv${i}`, db));
    return /The noisiest weights are those of (\S+) , (\S+) dB\.( \d+ layers are under 20 dB\.)?/.exec(
      parse(renderHtml({ ...trainedReport(), layers })),
    )?.slice(1);
  };
  assert.deepEqual(lead(40, 30, 35), ["conv1", "30.0", undefined]);
  assert.deepEqual(lead(19.9, 20, 35), ["conv0", "19.9", undefined]);
  assert.deepEqual(lead(40, 19, 12.34), ["conv2", "12.3", " 2 layers are under 20 dB."]);
});

Deno.test("renderHtml() tells how far the first metric's output agrees, or the first where that was not compared", () => {
  const report = trainedReport();
  const [entry] = report.agreement!;
  const figure = (...outputs: readonly string[]) => {
    const agreement = outputs.map((output, i) => ({ ...entry, output, count: 1000 * (i + 1), alike: undefined }));
    return /Simulated and deployed agree \S+ of ([\d,]+)/.exec(parse(renderHtml({ ...report, agreement })))?.[1];
  };
  const { output } = report.metrics[0];
  assert.deepEqual([figure("other", output), figure("other", "another")], ["2,000", "1,000"]);
  assert.equal(figure(), undefined);
});

Deno.test("renderHtml() escapes every text of the report", () => {
  const attack = `<script>alert("1")</script><img src=x onerror='a'>]]>--></style></svg>`;
  for (const sample of Object.values(samples)) {
    const html = renderHtml(withTexts(sample(), attack));
    assert.doesNotMatch(html, /<script|<img/);
    parse(html);
  }
});

Deno.test("renderHtml() loads nothing and runs nothing", () => {
  for (const sample of Object.values(samples)) {
    const html = renderHtml(sample()).replace(/data:image\/jpeg;base64,[\w+/]+=*/g, "");
    assert.doesNotMatch(html, /https?:|data:|\/\/[a-z]|<script|<link|@import|url\((?!#)|src=|\son\w+=/i);
  }
});

Deno.test("renderHtml() gives equal pages for equal reports", () => {
  for (const sample of Object.values(samples)) {
    const first = renderHtml(sample());
    renderHtml(residualReport()); // moves ECharts' counters on
    assert.equal(renderHtml(JSON.parse(JSON.stringify(sample()))), first);
  }
});

Deno.test("renderHtml() says what is missing", () => {
  const text = parse(renderHtml(calibratedReport()));
  assert.match(text, /was not trained with fake quantization/);
  assert.match(text, /Latency was not measured/);
  assert.doesNotMatch(text, /undefined|NaN|null|\[object/);
});

Deno.test("renderHtml() survives one epoch, a loss that is not a number, and empty parts", () => {
  const report = trainedReport();
  const [epoch] = report.train.epochs;
  const odd: Report = {
    ...report,
    train: { ...report.train, epochs: [{ ...epoch, loss: NaN }], stepMs: null },
    fusion: { int8: {}, float: [] },
    graph: { nodes: [] },
    layers: [{ name: "only", kind: "float" }],
    metrics: [{ ...report.metrics[0], float: 1, simulated: 1, deployed: 1 }],
    floatBefore: [],
  };
  const html = renderHtml(odd);
  assert.doesNotMatch(html, /NaN|undefined|Infinity/);
  assert.doesNotMatch(parse(html), /100\.\d*[1-9]%/); // no accuracy above 100% on an axis
});

Deno.test("renderHtml() shows metrics and agreement by output, with units and directions", () => {
  const text = parse(renderHtml(landmarksReport()));
  for (
    const figure of [
      "Deployed mean error of points 3.441% +0.029 points against float",
      "in percent of the distance of the eyes; lower is better. A model that ignores its input would reach 21.40%.",
      "The change from float has a 95% interval -0.004 to +0.061, p = 0.083 (paired bootstrap over the samples).",
      "points MAE lower is better 1.204 px 1.219 px 1.221 px +0.017 px",
      "age R² higher is better 0.7031 0.6912 0.6907 -0.0124 0.0000",
      "age hit rate higher is better 84.00% 83.00% n/a n/a",
      "age 99.56% 689 output values differ by 0.0132 at most",
      "mean error (lower is better)",
      "input picture 96 × 96 × 3 · input box 4",
      "best 3.441%",
    ]
  ) assert.ok(text.includes(figure), figure);
});

Deno.test("renderHtml() says how many samples there were, draws intervals, and doubts times", () => {
  const report = landmarksReport();
  const html = renderHtml({ ...report, latencyMs: { ...report.latencyMs!, unsteady: "it <took> long" } });
  const text = parse(html);
  assert.ok(text.includes("3,148 to train · 349 to choose the epoch · 689 to test"));
  assert.ok(text.includes("+0.029 points against float, within noise"));
  assert.ok(text.includes("The machine was busy, and these times say little: it &lt;took&gt; long."));
  assert.ok(text.includes("the best on 349 validation samples, were exported."));
  // One line a model that has an interval, from its low to its high end.
  const lines = [...html.matchAll(/<s style="left:([\d.]+)%;width:([\d.]+)%"><\/s>/g)].map((match) =>
    match.slice(1).map(Number)
  );
  assert.equal(lines.length, 3);
  const [[left, width]] = lines;
  assert.ok(width > 0 && left >= 0 && left + width <= 100, `${lines}`);
  assert.ok(Math.abs(width / (lines[2][1]) - (3.524 - 3.301) / (3.556 - 3.324)) < 0.01, `${lines}`);
});

Deno.test("renderHtml() shows every kind of section that a task may have", () => {
  const html = renderHtml(landmarksReport());
  const text = parse(html);
  assert.ok(
    text.includes("Worst examples The pictures whose points are furthest off. Picture Error Row a.png 14.20 px 17"),
  );
  for (const label of ["Residuals", "Precision and recall", "Predicted over true age"]) {
    assert.match(html, new RegExp(`<svg [^>]*aria-label="${label}"`));
  }
  assert.ok(text.includes("right ↓ answered → glad sad angry glad 310 4 2 sad 9 180 21"));
  assert.match(html, /<td class="hit" style="--share:0\.857" title="right sad, answered sad: 180">180<\/td>/);
  assert.match(html, /<td class="miss" style="--share:0\.184" title="right angry, answered sad: 30">30<\/td>/);
});

Deno.test("renderHtml() shows target, recipe and what passes declined", () => {
  const text = parse(renderHtml(landmarksReport()));
  assert.ok(text.includes("Target arm The file was run on x86"));
  assert.ok(text.includes("The times say nothing of a phone."));
  assert.ok(text.includes("What the rules of faces came to; of those"));
  assert.ok(text.includes("Matched no layer: /^head/: float."));
  assert.ok(text.includes("conv2d_1 Conv2D: observer qat int8 per channel int8 moving average"));
  assert.ok(text.includes("age Relu age/Relu absorb-activation its input is in float"));
});

Deno.test("renderHtml() says nothing of a file where none is deployed", () => {
  const text = parse(renderHtml(simulatedReport()));
  assert.doesNotMatch(text, /[Dd]eployed|Where it runs in int8|Latency|undefined|NaN|n\/a/);
  assert.match(text, /Simulated accuracy 93\.28%/);
});

Deno.test("renderHtml() refuses a report of another schema", () => {
  const old = { ...trainedReport(), schema: 2 as never };
  assert.throws(() => renderHtml(old), { message: "Cannot read this report: its schema is 2, needed is 5" });
});

Deno.test("renderHtml() lets no name put control characters into the page", () => {
  for (const sample of Object.values(samples)) {
    const html = renderHtml(withTexts(sample(), "\x00\x1b[2J\u0085\u202e"));
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(html, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

Deno.test("renderHtml() gives no two parts of the page one id", () => {
  for (const sample of [landmarksReport, detectorReport]) {
    const ids = Array.from(renderHtml(sample()).matchAll(/ id="([^"]*)"/g), ([, id]) => id);
    assert.ok(ids.length > 0);
    assert.equal(new Set(ids).size, ids.length);
  }
});
