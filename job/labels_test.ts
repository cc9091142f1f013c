import assert from "node:assert/strict";
import { classification } from "../tasks/classification/classification.ts";
import { labelsFiles } from "./_labels.ts";

function textOf(names: readonly string[]): string {
  const [{ name, text, output }, ...others] = labelsFiles(
    classification({ classNames: names }).bind([{ name: "cls", shape: [names.length] }], "m"),
  );
  assert.deepEqual([name, output, others], ["labels.txt", "cls", []]);
  return text;
}

Deno.test("labelsFiles() writes one name a line, in the order of the output's numbers", () => {
  assert.equal(textOf(["cat", "dog house", "ähre", "🐎"]), "cat\ndog house\nähre\n🐎\n");
});

Deno.test("labelsFiles() writes every name on a line of its own, and no two alike, whatever is in them", () => {
  const names = [
    "a\nb",
    "a\rb",
    "a\\nb",
    "a\u2028b",
    "a\u0085b",
    "a\\u000ab",
    "\x1b[2J",
    "\ufeffa",
    "\ud800",
    "\\",
    "a?b",
  ];
  const lines = textOf(names).split("\n");
  assert.deepEqual([lines.length, lines.at(-1)], [names.length + 1, ""]);
  assert.equal(new Set(lines).size, names.length + 1);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  for (const line of lines) assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/);
  const read = lines.slice(0, -1).map((line) =>
    line.replace(
      /\\(\\|u([0-9a-f]{4}))/g,
      (_, all, hex) => all === "\\" ? "\\" : String.fromCharCode(parseInt(hex, 16)),
    )
  );
  assert.deepEqual(read, names);
});

Deno.test("labelsFiles() writes nothing where there are no names, and a file an output where there are several", () => {
  const ports = [{ name: "cls", shape: [2] }];
  assert.deepEqual(labelsFiles(classification().bind(ports, "m")), []);
  const { heads: { cls } } = classification({ classNames: ["a", "b"] }).bind(ports, "m");
  const files = labelsFiles({ heads: { "x/1": cls, y: cls } });
  assert.deepEqual(files.map(({ name }) => name), ["labels.x%2F1.txt", "labels.y.txt"]);
});
