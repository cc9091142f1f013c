import assert from "node:assert/strict";
import { readFlags, WEIGHT_SCALES, weightScales } from "../../../cli/_options.ts";
import { ptqCommand } from "../../../cli/ptq.ts";
import { qatCommand } from "../../../cli/qat.ts";
import { resolveOptions } from "../../../job/options.ts";
import { resolvePtqOptions } from "../../../job/ptq_options.ts";
import { replaceBlock } from "../_markdown.ts";
import { aimsOf } from "./_aims.ts";
import { curveOf } from "./_chart.ts";
import type { TaskFigures, TaskResult } from "./_figures.ts";
import { emptyPage, meanOf, TASK_MARKS, taskBlock } from "./_markdown.ts";
import { flagsOf, PAGES, type TaskRow } from "./_rows.ts";
import { refuseUnknown } from "./run.ts";

/** Reads flags as the command does, and checks the options that they are. */
function resolve({ command, from }: TaskRow, flags: readonly string[]): void {
  const args = [...from === undefined ? [] : ["--model", "model.json"], ...flags];
  const make = command === "qat" ? qatCommand : ptqCommand;
  const { perTensor, perChannel, ...options } = readFlags<Record<string, boolean>>(make(), args, [WEIGHT_SCALES]);
  const asked = { ...options, ...weightScales({ perTensor, perChannel }) };
  if (command === "qat") resolveOptions(asked);
  else resolvePtqOptions(asked);
}

Deno.test("every row of docs/tasks is a command that makes sense, whole and in small, and goes on from one before it", () => {
  for (const page of PAGES) {
    const names = page.rows.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, page.name);
    page.rows.forEach((row, i) => {
      assert.ok(row.from === undefined || names.indexOf(row.from) < i, row.name);
      assert.ok(row.from !== undefined || row.flags.includes("--arch"), row.name);
      for (const isQuick of [false, true]) resolve(row, flagsOf(page, row, { isQuick }));
    });
  }
  refuseUnknown(["landmarks", "landmarks/resnet18-static"]);
  assert.throws(() => refuseUnknown(["landmark"]), /Cannot run "landmark": needed is one of detection, landmarks, /);
  assert.throws(() => refuseUnknown(["sequences/x"]), /needed is one of sequences\/lstm, /);
});

Deno.test("rows in small have flags of their own in place of the long ones", () => {
  const [page] = PAGES;
  const [float] = page.rows;
  const flags = flagsOf(page, float, { isQuick: true }).join(" ");
  assert.match(flags, /--limit 40 .*--float-epochs 1 /);
  assert.doesNotMatch(flags, /--float-epochs 60|--input-size 320/);
});

/** Every page must have its marks, or nothing could be written there; and what is written is made of its results. */
for (const page of PAGES) {
  Deno.test(`docs/tasks/${page.name}.md has marks, and between them what its results say`, async () => {
    const read = (name: string) => Deno.readTextFile(new URL(`../../../docs/tasks/${name}`, import.meta.url));
    const document = await read(`${page.name}.md`).catch(() =>
      replaceBlock(emptyPage(page), taskBlock(page, []), TASK_MARKS)
    );
    const json = await read(`${page.name}.json`).catch(() => "[]");
    const written = replaceBlock(document, taskBlock(page, JSON.parse(json)), TASK_MARKS);
    // Spaces of tables are `deno fmt`'s.
    const squeezed = (markdown: string) =>
      markdown.replace(/ {2,}|-{3,}/g, (run) => run[0]).replace(/\s+/g, " ").trim();
    assert.equal(squeezed(document), squeezed(written));
  });
}

const FIGURES: TaskFigures = {
  count: 73,
  metrics: [
    {
      name: "mAP@0.5",
      unit: "fraction",
      better: "higher",
      float: 0.8,
      reached: 0.795,
      change: { low: -0.01, high: 0.002, p: 0.2 },
    },
    { name: "F1", unit: "fraction", better: "higher", float: 0.85, reached: 0.83, change: null },
  ],
  steps: { original: [0.81, 0.86], swapped: [0.2, 0.3], control: [0.8, 0.85] },
  latencyMs: { float: 40, deployed: 18 },
  bytes: { float: 34_000_000, deployed: 8_800_000 },
  epochs: [null, 0.5, 0.79],
};

function result(row: string, figures: Partial<TaskFigures> = {}): TaskResult {
  const origin = { commit: "abc", machine: "2 cores", date: "2026-11-27" };
  return {
    page: "detection",
    row,
    command: "deno task qat",
    seconds: 12,
    ...origin,
    figures: { ...FIGURES, ...figures },
  };
}

Deno.test("taskBlock() writes a table with float models on the way, means over seeds, aims and commands", () => {
  const [page] = PAGES;
  const worse = { metrics: FIGURES.metrics.map((metric) => ({ ...metric, reached: 0.7 })) };
  const block = taskBlock(page, [
    result("float"),
    result("adapted"),
    result("adapted-qat-0"),
    result("adapted-qat-1", worse),
    result("adapted-static", { latencyMs: { float: 40, deployed: 22 } }),
    result("adapted-packed"),
  ]);
  for (
    const line of [
      "| float, LeakyReLU | 79.50 % | 83.00 % |  |  |  |",
      "| activations swapped, not adapted | 20.00 % | 30.00 % |  |  |  |",
      "| its control | 80.00 % | 85.00 % |  |  |  |",
      "| quantization-aware training, seed 0 | 79.50 % | 83.00 % | −1.00 to +0.20; 0.20 | 18.00 (0.45) | 8,800 (0.26) |",
      "Mean of 2 seeds of `adapted`: mAP@0.5 74.75 % against 80.00 % of the controls; F1 76.50 % against 85.00 % of the controls.",
      "| float mAP@0.5 is at least 75 % | 79.50 % | yes |",
      "| the int8 file takes at most half of float's time | 0.55 of it | **no** |",
      "| the same with `--pack-pixels` | 0.45 of it | yes |",
    ]
  ) assert.ok(block.includes(line), `${line}\n${block}`);
  assert.match(block, /\| mAP@0\.5 is within a point .* \| 74\.75 % against 80\.00 %, 2 seeds \| \*\*no\*\* \|/);
  assert.match(taskBlock(page, []), /writes its figures here/);
  assert.deepEqual([aimsOf("detection", []), aimsOf("sequences", [result("x")]), meanOf([1, null])], [[], [], null]);
});

Deno.test("curveOf() draws the same picture of the same results, a line a row", () => {
  const [page] = PAGES;
  const results = [result("float", { epochs: [null] }), result("adapted"), result("adapted-qat-0")];
  const svg = curveOf(page, results);
  assert.equal(svg, curveOf(page, results));
  assert.match(svg, /^<svg [^]*adapted-qat-0/);
  assert.doesNotMatch(svg, />float</);
});
