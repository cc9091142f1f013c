import assert from "node:assert/strict";
import type { FoundThing, PictureAnswer } from "./answer.ts";
import { overlayOf, rgbOf } from "./_overlay.ts";

/** A picture of which each pixel becomes 8 × 8, with lines of words of 16. */
const SMALL = { width: 40, height: 20 };

/** An element with its attributes, numbers as such, and its text. */
type Element = Readonly<Record<string, string | number>>;

/** The elements of a kind, in their order. */
function elementsOf(svg: string, kind: "rect" | "text" | "circle"): Element[] {
  return Array.from(
    svg.matchAll(new RegExp(`<${kind} ([^>]*?)/?>(?:([^<]*)</text>)?`, "g")),
    ([, attributes, text]) => {
      const pairs = Array.from(attributes.matchAll(/([\w-]+)="([^"]*)"/g), ([, name, value]) => {
        const number = Number(value);
        return [name, Number.isNaN(number) ? value : Math.round(1e4 * number) / 1e4] as const;
      });
      return Object.fromEntries([...pairs, ...text === undefined ? [] : [["words", text] as const]]);
    },
  );
}

function box(at: Partial<FoundThing>): FoundThing {
  return { name: "cat", probability: 0.9, group: 0, x: 10, y: 10, width: 10, height: 5, ...at };
}

function classAnswer(name: string): PictureAnswer {
  return { kind: "class", output: "out", name, probability: 0.5, next: [] };
}

Deno.test("overlayOf() draws small pictures larger and large ones smaller, with lines that suit", () => {
  const canvas = (width: number, height: number) => overlayOf([], { width, height }).canvas;
  assert.deepEqual(canvas(40, 20), { width: 320, height: 160, scale: 8, line: 16 });
  assert.deepEqual(canvas(20, 40), { width: 160, height: 320, scale: 8, line: 16 });
  assert.deepEqual(canvas(1000, 700), { width: 1000, height: 700, scale: 1, line: 36 });
  assert.deepEqual(canvas(4096, 101), { width: 2048, height: 51, scale: 0.5, line: 73 });
  assert.deepEqual(canvas(2048, 320), { width: 2048, height: 320, scale: 1, line: 73 });
  assert.equal(canvas(20_000, 1).height, 1);
});

Deno.test("overlayOf() frames boxes, the surest on top, with a label above that stays in the picture", () => {
  const boxes = [box({}), box({ group: 1, y: 2, name: "dog" }), box({ x: 35, y: 1, width: 5, height: 4 })];
  const { svg, bottom } = overlayOf([{ kind: "boxes", boxes }], SMALL);
  assert.equal(bottom, 0);
  const frames = { fill: "none", stroke: "#3db8f5", "stroke-width": 2 };
  // Ten letters of 16 · 0.42, and 16 · 0.4 around them.
  const label = { width: 73.6, height: 16, fill: "#3db8f5" };
  assert.deepEqual(elementsOf(svg, "rect"), [
    // Above would be outside, and so would be its right end.
    { x: 280, y: 8, width: 40, height: 32, ...frames },
    { ...label, x: 246.4, y: 8 },
    // There is just room for it.
    { x: 80, y: 16, width: 80, height: 40, ...frames, stroke: "#f53d82" },
    { ...label, x: 80, y: 0, fill: "#f53d82" },
    { x: 80, y: 80, width: 80, height: 40, ...frames },
    { ...label, x: 80, y: 64 },
  ]);
  const words = { "font-size": 11.2, fill: "#000" };
  assert.deepEqual(elementsOf(svg, "text"), [
    { x: 249.6, y: 20, ...words, words: "cat 90.0 %" },
    { x: 83.2, y: 12, ...words, words: "dog 90.0 %" },
    { x: 83.2, y: 76, ...words, words: "cat 90.0 %" },
  ]);
  const [, left] = elementsOf(overlayOf([{ kind: "boxes", boxes: [box({ x: -1 })] }], SMALL).svg, "rect");
  assert.equal(left.x, 0);
  const [, long] = elementsOf(
    overlayOf([{ kind: "boxes", boxes: [box({ name: "a".repeat(99) })] }], SMALL).svg,
    "rect",
  );
  assert.deepEqual([long.x, long.width], [0, 320]);
});

