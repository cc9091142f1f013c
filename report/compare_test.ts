import assert from "node:assert/strict";
import { widthOf } from "./_width.ts";
import type { ComparedValue, CompareReport } from "./compare_schema.ts";
import { bestOf, compareSentence, shortNames } from "./compare_words.ts";
import { renderComparison } from "./html/compare.ts";
import { formatComparison } from "./terminal/compare.ts";

const value = (reached: number | null, p?: number): ComparedValue => ({
  float: 0.93,
  value: reached,
  count: 1000,
  interval: { low: 0.9, high: 0.94, confidence: 0.95 },
  ...(p === undefined ? {} : { change: { low: -0.02, high: 0.01, confidence: 0.95, p, test: "mcnemar" } }),
});

function report(values: readonly ComparedValue[], more: Partial<CompareReport> = {}): CompareReport {
  return {
    schema: 1,
    kind: "compare",
    task: "classification",
    runs: values.map((_, i) => ({
      name: `out-<${i + 1}>`,
      job: "ptq",
      latencyMs: { float: 2, file: 1 + i },
      bytes: { float: 4000, file: 1000 },
      machine: "linux",
      command: "deno task ptq",
    })),
    options: [{ name: "lr", values: values.map((_, i) => `${i}`) }],
    metrics: [{ name: "accuracy", unit: "fraction", better: "higher", values }],
    curves: [{ name: "training loss", unit: "", series: [{ run: "out-<1>", points: [[1, 2], [2, 1.5]] }] }],
    notes: ["Times are of different machines."],
    ...more,
  };
}

Deno.test("compareSentence() names the best run, and says whether it is more than chance", () => {
  const cases: readonly (readonly [readonly ComparedValue[], string])[] = [
    [
      [value(0.9), value(0.92, 0.01)],
      "out-<2>: accuracy 92.00% against 90.00% of out-<1>, more than chance would give.",
    ],
    [
      [value(0.9), value(0.92, 0.3)],
      "out-<2>: accuracy 92.00% against 90.00% of out-<1>, no more than chance may give.",
    ],
    [[value(0.9), value(0.92)], "out-<2>: accuracy 92.00% against 90.00% of out-<1>."],
    [[value(0.92), value(0.9, 0.3)], "the first, out-<1>: accuracy 92.00%, no more than chance may give."],
    [
      [value(0.92), value(0.9, 0.01)],
      "the first, out-<1>: accuracy 92.00%, more than chance would give against 1 of the others.",
    ],
    [[value(0.92), value(null)], "the first, out-<1>: accuracy 92.00%."],
  ];
  for (const [values, expected] of cases) {
    assert.equal(compareSentence(report(values)), `The best of 2 runs is ${expected}`);
  }
  assert.equal(compareSentence(report([value(null), value(null)])), "No run has a number to compare.");
  const errors = { name: "MAE", unit: "px", better: "lower", values: [value(2), value(1), value(1)] } as const;
  assert.equal(bestOf(errors), 1);
});

Deno.test("formatComparison() stays within any terminal, and has all runs and options", () => {
  const compared = report([value(0.9), value(0.92, 0.0004)]);
  for (const width of [40, 60, 80, 100]) {
    for (const line of formatComparison(compared, { width }).split("\n")) assert.ok(widthOf(line) <= width, line);
  }
  const text = formatComparison(compared, { width: 100 });
  assert.match(text, /^ *Run +Folder +accuracy/m);
  assert.match(text, /^ +2 +out-<2> +92\.00% +90\.00% to 94\.00% +-2\.00 to \+1\.00 +<0\.001 +2\.00 ms +1\.00 kB$/m);
  assert.match(text, /^Option +Run 1 +Run 2$/m);
  assert.match(text, /^lr +0 +1$/m);
});

Deno.test("a comparison tells runs apart whose folders begin and end alike, in any terminal and on the page", () => {
  const values = [value(0.9), value(0.92, 0.2), value(0.91, 0.3)];
  const middles = ["arm", "x86-portable", "simulation"];
  const compared = report(values);
  const runs = compared.runs.map((run, i) => ({ ...run, name: `/tmp/attack-a/o/t-${middles[i]}-qdq-branches` }));
  const named = { ...compared, runs };
  for (const width of [40, 60, 80, 100]) {
    const text = formatComparison(named, { width });
    for (const line of text.split("\n")) assert.ok(widthOf(line) <= width, line);
    for (const [i, reached] of ["90.00%", "92.00%", "91.00%"].entries()) {
      assert.match(text, new RegExp(`^ +${i + 1} +\\S.*${reached}`, "m"), `${width}`);
    }
  }
  for (const middle of middles) {
    assert.match(formatComparison(named, { width: 100 }), new RegExp(`^ +\\d +t-${middle.slice(0, 8)}`, "m"));
  }
  const page = renderComparison(named);
  assert.match(page, /scope="row">2<\/th><td class="name"><strong>\/tmp\/attack-a\/o\/t-x86-portable-qdq-branches</);
  assert.match(page, /scope="col">Run 3</);
});

Deno.test("shortNames() leaves out the folders that all runs lie in, and never the whole name", () => {
  const of = (...names: readonly string[]) => {
    const { runs } = report(names.map(() => value(0.9)));
    return shortNames({ runs: runs.map((run, i) => ({ ...run, name: names[i] })) });
  };
  assert.deepEqual(of("out", "out-2"), ["out", "out-2"]);
  assert.deepEqual(of("/a/b/c", "/a/b/d/"), ["c", "d"]);
  assert.deepEqual(of("/a/b", "/a/b/c"), ["b", "b/c"]);
  assert.deepEqual(of("/a/b/c", "/a/d/c"), ["b/c", "d/c"]);
  assert.deepEqual(of("a/b", "c/b", "a/d"), ["a/b", "c/b", "a/d"]);
  assert.deepEqual(of("/a", "b"), ["/a", "b"]);
  assert.deepEqual(of("out", "out/"), ["out", "out"]);
  assert.deepEqual(of("C:\\r\\a", "C:\\r\\b\\"), ["a", "b"]);
  assert.deepEqual(of("/", "/a"), ["/", "/a"]);
});

Deno.test("renderComparison() makes the same page of the same comparison, of names that are safe in it", () => {
  const compared = report([value(0.9), value(0.92, 0.2)]);
  const page = renderComparison(compared);
  assert.equal(page, renderComparison(compared));
  assert.match(page, /<strong>out-&lt;2&gt;<\/strong>/);
  assert.match(page, /Quality against time/);
  assert.match(page, /aria-label="training loss"/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity|out-<1>/);
  const bare = report([value(null), value(null)], { options: [], curves: [], notes: [] });
  assert.doesNotMatch(renderComparison(bare), /Options that differ|NaN|undefined/);
});
