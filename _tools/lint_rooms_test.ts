import assert from "node:assert/strict";
import plugin from "./lint_rooms.ts";
import { unusedPermissions } from "./rooms.ts";

/** Lints `source` as if it stood in `file`; returns the messages. */
function lint(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map((it) => it.message);
}

/** Lints one import of `specifier`. */
function lintImport(file: string, specifier: string): string[] {
  return lint(file, `import { x } from "${specifier}";`);
}

const ALLOWED: readonly (readonly [file: string, specifier: string])[] = [
  ["src/onnx/passes/fold.ts", "../graph.ts"],
  ["src/onnx/bytes.ts", "protobufjs"],
  ["src/ops/relu.ts", "../onnx/graph.ts"],
  ["src/ops/relu.ts", "@tensorflow/tfjs-core"],
  ["src/backend/run.ts", "../ops/mod.ts"],
  ["src/backend/run.ts", "../runtime/session.ts"],
  ["src/rewrite/swap.ts", "../layers/mod.ts"],
  ["src/runtime/session.ts", "onnxruntime-node"],
  ["src/io/load.ts", "node:path"],
  ["models/import/load.ts", "@tensorflow/tfjs-core/dist/io/io.js"],
  ["train/fit.ts", "../src/backend/mod.ts"],
  ["export/trace.ts", "../src/backend/mod.ts"],
  ["src/backend/kernels.ts", "../ops/mod.ts"],
  ["report/html.ts", "./_format.ts"],
  ["report/charts/bar.ts", "../_format.ts"],
  ["cli.ts", "./cli/main.ts"],
  ["cli/qat.ts", "../mod.ts"],
  ["cli/qat.ts", "commander"],
  ["mod.ts", "./train/fit.ts"],
  ["src/onnx/graph_test.ts", "../runtime/session.ts"],
  ["src/quant/x_test.ts", "onnxruntime-node"],
  ["src/io/_test_models.ts", "@tensorflow/tfjs-backend-cpu"],
  ["tests/_support/run.ts", "onnxruntime-node"],
  ["examples/train.ts", "../mod.ts"],
  ["_tools/check.ts", "../export/report.ts"],
];

