import assert from "node:assert/strict";
import plugin from "./lint_style.ts";

/** Lints `source` as if it stood in `file`; returns the ids of the rules it breaks. */
function lint(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map((it) => it.id.replace("style/", ""));
}

Deno.test("style/double-cast refuses casts through unknown and any, and no other", () => {
  assert.deepEqual(lint("src/x.ts", "const a = b as unknown as string;"), ["double-cast"]);
  assert.deepEqual(lint("src/x.ts", "const a = b as any as string;"), ["double-cast"]);
  assert.deepEqual(lint("src/x.ts", "const a = b as string, c = d as unknown;"), []);
});

Deno.test("style/no-console refuses printing outside of programs", () => {
  const source = `export function f(): void { console.error("x"); }`;
  for (const file of ["src/quant/x.ts", "train/fit.ts", "export/x.ts", "data/x.ts", "mod.ts"]) {
    assert.deepEqual(lint(file, source), ["no-console"], file);
  }
  for (const file of ["cli.ts", "cli/qat.ts", "_tools/x.ts", "examples/x.ts", "src/ops/x_bench.ts"]) {
    assert.deepEqual(lint(file, source), [], file);
  }
});

Deno.test("style/file-length refuses 401 lines and lets 400 pass", () => {
  const lines = (count: number) => "// x\n".repeat(count);
  assert.deepEqual(lint("src/x.ts", lines(400)), []);
  assert.deepEqual(lint("src/x.ts", lines(401)), ["file-length"]);
});

Deno.test("style/empty-test refuses a test file without a test", () => {
  assert.deepEqual(lint("src/x_test.ts", `import "./x.ts";`), ["empty-test"]);
  assert.deepEqual(lint("src/x_test.ts", `Deno.test("x() does y when z", () => {});`), []);
  assert.deepEqual(lint("src/x_test.ts", `for (const c of cases) testOp(relu, c);`), []);
  assert.deepEqual(lint("src/x.ts", "export const x = 1;"), []);
});

Deno.test("style/side-effect refuses what runs on import, in library modules only", () => {
  const sources = [
    "registerBackend();",
    `tf.env().set("PROD", true);`,
    "await load();",
    "const done = registerKernel(relu);",
    `import "./register.ts";`,
  ];
  for (const source of sources) {
    assert.deepEqual(lint("src/backend/x.ts", source), ["side-effect"], source);
    assert.deepEqual(lint("examples/x.ts", source), [], source);
    assert.deepEqual(lint("src/ops/x_cases.ts", source), [], source);
  }
});

Deno.test("style/side-effect lets declarations, constants and packages' own imports pass", () => {
  const source = `
    import "@tensorflow/tfjs-backend-cpu";
    export const TABLE = new Map([["a", sizeOf([1])]]);
    export function registerX(): void { registerKernel(x); }
    if (import.meta.main) registerX();
  `;
  assert.deepEqual(lint("src/backend/x.ts", source), []);
});

Deno.test("style/task-words refuses words of one task where tasks are known by their contract", () => {
  const words = [
    "// The accuracy of the model.",
    "export const bestAccuracy = 1;",
    'const message = "Accuracies differ";',
    "// a classifier, to classify, classification, classified",
    "function countClasses(): number { return 10; }",
    "const numClasses = 10, classes = 2;",
    "const { classNames } = data;",
    'if (kind === "classes") stop();',
    "// classes of the data, and of the layers' classes",
  ];
  for (const source of words) {
    for (const file of ["train/fit.ts", "export/x.ts", "report/html/x.ts", "job/_x.ts"]) {
      assert.ok(lint(file, source).includes("task-words"), `${file}: ${source}`);
    }
    for (const file of ["tasks/x.ts", "data/x.ts", "models/arch/x.ts", "train/x_test.ts", "job/_test_support.ts"]) {
      assert.deepEqual(lint(file, source).filter((rule) => rule === "task-words"), [], `${file}: ${source}`);
    }
  }
});

Deno.test("style/task-words lets classes of layers and of types pass", () => {
  const words = [
    "class Display {}",
    "const { className } = layer; layer.getClassName();",
    "// The class of a layer, classes of layers, layer classes, subclasses.",
    "const layerClasses = new Set<string>();",
    'const html = `<p class="meta">`;',
  ];
  for (const source of words) {
    assert.deepEqual(lint("train/x.ts", source).filter((rule) => rule === "task-words"), [], source);
  }
});
