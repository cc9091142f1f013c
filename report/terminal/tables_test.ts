/** The tables that are no report: a model's layers, what a recipe came to, the targets. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { summarize } from "../../models/summary.ts";
import { prepareQat } from "../../quantize/prepare.ts";
import type { ResolvedLayer } from "../../quantize/record.ts";
import type { RecipeRule } from "../../quantize/recipe.ts";
import { TARGETS } from "../../quantize/targets/mod.ts";
import { sequentialModel } from "../../tests/_support/small_models.ts";
import { formatRecord } from "./record.ts";
import { formatSummary } from "./summary.ts";
import { formatTargets } from "./targets.ts";

/** A net whose names are as long as names get. */
function longNames(): tfl.LayersModel {
  const input = tfl.input({ shape: [8, 8, 3], name: "a_picture_of_something_that_has_a_long_name_and_more_of_it" });
  const name = (end: string) => `backbone/stage_1/inverted_residual_block_with_expansion/${end}`;
  const conv = tfl.layers.conv2d({ filters: 4, kernelSize: 1, name: name("conv") }).apply(input) as tfl.SymbolicTensor;
  const left = tfl.layers.reLU({ name: name("left") }).apply(conv) as tfl.SymbolicTensor;
  const sum = tfl.layers.add({ name: name("sum") }).apply([left, conv]) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: sum });
}

Deno.test("formatSummary() writes a line a layer, and what a layer reads where that is not the one above", () => {
  const lines = formatSummary(summarize(longNames())).split("\n");
  assert.match(lines[0], /^model\d*: 4 layers, 16 parameters$/);
  assert.equal(lines.length, 3 + 4 + 2, "what the sum reads takes two lines");
  assert.match(lines[4], /….*conv +Conv2D +8×8×4 +16$/);
  assert.match(lines[7], /^ {2}reads .*left,$/);
});

Deno.test("formatSummary() lets no name steer the terminal", () => {
  const layer = { name: "a\x1b[31m\nb", className: "Dense\x07", shapes: [[]], parameters: 0, reads: ["x\x9b"] };
  const text = formatSummary({ name: "net\r", layers: [layer], parameters: 0, trainable: 0 });
  assert.match(text, /^net\?: .*\na\?\[31m\?b +Dense\? +number\n {2}reads x\?$/s);
});

Deno.test("formatSummary() says what is not trained, and the codes of a prepared model", () => {
  const { model } = prepareQat(sequentialModel());
  const text = formatSummary(summarize(model));
  assert.match(text, /^.*: \d+ layers, [\d,]+ parameters, \d+ of them not trained\n/);
  assert.match(text, /^layer +class +output +params +weights +codes$/m);
  assert.match(text, /^conv1 +Conv2D +\S+ +\d+ +int8$/m);
  assert.match(text, /^fc +Activation +\S+ +uint8$/m);
  assert.doesNotMatch(text, /FakeQuantize/);
});

Deno.test("formatRecord() writes a line a layer: codes, what is unlike most layers, or why it is in float", () => {
  const rules: RecipeRule[] = [
    { match: { pattern: "^fc_linear$" }, then: { float: true } },
    { match: { kind: "Conv2D" }, then: { observer: "min-max" } },
    { match: { kind: "MaxPooling2D" }, then: { observer: "histogram" } },
  ];
  const text = formatRecord(prepareQat(sequentialModel(), { target: "arm", recipe: { name: "mine", rules } }));
  assert.match(
    text,
    /^Target "arm": ONNX Runtime on ARM CPUs: int8 activations, int8 weights\.\nRecipe "mine": 3 rules\.\n/,
  );
  assert.match(
    text,
    /weights are int8 -127\s+to\s+127,\s+symmetric,\s+per\s+channel;\s+outputs\s+int8\s+-128\s+to\s+127/,
  );
  const line = (name: string) => text.split("\n").find((line) => line.startsWith(`${name} `))?.split(/ {2,}/);
  assert.deepEqual(line("conv1")?.slice(0, 4), ["conv1", "weighted", "int8", "int8"]);
  assert.match(line("conv1")?.[4] ?? "", /rule 2$/);
  assert.deepEqual(line("bn1"), ["bn1", "part of conv1"]);
  assert.deepEqual(
    line("fc_linear")?.slice(1),
    ["float", "int8", "it was asked to stay in float; rules", "1, 3"].slice(0, 3),
  );
  assert.equal(line("fc")?.at(-1), "range known: 0 to 1");
});

Deno.test("formatRecord() says of most layers only what they have", () => {
  const record = prepareQat(sequentialModel());
  const usual = (...left: readonly (keyof ResolvedLayer)[]) => {
    const layers = record.layers.map((layer): ResolvedLayer => ({
      ...layer,
      ...Object.fromEntries(left.map((name) => [name, undefined])),
    }));
    const [, , ...lines] = formatRecord({ ...record, layers }, { width: 100 }).split("\n");
    return lines.slice(0, lines.indexOf("")).join(" ");
  };
  const weights = "weights are int8 -127 to 127, symmetric, per channel";
  const outputs = "outputs uint8 0 to 255, affine, per tensor";
  const observer = "ranges are found by moving-average";
  assert.equal(usual(), `Where a line has no note, ${weights}; ${outputs}; ${observer}.`);
  assert.equal(usual("activations"), `Where a line has no note, ${weights}; ${observer}.`);
  assert.equal(usual("weights", "observer"), `Where a line has no note, ${outputs}.`);
  assert.equal(usual("weights", "observer", "activations"), "");
});

Deno.test("formatTargets() names every target with what it holds", () => {
  const text = formatTargets({ width: 100 });
  for (const { name, description } of TARGETS) assert.ok(text.replace(/\s+/g, " ").includes(`${name}: ${description}`));
  assert.match(text, /activations {2}uint8 0 to 255, 127 steps, affine, per tensor\n/);
  assert.match(text, /file {9}none/);
});

for (const width of [40, 80]) {
  for (const ascii of [false, true]) {
    Deno.test(`tables stay within ${width} columns${ascii ? ", in ASCII" : ""}`, () => {
      const model = longNames();
      const texts = [
        formatSummary(summarize(model), { width, ascii }),
        formatSummary(summarize(prepareQat(model).model), { width, ascii }),
        formatRecord(prepareQat(model), { width, ascii }),
        formatTargets({ width, ascii }),
      ];
      for (const line of texts.join("\n").split("\n")) {
        assert.ok([...line].length <= width, `${[...line].length} columns: ${line}`);
        if (ascii) assert.match(line, /^[ -~]*$/);
      }
    });
  }
}
