import assert from "node:assert/strict";
import { calibratedReport, trainedReport } from "./_test_sample_report.ts";
import { landmarksReport, simulatedReport } from "./_test_sample_tasks.ts";
import type { FloatStepReport, MetricReport, Report } from "./schema.ts";
import { judge } from "./verdict.ts";

function withAccuracy(float: number, deployed: number): Report {
  return {
    ...calibratedReport(),
    metrics: [{ ...calibratedReport().metrics[0], float, simulated: deployed, deployed }],
  };
}

function withLatency(float: number, int8: number): Report {
  const latencyMs = { float: { p50: float, p95: float }, deployed: { p50: int8, p95: int8 }, batch: 1, threads: 1 };
  return { ...calibratedReport(), latencyMs };
}

Deno.test("judge() counts operators and forms ratios", () => {
  const { int8Ops, floatOps, speedup, shrinkage } = judge(trainedReport());
  assert.equal(int8Ops, 6 + 1 + 1);
  assert.equal(floatOps, 0);
  assert.equal(speedup, 1.42 / 0.446);
  assert.equal(shrinkage, 1_162_304 / 312_480);
});

Deno.test("judge() calls a loss of up to half a point good, up to two fair, and more poor", () => {
  // 0.971 - 0.966 is 0.00500...0004 in float64
  assert.equal(judge(withAccuracy(0.971, 0.966)).tone, "good");
  assert.equal(judge(withAccuracy(0.971, 0.9659)).tone, "fair");
  assert.equal(judge(withAccuracy(0.971, 0.951)).tone, "fair");
  assert.equal(judge(withAccuracy(0.971, 0.9509)).tone, "poor");
});

Deno.test("judge() says what became of the accuracy when it is kept, lost or gained", () => {
  const kept =
    "The int8 model keeps the accuracy of the float model (96.60% against 97.10%). The file is 3.7× smaller.";
  assert.equal(judge(withAccuracy(0.971, 0.966)).sentence, kept);
  assert.match(
    judge(withAccuracy(0.97, 0.96)).sentence,
    /costs 1\.00 points of accuracy against the float model \(96\.00% against 97\.00%\)/,
  );
  assert.match(judge(withAccuracy(0.97, 0.98)).sentence, /gains 1\.00 points of accuracy against the float model/);
});

Deno.test("judge() does not call a slower model fast", () => {
  assert.match(judge(withLatency(2, 1)).sentence, /runs 2\.0× as fast/);
  assert.match(judge(withLatency(1, 1.02)).sentence, /runs as fast/);
  assert.match(judge(withLatency(1, 4)).sentence, /runs only 0\.25× as fast/);
});

Deno.test("judge() says nothing of speed when it was not measured", () => {
  assert.equal(judge(calibratedReport()).speedup, undefined);
  assert.doesNotMatch(judge(calibratedReport()).sentence, /fast/);
});

Deno.test("judge() says so when the int8 file is larger", () => {
  assert.match(judge({ ...calibratedReport(), bytes: { float: 100, deployed: 150 } }).sentence, /is 1\.5× larger/);
});

function withMetric(metric: Partial<MetricReport>): Report {
  return { ...calibratedReport(), metrics: [{ ...calibratedReport().metrics[0], ...metric }] };
}

Deno.test("judge() measures an error by how much it rises over the float model's", () => {
  const mae = { name: "MAE", unit: "px", better: "lower", float: 2 } as const;
  const tone = (deployed: number) => judge(withMetric({ ...mae, deployed })).tone;
  assert.deepEqual([1.5, 2, 2.1, 2.11, 2.4, 2.41].map(tone), ["good", "good", "good", "fair", "fair", "poor"]);
  const sentence = (deployed: number) => judge(withMetric({ ...mae, deployed })).sentence;
  assert.match(sentence(2.1), /^The int8 model keeps the MAE of the float model \(2\.100 px against 2\.000 px\)/);
  assert.match(
    sentence(2.5),
    /^The int8 model raises the MAE by 0\.500 px against the float model \(2\.500 px against 2\.000 px\)\. /,
  );
  assert.match(
    sentence(1.5),
    /^The int8 model lowers the MAE by 0\.500 px against the float model \(1\.500 px against 2\.000 px\)\. /,
  );
});

Deno.test("judge() measures other numbers of which more is better by the share that is lost", () => {
  const psnr = { name: "PSNR", unit: "dB", better: "higher", float: 40 } as const;
  const tone = (deployed: number) => judge(withMetric({ ...psnr, deployed })).tone;
  assert.deepEqual([41, 39.8, 39.7, 39.2, 39.1].map(tone), ["good", "good", "fair", "fair", "poor"]);
  assert.equal(judge(withMetric({ ...psnr, float: -40, deployed: -40.1 })).tone, "good");
  assert.equal(judge(withMetric({ ...psnr, float: -40, deployed: -41 })).tone, "poor");
});

