import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import sharp from "sharp";
import type { BoxMark, Mark, PictureBytes, PicturesSection, Section } from "../tasks/section.ts";
import { readRuns } from "./mask_runs.ts";
import { reportSections } from "./report_sections.ts";

/** A picture whose left half is one colour and whose right half another. */
function halves(height: number, width: number, [left, right]: readonly (readonly number[])[]): PictureBytes {
  const bytes = Array.from({ length: height * width }, (_, i) => i % width < width / 2 ? left : right).flat();
  return { height, width, channels: left.length, bytes: Uint8Array.from(bytes) };
}

function section(pictures: readonly PictureBytes[], marks: readonly Mark[] = []): PicturesSection {
  const rows = pictures.map((picture, i) => ({
    caption: `sample ${i}`,
    picture,
    panels: [{ name: "truth", model: "truth" as const, marks }],
  }));
  return { kind: "pictures", heading: "Pictures", lead: "What is there.", groups: ["a"], rows };
}

async function reported(sections: readonly Section[]) {
  const [found] = await reportSections(sections);
  assert.ok(found.kind === "pictures");
  return found;
}

Deno.test("reportSections() writes pictures as small JPEGs of the same look", async () => {
  const colors = [[200, 40, 30], [20, 60, 220]];
  const pictures = [halves(240, 640, colors), halves(40, 24, colors), halves(500, 10, [[250], [10]])];
  const { rows } = await reported([section(pictures)]);
  assert.deepEqual(rows.map(({ picture: { height, width } }) => [height, width]), [[120, 320], [40, 24], [320, 6]]);
  for (const [i, { picture: { src, width, height } }] of rows.entries()) {
    assert.match(src, /^data:image\/jpeg;base64,/);
    const { data, info } = await sharp(Buffer.from(src.split(",")[1], "base64")).raw().toBuffer({
      resolveWithObject: true,
    });
    assert.deepEqual([info.width, info.height], [width, height]);
    const at = (x: number) => (Math.floor(height / 2) * width + x) * info.channels;
    for (const [x, color] of [[1, colors[0]], [width - 2, colors[1]]] as const) {
      const expected = i === 2 ? [color === colors[0] ? 250 : 10] : color;
      expected.forEach((value, c) =>
        assert.ok(Math.abs(data[at(x) + c] - value) < 24, `${i}: ${data[at(x) + c]}, ${value}`)
      );
    }
  }
});

Deno.test("reportSections() keeps the first pictures and marks, and says how many are left out", async () => {
  const picture = halves(8, 8, [[0], [255]]);
  const box: BoxMark = { kind: "box", x: 1 / 3, y: 0, width: 1e-9, height: 2, group: 0, label: "a 0.9" };
  const many = section(Array(15).fill(picture), Array(130).fill(box));
  const { rows, left } = await reported([{ ...many, left: 4 }]);
  assert.deepEqual([rows.length, left, rows[11].caption], [12, 7, "sample 11"]);
  assert.deepEqual(rows[0].panels[0].marks, Array(100).fill({ ...box, x: 0.33333, width: 0 }));
  assert.equal("left" in await reported([section([picture])]), false);
});

Deno.test("reportSections() leaves out boxes that are nowhere, and keeps the place of such points", async () => {
  const picture = halves(8, 8, [[0], [255]]);
  const box: BoxMark = { kind: "box", x: 0.5, y: 0.5, width: 0.1, height: 0.1, group: 0 };
  const marks: readonly Mark[] = [
    { ...box, x: NaN },
    { ...box, height: Infinity },
    box,
    { kind: "points", points: [[0.5, NaN], [1e-6, 1.25], null, [-Infinity, 0]] },
  ];
  const found = await reported([section([picture], marks)]);
  assert.deepEqual(found.rows[0].panels[0].marks, [box, { kind: "points", points: [null, [0, 1.25], null, null] }]);
  assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
});

Deno.test("reportSections() shrinks masks to the nearest pixels, and keeps small ones as they are", async () => {
  const picture = halves(8, 8, [[0], [255]]);
  const small = { kind: "mask" as const, height: 2, width: 3, pixels: Uint8Array.of(0, 1, 2, 255, 1, 1), clear: 0 };
  // Columns of two pixels, of which every second remains.
  const large = {
    kind: "mask" as const,
    height: 4,
    width: 320,
    pixels: Uint8Array.from({ length: 1280 }, (_, i) => i % 320 < 100 ? 3 : 1),
  };
  const found = await reported([section([picture], [small, large])]);
  const [first, second] = found.rows[0].panels[0].marks;
  assert.deepEqual(first, { ...small, pixels: "0×1 1×1 2×1 255×1 1×2" });
  assert.ok(second.kind === "mask");
  assert.deepEqual([second.height, second.width], [2, 160]);
  const row = [...Array(50).fill(3), ...Array(110).fill(1)];
  assert.deepEqual(readRuns(second.pixels, 320), Uint8Array.from([...row, ...row]));
});

Deno.test("reportSections() leaves other sections as they are", async () => {
  const table: Section = { kind: "table", heading: "a", lead: "b", columns: [{ heading: "c" }], rows: [["d"]] };
  assert.deepEqual(await reportSections([table]), [table]);
  const both = await reportSections([table, section([])]);
  assert.deepEqual(both[0], table);
});