Deno.test("overlayOf() draws frames and points as thick as the lines are high", () => {
  const large = { width: 2048, height: 1024 };
  const [frame] = elementsOf(overlayOf([{ kind: "boxes", boxes: [box({})] }], large).svg, "rect");
  assert.equal(frame["stroke-width"], 9);
  // An eighth of 36, rounded.
  const wide = { width: 1000, height: 700 };
  const [wider] = elementsOf(overlayOf([{ kind: "boxes", boxes: [box({})] }], wide).svg, "rect");
  assert.equal(wider["stroke-width"], 5);
  const points = [{ name: "nose", x: 5, y: 2.5 }, { name: "ear", x: -1, y: 30 }];
  const { svg } = overlayOf([{ kind: "points", output: "out", points }], SMALL);
  const look = { r: 2.56, fill: "#39ff14", stroke: "#000", "stroke-width": 0.64 };
  assert.deepEqual(elementsOf(svg, "circle"), [{ cx: 40, cy: 20, ...look }, { cx: -8, cy: 240, ...look }]);
});

Deno.test("overlayOf() says below the picture what is not marked in it, six lines at the most", () => {
  const { svg, bottom } = overlayOf([classAnswer("cat"), { kind: "boxes", boxes: [] }], SMALL);
  assert.equal(bottom, 40);
  assert.match(svg, /^<svg [^>]* width="320" height="200" /);
  const words = { x: 6.4, fill: "#fff", "font-size": 11.52 };
  assert.deepEqual(elementsOf(svg, "text"), [
    { ...words, y: 175.2, words: "cat 50.0 %" },
    { ...words, y: 191.2, words: "nothing found" },
  ]);
  assert.deepEqual(elementsOf(svg, "rect"), []);
  assert.equal(overlayOf([classAnswer("cat")], SMALL).bottom, 24);
  // One and a half of 73.
  assert.equal(overlayOf([classAnswer("cat")], { width: 2048, height: 1024 }).bottom, 110);
  const many = overlayOf(Array.from({ length: 9 }, (_, i) => classAnswer(`class ${i}`)), SMALL);
  assert.equal(many.bottom, 104);
  assert.deepEqual(elementsOf(many.svg, "text").map(({ words }) => words).at(-1), "class 5 50.0 %");
  assert.equal(elementsOf(many.svg, "text").length, 6);
});

Deno.test("overlayOf() puts the colour of a class of pixels before its name", () => {
  const mask = { width: 1, height: 1, classes: Uint8Array.of(2) };
  const classes = [{ name: "sky", group: 2, share: 1 }];
  const { svg } = overlayOf([{ kind: "mask", output: "out", classes, mask }], SMALL);
  assert.deepEqual(elementsOf(svg, "rect"), [{ x: 6.4, y: 166.4, width: 9.6, height: 9.6, fill: "#4cf53d" }]);
  assert.deepEqual(elementsOf(svg, "text").map(({ x, words }) => [x, words]), [[20.8, "sky 100.0 %"]]);
});

Deno.test("overlayOf() cuts what is longer than the picture is wide, and writes nothing that is no XML", () => {
  // (320 - 6.4) / 6.4 letters.
  const textOf = (name: string) => elementsOf(overlayOf([classAnswer(name)], SMALL).svg, "text")[0].words;
  assert.equal(textOf("a".repeat(42)), `${"a".repeat(42)} 50.0 %`);
  assert.equal(textOf("a".repeat(43)), `${"a".repeat(43)} 50.0…`);
  assert.equal(textOf(`${"a".repeat(47)} bbb`), `${"a".repeat(47)}…`);
  assert.equal(textOf("<a> & b"), "&lt;a&gt; &amp; b 50.0 %");
  assert.equal(textOf("\ufffe\ud800\uffff"), "?\ufffd? 50.0 %");
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(String(textOf("\x1b[2J\u202e")), /[\x1b\u202e]/);
});

Deno.test("rgbOf() gives classes colours a golden angle apart", () => {
  // HSL of 200, 337.51, 115.02 and 252.52 degrees, 90 % and 60 %: 0.24 and 0.96 at the ends.
  const colours = [[61, 184, 245], [245, 61, 130], [76, 245, 61], [100, 61, 245]];
  assert.deepEqual(colours.map((_, group) => rgbOf(group)), colours);
});
