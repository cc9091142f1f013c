import assert from "node:assert/strict";
import fc from "fast-check";
import { detectorReport } from "../_test_sample_pictures.ts";
import type { BoxMark, Mark, PictureSource, PicturesSection } from "../../tasks/section.ts";
import { writeRuns } from "../mask_runs.ts";
import { drawBoxes, groupColor } from "./_picture_boxes.ts";
import { renderPictures } from "./_pictures.ts";

type Pictures = PicturesSection<PictureSource, string>;

/** The section of the sample report that marks such things. */
function sample(kind: Mark["kind"]): Pictures {
  const found = detectorReport().sections?.find((section) =>
    section.kind === "pictures" && section.rows[0].panels[0].marks[0].kind === kind
  );
  assert.ok(found?.kind === "pictures");
  return found;
}

/** A section of one row whose panels have these marks; the first is the truth's. */
function withMarks(...panels: readonly (readonly Mark<string>[])[]): Pictures {
  const [{ picture }] = sample("box").rows;
  const models = ["truth", "float", "deployed"] as const;
  const row = {
    caption: "sample 1",
    picture,
    panels: panels.map((marks, i) => ({ name: models[i], model: models[i], marks })),
  };
  return { kind: "pictures", heading: "", lead: "", rows: [row] };
}

const count = (html: string, pattern: RegExp) => html.match(pattern)?.length ?? 0;

Deno.test("renderPictures() holds each picture once, and shows it in every panel", () => {
  const { rows, ...section } = sample("box");
  const html = renderPictures({ rows, ...section }, "s");
  assert.equal(count(html, /<image /g), rows.length);
  assert.equal(count(html, /<use href="#s-\d"\/>/g), 2 * rows.length);
  assert.match(html, /<svg viewBox="0 0 320 240" role="img" aria-label="sample 17, float: 2 boxes">/);
  assert.match(html, /9 pictures more are left out/);
  assert.match(renderPictures({ rows, ...section, left: 1 }, "s"), /1 picture more is left out/);
});

Deno.test("renderPictures() shows no picture but a JPEG within the report", () => {
  const { rows: [row], ...section } = sample("box");
  for (
    const src of ["https://example.org/a.jpg", "", "data:image/svg+xml;base64,AAAA", `${row.picture.src}" onload="x`]
  ) {
    const html = renderPictures({ ...section, rows: [{ ...row, picture: { ...row.picture, src } }] }, "s");
    assert.doesNotMatch(html, /<image|example|onload/);
    // What the panels refer to is there all the same.
    assert.match(html, /<rect id="s-0" width="320" height="240"/);
  }
});

Deno.test("renderPictures() draws boxes where they are, in the colour of their class, and names the pixels that occur", () => {
  const html = renderPictures({ ...sample("box"), rows: sample("box").rows.slice(0, 1) }, "s");
  // 0.12, 0.2, 0.26, 0.52 of 320 × 240.
  const box = 'x="38.4" y="48" width="83.2" height="124.8"';
  assert.equal(html.split(`<rect ${box} style="stroke:var(--int8)"/>`).length, 4);
  assert.deepEqual(Array.from(html.matchAll(/<li>.*?<\/svg>(.*?)<\/li>/g), ([, name]) => name), [
    "red cell",
    "white cell",
  ]);
});

Deno.test("groupColor() gives fifteen pixels colours of their own", () => {
  assert.equal(new Set(Array.from({ length: 15 }, (_, i) => groupColor(i))).size, 15);
  assert.equal(groupColor(15), groupColor(0));
});

const share = fc.double({ min: -0.2, max: 1.2, noNaN: true });
const anyBox: fc.Arbitrary<BoxMark> = fc.record({
  kind: fc.constant("box" as const),
  x: share.map((x) => 320 * x),
  y: share.map((y) => 240 * y),
  width: fc.double({ min: 0, max: 320, noNaN: true }),
  height: fc.double({ min: 0, max: 240, noNaN: true }),
  label: fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom(..."ab 0.9<猫") }),
  group: fc.nat(20),
});

Deno.test("drawBoxes() keeps labels within the picture and apart from one another", () => {
  const area = /<g><rect x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)" style="fill/g;
  fc.assert(
    fc.property(fc.array(anyBox, { maxLength: 30 }), (boxes) => {
      const html = drawBoxes(boxes, { width: 320, height: 240 });
      const labels = Array.from(html.matchAll(area), (match) => match.slice(1).map(Number));
      if (boxes.length > 0) assert.ok(labels.length > 0 || boxes.every(({ label }) => label?.trim() === ""));
      for (const [i, [x, y, width, height]] of labels.entries()) {
        assert.ok(x >= 0 && y >= 0 && x + width <= 320.01 && y + height <= 240.01, `${labels[i]}`);
        for (const [left, top, wide, high] of labels.slice(i + 1)) {
          const isApart = x + width <= left + 0.01 || left + wide <= x + 0.01 || y + height <= top + 0.01 ||
            top + high <= y + 0.01;
          assert.ok(isApart, `${labels[i]} and ${[left, top, wide, high]}`);
        }
      }
    }),
    { seed: 3, numRuns: 100 },
  );
});

Deno.test("renderPictures() leads a line from each point to where it should be, and draws none of what is nowhere", () => {
  const points = (...all: readonly (readonly [number, number] | null)[]) => [{ kind: "points" as const, points: all }];
  const html = renderPictures(
    withMarks(points([0.5, 0.5], [0.25, 0.25], [0, 0]), points([0.5, 0.25], null, [1, 1]), points(null, null, null)),
    "s",
  );
  const [truth, float, deployed] = html.split("<b ").slice(1);
  assert.deepEqual([count(truth, /<circle/g), count(truth, /class="off"/g)], [3, 0]);
  assert.match(float, /<path class="off" d="M160 60L160 120M320 240L0 0"\/>/);
  assert.match(float, /<g class="dot" style="fill:var\(--float\)"><circle cx="160" cy="60" r="2.4"\/>/);
  assert.equal(count(deployed, /<circle|class="off"/g), 0);
});

Deno.test("renderPictures() colours exactly the pixels of each class", () => {
  const [height, width] = [5, 7];
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 35, maxLength: 35, max: 3 }), (drawn) => {
      const pixels = drawn.map((group) => group === 3 ? 255 : group);
      const mask = { kind: "mask" as const, height, width, pixels: writeRuns(pixels), clear: 0 };
      const found = new Uint8Array(35);
      const html = renderPictures(withMarks([mask]), "s");
      for (const [, d, color] of html.matchAll(/<path d="([^"]*)" style="fill:([^"]*)"/g)) {
        const group = [1, 2].find((group) => groupColor(group) === color)!;
        for (const [, x, y, wide] of d.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
          const at = Number(y) * width + Number(x);
          assert.ok(found.subarray(at, at + Number(wide)).every((was) => was === 0));
          found.fill(group, at, at + Number(wide));
        }
      }
      assert.deepEqual(found, pixels.map((group) => group === 255 ? 0 : group));
    }),
    { seed: 4, numRuns: 50 },
  );
  for (const runs of ["", "0×34", "0×36", "0x35", "0×35 ", "256×35", "-1×35", "0×99999999999"]) {
    const html = renderPictures(withMarks([{ kind: "mask", height, width, pixels: runs }]), "s");
    assert.doesNotMatch(html, /<path/, runs);
  }
});
