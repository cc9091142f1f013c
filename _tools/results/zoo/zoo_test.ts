import assert from "node:assert/strict";
import { readFlags } from "../../../cli/_options.ts";
import { ptqCommand } from "../../../cli/ptq.ts";
import { qatCommand } from "../../../cli/qat.ts";
import { resolveOptions } from "../../../job/options.ts";
import { resolvePtqOptions } from "../../../job/ptq_options.ts";
import { ARCH_NAMES, ARCHITECTURES } from "../../../mod.ts";
import type { ZooResult } from "./_figures.ts";
import { zooPage } from "./_markdown.ts";
import { timesIn } from "./_other_work.ts";
import { quickRow, trainingFlags, ZOO_ROWS } from "./_rows.ts";
import { refuseUnknown, staticFlags } from "./run.ts";

Deno.test("every architecture has a row, whose options and commands make sense, whole and in small", () => {
  assert.deepEqual(ZOO_ROWS.map(({ name }) => name), ARCH_NAMES);
  for (const row of ZOO_ROWS) {
    for (const one of [row, quickRow(row)]) {
      const takesRows = ARCHITECTURES[one.name].takes.join() === "rows";
      assert.equal(one.training === undefined, takesRows, "of rows of numbers there are no data here");
      if (one.training === undefined) continue;
      const flags = trainingFlags(one, true);
      resolveOptions(readFlags<Record<string, string>>(qatCommand(), flags, []));
      const own = ["--model", "model.json", ...staticFlags(flags)];
      resolvePtqOptions(readFlags<Record<string, string>>(ptqCommand(), own, []));
      assert.ok(!trainingFlags(one, false).some((flag) => flag.includes("shared")), row.name);
    }
  }
});

Deno.test("a row in small has few samples in place of many", () => {
  const row = ZOO_ROWS.find(({ name }) => name === "resnet50");
  assert.deepEqual(row?.options, { inputShape: [224, 224, 3], outputs: 1000 });
  const flags = trainingFlags(quickRow(row), false).join(" ");
  assert.equal(
    flags,
    "--arch resnet50 --data generated --input-size 64 --no-control --precise --limit 40 --batch-size 8 " +
      "--float-epochs 1 --epochs 1",
  );
});

Deno.test("refuseUnknown() names architectures and parts", () => {
  refuseUnknown(["vgg16", "vgg16/step"]);
  assert.throws(() => refuseUnknown(["vgg"]), /^RangeError: Cannot run "vgg": needed is one of cifar_cnn, /);
  assert.throws(() => refuseUnknown(["vgg16/speed"]), /its parts are file, step, qat, static$/);
});

const FROM = { commit: "abc", machine: "a machine", date: "2026-11-27", seconds: 1 };

const RESULTS: readonly ZooResult[] = [
  {
    ...FROM,
    arch: "resnet18",
    part: "file",
    figures: {
      parameters: 11_699_112,
      trainable: 11_689_512,
      bytes: { float: 46_800_000, int8: 11_800_000 },
      latencyMs: { float: 17.5, int8: 5.25 },
      int8: { QLinearConv: 20 },
      float: [{ op: "Softmax", because: "it was kept", count: 1 }, {
        op: "Conv",
        because: "it reads no grid",
        count: 2,
      }],
    },
  },
  { ...FROM, arch: "resnet18", part: "step", figures: { batch: 8, stepMs: 812.4, peakMb: 1500.2 } },
  {
    ...FROM,
    arch: "resnet18",
    part: "static",
    figures: {
      command: "deno task ptq",
      metric: { name: "accuracy", unit: "fraction", better: "higher" },
      float: 0.5,
      int8: 0.4975,
      alike: null,
      sqnrDb: 31.26,
    },
  },
];

Deno.test("zooPage() says what was measured, and where nothing was", () => {
  const lines = zooPage(RESULTS).split("\n");
  const rowOf = (name: string) => lines.filter((line) => line.startsWith(`| \`${name}\``));
  assert.deepEqual(rowOf("resnet18"), [
    "| `resnet18` | torchvision's resnet18 | 224×224×3 | 11,689,512 | 46.8 | 11.8 | 17.5 | 5.25 | 3.3× | all but 2 | 812 | 1500 | 8 |",
    "| `resnet18` | 1 Softmax | it was kept |",
    "| `resnet18` | 2 Conv | it reads no grid |",
    "| `resnet18` | accuracy | 50.00 % | – | – | 49.75 % | – | 31.3 |",
  ]);
  assert.deepEqual(rowOf("vgg16"), [
    "| `vgg16` | torchvision's vgg16 | 224×224×3 | – | – | – | – | – | – | – | – | – | 8 |",
  ]);
});

Deno.test("zooPage() tells no times of a machine that did something else", () => {
  const [file, step] = RESULTS;
  const busy = [
    { ...file, figures: { ...file.figures, latencyMs: null } },
    { ...step, figures: { ...step.figures, stepMs: null } },
  ] as readonly ZooResult[];
  const [row] = zooPage(busy).split("\n").filter((line) => line.startsWith("| `resnet18`"));
  assert.match(row, /\| 11.8 \| – \| – \| – \| all but 2 \| – \| 1500 \| 8 \|$/);
});

Deno.test("timesIn() counts what all processors did, and guests once", () => {
  const stat = "cpu  100 5 20 800 50 1 2 3 40 6\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  assert.deepEqual(timesIn(stat), { busy: 131, all: 981 });
});

Deno.test("docs/zoo.md is what docs/zoo.json comes to", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../../../docs/${name}`, import.meta.url));
  // Spaces and lines are `deno fmt`'s.
  const squeezed = (markdown: string) => markdown.replace(/ {2,}|-{3,}/g, (run) => run[0]).replace(/\s+/g, " ").trim();
  assert.equal(squeezed(await read("zoo.md")), squeezed(zooPage(JSON.parse(await read("zoo.json")))));
});