const REFUSED: readonly (readonly [file: string, specifier: string, message: RegExp])[] = [
  ["src/onnx/graph.ts", "../ops/op.ts", /src\/onnx may import only src\/numbers/],
  ["src/onnx/graph.ts", "@tensorflow/tfjs-core", /src\/onnx may import only protobufjs/],
  ["src/quant/scheme.ts", "../onnx/dtype.ts", /src\/quant may import only src\//],
  ["src/runtime/session.ts", "../onnx/graph.ts", /src\/runtime may import only src\/numbers/],
  ["data/mnist.ts", "../src/onnx/load.ts", /data may import only src\/events.ts, src\/io, src\/numbers, src\/text/],
  ["src/ops/relu.ts", "../backend/run.ts", /src\/ops may import only src\/numbers, src\/onnx \(and types/],
  ["src/ops/fake_quantize.ts", "../quant/kernel_types.ts", /types from src\/quant\/kernel_types\.ts/],
  ["src/backend/run.ts", "../quant/scheme.ts", /src\/backend may import only src\//],
  ["src/backend/run.ts", "onnxruntime-node", /only src\/runtime may/],
  ["src/backend/run.ts", "npm:onnxruntime-node@1.30.0", /only src\/runtime may/],
  ["src/backend/run.ts", "onnxruntime-common", /only src\/runtime may/],
  ["src/backend/run.ts", "../ops/relu.ts", /src\/backend may import only/],
  ["export/trace.ts", "../src/ops/relu.ts", /export may import only/],
  ["src/io/load.ts", "../layers/mod.ts", /src\/io may import only src\/text/],
  ["src/onnx/load.ts", "sharp", /src\/onnx may import only protobufjs/],
  [
    "src/layers/conv.ts",
    "../rewrite/swap.ts",
    /src\/layers may import none \(and types from src\/numbers, src\/quant\)/,
  ],
  ["src/rewrite/swap.ts", "../io/load.ts", /src\/rewrite may import only src\/channels, /],
  ["train/fit.ts", "../export/write.ts", /train may import only src\//],
  ["export/write.ts", "../train/fit.ts", /export may import only src\//],
  ["export/write.ts", "../mod.ts", /export may import only src\//],
  ["src/io/load.ts", "@tfjs-qat/tfjs-qat/quant", /imports "src\/quant\/mod\.ts": .*src\/io may import only/],
  ["export/write.ts", "@tfjs-qat/tfjs-qat", /export may import only src\//],
  ["export/write.ts", "../tests/_support/run.ts", /export may import only/],
  ["src/ops/mod.ts", "./relu_cases.ts", /src\/ops may import only/],
  ["train/fit.ts", "../src/quant/_kernel.ts", /private to their folder, "src\/quant"/],
  ["cli.ts", "./train/fit.ts", /cli\.ts may import only cli\/main\.ts/],
  ["cli.ts", "sharp", /of packages cli\.ts may import none/],
  ["cli/qat.ts", "../job/qat.ts", /cli may import only mod\.ts, src\/text/],
  ["cli/qat.ts", "sharp", /cli may import only commander/],
  ["train/fit.ts", "commander", /only cli may/],
  ["attic/old.ts", "./new.ts", /"attic\/old\.ts" is in no room/],
];

for (const [file, specifier] of ALLOWED) {
  Deno.test(`rooms/imports lets "${file}" import "${specifier}"`, () => {
    assert.deepEqual(lintImport(file, specifier), []);
  });
}

for (const [file, specifier, message] of REFUSED) {
  Deno.test(`rooms/imports refuses "${specifier}" in "${file}"`, () => {
    const messages = lintImport(file, specifier);
    assert.equal(messages.length, 1);
    assert.match(messages[0], message);
  });
}

Deno.test("rooms/imports lets an op import types where it may not import values", () => {
  const from = `from "../quant/kernel_types.ts";`;
  assert.deepEqual(lint("src/ops/fq.ts", `import type { A } ${from}`), []);
  assert.deepEqual(lint("src/ops/fq.ts", `import { type A, type B } ${from}`), []);
  assert.equal(lint("src/ops/fq.ts", `import { type A, b } ${from}`).length, 1);
});

Deno.test("unusedPermissions() names what a room may import and does not, and what it takes types of only", () => {
  const graph = (imports: Readonly<Record<string, readonly string[]>>) =>
    new Map(Object.entries(imports).map(([file, targets]) => [file, new Set(targets)]));
  const values = graph({ "src/onnx/graph.ts": ["src/numbers/dtype.ts"], "src/ops/relu.ts": ["src/onnx/graph.ts"] });
  const types = graph({ "src/layers/mod.ts": ["src/quant/mod.ts"], "src/io/errors.ts": ["src/text/plain.ts"] });
  const any = new Map([...values, ...types]);
  const found = unusedPermissions({ any, values }).filter((text) => /^src\/(onnx|ops|layers|io) /.test(text));
  assert.deepEqual(found, [
    "src/io may import src/text, and imports nothing but types of it, or nothing",
    "src/onnx may import src/text, and imports nothing but types of it, or nothing",
    "src/ops may import src/numbers, and imports nothing but types of it, or nothing",
    "src/ops may import types from src/quant/kernel_types.ts, and does not",
    "src/ops may import types from src/recurrent/kernel_types.ts, and does not",
    "src/layers may import types from src/numbers, and does not",
  ]);
});

Deno.test("rooms/imports sees every way to import", () => {
  for (
    const source of [
      `import "../ops/op.ts";`,
      `import * as ops from "../ops/op.ts";`,
      `import type { Op } from "../ops/op.ts";`,
      `export { defineOp } from "../ops/op.ts";`,
      `export * from "../ops/op.ts";`,
      `export type { Op } from "../ops/op.ts";`,
      `const ops = await import("../ops/op.ts");`,
      `type Op = import("../ops/op.ts").Op;`,
    ]
  ) assert.equal(lint("src/quant/scheme.ts", source).length, 1, source);
});

Deno.test("rooms/imports takes absolute file names, as Deno gives them", () => {
  const file = new URL("../src/numbers/scheme.ts", import.meta.url).pathname;
  assert.equal(lintImport(file, "../ops/op.ts").length, 1);
});