Deno.test("judge() counts a fraction of which less is better in points", () => {
  const { tone, sentence } = judge(withMetric({ name: "error rate", better: "lower", float: 0.1, deployed: 0.11 }));
  assert.equal(tone, "fair");
  assert.match(sentence, /raises the error rate by 1\.00 points against the float model \(11\.00% against 10\.00%\)/);
});

Deno.test("judge() takes any rise of an error of 0 for a loss, and 0 for no change", () => {
  const error = { name: "MSE", unit: "", better: "lower", float: 0 } as const;
  assert.equal(judge(withMetric({ ...error, deployed: 0 })).tone, "good");
  assert.equal(judge(withMetric({ ...error, deployed: 1e-5 })).tone, "poor");
});

Deno.test("judge() says of each further output that is worse off what it lost", () => {
  const report = landmarksReport();
  const { tone, sentence, changes } = judge(report);
  assert.match(
    sentence,
    /^At output "points" the int8 model shows no difference beyond noise in mean error from the float model \(3\.441% ag/,
  );
  assert.match(
    sentence,
    /At output "age" it lowers the R² by 0\.0124 against the float model \(0\.6907 against 0\.7031\)\. The file/,
  );
  assert.equal(tone, "fair");
  assert.deepEqual(changes.map(({ kind }) => kind), ["noise", "kept", "worse", "unknown"]);
  const good = report.metrics.map((metric) => metric.name === "R²" ? { ...metric, deployed: 0.7031 } : metric);
  assert.doesNotMatch(judge({ ...report, metrics: good }).sentence, /"age"/);
});

Deno.test("judge() says so where a metric could not be measured", () => {
  const { tone, sentence } = judge(withMetric({ float: null }));
  assert.equal(tone, "poor");
  assert.match(sentence, /cannot be judged by its accuracy \(96\.88%, the float model n\/a\)/);
});

Deno.test("judge() speaks of the simulation where nothing is deployed", () => {
  const { sentence, speedup, shrinkage } = judge(simulatedReport());
  assert.equal(
    sentence,
    "The fake-quantized model keeps the accuracy of the float model (93.28% against 93.34%). Float was not trained as long.",
  );
  assert.deepEqual([speedup, shrinkage], [undefined, undefined]);
});

/** A share of right answers, with how sure it is. */
function sure(
  { float, deployed, low, high, p, ...rest }: Partial<MetricReport> & {
    readonly float: number;
    readonly deployed: number;
    readonly low: number;
    readonly high: number;
    readonly p: number;
  },
): Report {
  const change = { low, high, confidence: 0.95, p, test: "mcnemar" } as const;
  return withMetric({ float, simulated: deployed, deployed, change, ...rest });
}

Deno.test("judge() says that a change within noise is none", () => {
  const { sentence, tone, changes: [{ kind }] } = judge(
    sure({ float: 0.934, deployed: 0.931, low: -0.011, high: 0.005, p: 0.6 }),
  );
  assert.ok(
    sentence.startsWith(
      "The int8 model shows no difference beyond noise in accuracy from the float model " +
        "(93.10% against 93.40%; 95% interval -1.10 to +0.50, p = 0.6).",
    ),
    sentence,
  );
  assert.deepEqual([tone, kind], ["good", "noise"]);
  // Either is enough: an interval that holds 0, or a test that finds nothing.
  const kindOf = (low: number, high: number, p: number) =>
    judge(sure({ float: 0.93, deployed: 0.92, low, high, p })).changes[0].kind;
  assert.deepEqual(
    [kindOf(-0.02, 0.001, 0.03), kindOf(-0.02, -0.001, 0.05), kindOf(-0.02, -0.001, 0.049), kindOf(-0.02, 0, 0.01)],
    ["noise", "noise", "worse", "noise"],
  );
});

Deno.test("judge() calls a change beyond noise by its size, however small it is", () => {
  const { sentence, tone } = judge(sure({ float: 0.934, deployed: 0.931, low: -0.005, high: -0.001, p: 0.0002 }));
  assert.match(
    sentence,
    /^The int8 model costs 0\.30 points of accuracy against .*; 95% interval -0\.50 to -0\.10, p < 0\.001\)/,
  );
  assert.equal(tone, "good");
  const gained = judge(sure({ float: 0.931, deployed: 0.934, low: 0.001, high: 0.005, p: 0.01 }));
  assert.match(gained.sentence, /^The int8 model gains 0\.30 points of accuracy against/);
});

Deno.test("judge() takes samples that are too few for no good news", () => {
  const few = { float: 0.9, deployed: 0.9, p: 1 };
  assert.equal(judge(sure({ ...few, low: -0.02, high: 0.02 })).tone, "good");
  assert.equal(judge(sure({ ...few, low: -0.021, high: 0.021 })).tone, "fair");
  assert.equal(judge(sure({ float: 0.9, deployed: 0.6, low: -0.62, high: 0.02, p: 0.06 })).tone, "fair");
  // Of an error the high end is the loss.
  const error = { name: "MAE", unit: "px", better: "lower", float: 2, deployed: 2, p: 1 } as const;
  assert.equal(judge(sure({ ...error, low: -1, high: 0.4 })).tone, "good");
  assert.equal(judge(sure({ ...error, low: -0.4, high: 0.41 })).tone, "fair");
});

Deno.test("judge() says of a model that is no better than chance that it has not learned", () => {
  const at = (low: number, deployed: number) =>
    judge(sure({
      float: deployed,
      deployed,
      chance: 0.1,
      low: 0,
      high: 0,
      p: 1,
      intervals: { deployed: { low, high: 0.3, confidence: 0.95 }, simulated: { low: 0.5, high: 1, confidence: 0.95 } },
    }));
  assert.deepEqual([at(0.1, 0.15).tone, at(0.101, 0.15).tone, at(0.02, 0.05).tone], ["poor", "good", "poor"]);
  assert.ok(
    at(0.1, 0.15).sentence.startsWith(
      "The int8 model has not learned, as far as 10,000 samples can tell: its accuracy is 15.00%, that of a model that " +
        "ignores its input 10.00%, of the float model 15.00%.",
    ),
    at(0.1, 0.15).sentence,
  );
  const error = { name: "MAE", unit: "px", better: "lower", chance: 5, float: 4, p: 1, low: 0, high: 0 } as const;
  const mae = (high: number) =>
    judge(sure({ ...error, deployed: 4, intervals: { deployed: { low: 3, high, confidence: 0.95 } } }));
  assert.deepEqual([mae(4.9), mae(5)].map(({ changes: [{ hasLearned }] }) => hasLearned), [true, false]);
  // Without an interval the value itself decides.
  assert.equal(judge(withMetric({ chance: 0.5, float: 0.5, deployed: 0.5 })).tone, "poor");
  assert.equal(judge(withMetric({ chance: 0.5, float: 0.51, deployed: 0.51 })).tone, "good");
});

Deno.test("judge() names the float model that it compares with, and says where that was not trained as long", () => {
  const { metrics: [metric], ...rest } = trainedReport();
  const value = [{ name: metric.name, output: metric.output, value: 0.9 }];
  const sentence = (step: FloatStepReport["step"], epochs?: number) => {
    const entry = { step, isReference: true, metrics: value, ...(epochs === undefined ? {} : { epochs }) };
    return judge({ ...rest, metrics: [metric], floatBefore: [entry] }).sentence;
  };
  assert.match(
    sentence("control", 16),
    /^The int8 model keeps the accuracy of float trained as long \([^)]*\)\. The file/,
  );
  assert.match(sentence("original", 0), /of float as loaded \([^)]*\)\. Float was not trained as long\. The file/);
  assert.match(sentence("original", 8), /of float after 8 epochs \([^)]*\)\. Float was not trained as long\./);
  assert.match(sentence("adapted", 1), /of float after 1 epoch \(/);
  assert.doesNotMatch(judge({ ...calibratedReport() }).sentence, /trained as long/);
});

Deno.test("judge() doubts times that a busy machine gave", () => {
  const report = withLatency(2, 1);
  const latencyMs = {
    ...report.latencyMs!,
    unsteady: "the slowest twentieth of the runs took 9.0 times the median and more",
  };
  assert.match(judge({ ...report, latencyMs }).sentence, /runs 2\.0× as fast \(timed on a busy machine\)/);
  assert.doesNotMatch(judge(report).sentence, /busy/);
});

Deno.test("judge() says how much smaller or larger the file is, and nothing where that is not known", () => {
  const sized = (float: number, int8: number) =>
    judge({ ...calibratedReport(), bytes: { float, deployed: int8 }, latencyMs: undefined }).sentence;
  assert.match(sized(300, 100), /The file is 3\.0× smaller\./);
  assert.match(sized(100, 100), /The file is 1\.0× smaller\./);
  assert.match(sized(100, 200), /The file is 2\.0× larger\./);
  assert.doesNotMatch(sized(100, 0), /The file/);
});
