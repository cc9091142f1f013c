/** Sets in which every sample has a fault, of all sources: the fault is told, and not what follows of it. */
import assert from "node:assert/strict";
import { openData } from "./open.ts";
import { npyBytes } from "./sources/_test_npy.ts";
import { type Content, picture, withFiles } from "./sources/_test_pictures.ts";

interface Case {
  readonly spec: string;
  readonly files: Readonly<Record<string, Content>>;
  /** What is said of the first fault, in any order of the samples. */
  readonly fault: RegExp;
  /** How many are left out with `skipBadImages`; absent: what cannot be left out. */
  readonly count?: number;
}

const IDS = ["a", "b", "c"];

/** Files for each of three samples. */
function three(make: (id: string, i: number) => Readonly<Record<string, Content>>): Record<string, Content> {
  return Object.assign({}, ...IDS.map(make));
}

const PICTURES = three((id) => ({ [`${id}.png`]: picture() }));

function points(row: string, header = "file,x0,y0,x1,y1"): string {
  return [header, ...IDS.map((id) => `${id}.png,${row}`)].join("\n");
}

const POINTS = points("10,5,20,15");

function xml(object: string, size = "<size><width>64</width><height>48</height></size>"): string {
  return `<annotation>${size}${object}</annotation>`;
}

function voc(edges: readonly (number | string)[]): string {
  const [xmin, ymin, xmax, ymax] = edges;
  return `<object><name>cat</name><bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax>` +
    "</bndbox></object>";
}

const YAML = "train: images\nnames: [cat]\n";

function yolo(line: string | Uint8Array): Record<string, Content> {
  return { "d.yaml": YAML, ...three((id) => ({ [`images/${id}.png`]: picture(), [`labels/${id}.txt`]: line })) };
}

function coco(
  { id = (i) => i, file = (name) => `${name}.png`, bbox = [16, 12, 32, 24], ids = IDS }: {
    readonly id?: (i: number) => unknown;
    readonly file?: (name: string) => string;
    readonly bbox?: unknown;
    readonly ids?: readonly string[];
  },
): string {
  return JSON.stringify({
    images: ids.map((name, i) => ({ id: id(i), file_name: file(name) })),
    annotations: ids.map((_, i) => ({ id: i, image_id: id(i), category_id: 1, bbox })),
    categories: [{ id: 1, name: "cat" }],
  });
}

const BAD_PICTURES = three((id) => ({ [`${id}.png`]: "no picture" }));

const CASES: Readonly<Record<string, Case>> = {
  "points: pictures elsewhere": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": POINTS },
    fault: /DIR\/pts\.csv, line 2.*its picture "a\.png" is no file/,
    count: 3,
  },
  "points: one line alone": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": POINTS.split("\n").slice(0, 2).join("\n") },
    fault: /line 2.*its picture "a\.png" is no file/,
    count: 1,
  },
  "points: one person's left": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": POINTS, "a.png": picture() },
    fault: /line 3.*its picture "b\.png" is no file/,
    count: 2,
  },
  "points: one point": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": points("10,5", "file,x0,y0"), ...PICTURES },
    fault: /line 2.*all its points are in one place/,
    count: 3,
  },
  "points: damaged pictures": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": POINTS, ...BAD_PICTURES },
    fault: /line [234].*its picture "[abc]\.png": it is no picture/,
    count: 3,
  },
  "points: parts of their own": {
    spec: "points:DIR/pts.csv",
    files: { "pts.csv": POINTS, "test.csv": POINTS },
    fault: /line 2.*its picture "a\.png" is no file/,
    count: 6,
  },
  "coco: texts for ids": {
    spec: "coco:DIR/all.json",
    files: { "all.json": coco({ id: (i) => `img${i}` }), ...PICTURES },
    fault: /all\.json" \(images\[0\]: its id is "img0", a whole number is needed\)/,
    count: 6,
  },
  "coco: one picture": {
    spec: "coco:DIR/all.json",
    files: { "all.json": coco({ ids: ["a"], file: (name) => `/${name}.png` }), ...PICTURES },
    fault: /images\[0\]: its file_name "\/a\.png": it is outside/,
    count: 1,
  },
  "coco: pictures elsewhere": {
    spec: "coco:DIR/all.json",
    files: { "all.json": coco({}) },
    fault: /"DIR\/[abc]\.png" \(it does not exist\)/,
    count: 3,
  },
  "coco: boxes": {
    spec: "coco:DIR/all.json",
    files: { "all.json": coco({ bbox: [1, 2, 3] }), ...PICTURES },
    fault: /annotations\[\d\] of "DIR\/all\.json" \(its bbox is \[1,2,3\], four numbers are needed/,
    count: 3,
  },
  "voc: annotations": {
    spec: "voc:DIR",
    files: { ...PICTURES, ...three((id) => ({ [`${id}.xml`]: "<annotation>" })) },
    fault: /"DIR\/[abc]\.xml" \(line 1 is no XML/,
    count: 3,
  },
  "voc: no pictures": {
    spec: "voc:DIR",
    files: three((id) => ({ [`${id}.xml`]: xml(voc([16, 12, 48, 36])) })),
    fault: /"DIR\/[abc]\.xml" \(it has no picture, "[abc]\.jpg" is needed/,
    count: 3,
  },
  "voc: damaged pictures": {
    spec: "voc:DIR",
    files: { ...BAD_PICTURES, ...three((id) => ({ [`${id}.xml`]: xml(voc([16, 12, 48, 36])) })) },
    fault: /"DIR\/[abc]\.png" \(it is no picture/,
    count: 3,
  },
  "voc: boxes": {
    spec: "voc:DIR",
    files: { ...PICTURES, ...three((id) => ({ [`${id}.xml`]: xml(voc([16, 12, 16, 36])) })) },
    fault: /object 1 of "DIR\/[abc]\.xml" \(it has no area/,
    count: 3,
  },
  "voc: boxes of pictures without a size": {
    spec: "voc:DIR",
    files: { ...PICTURES, ...three((id) => ({ [`${id}.xml`]: xml(voc(["x", 12, 16, 36]), "") })) },
    fault: /object 1 of "DIR\/[abc]\.xml" \(its xmin is "x", a finite number is needed/,
    count: 3,
  },
  "yolo: texts": {
    spec: "yolo:DIR/d.yaml",
    files: yolo(Uint8Array.of(0xff, 0xfe)),
    fault: /"DIR\/labels\/a\.txt" \(it is no text in UTF-8/,
    count: 3,
  },
  "yolo: lines": {
    spec: "yolo:DIR/d.yaml",
    files: yolo("1 .5 .5 .5 .5"),
    fault: /line 1 of "DIR\/labels\/[abc]\.txt" \(its class is "1", a number from 0 to 0 is needed/,
    count: 3,
  },
  "yolo: damaged pictures": {
    spec: "yolo:DIR/d.yaml",
    files: { ...yolo("0 .5 .5 .5 .5"), ...three((id) => ({ [`images/${id}.png`]: "no picture" })) },
    fault: /"DIR\/images\/[abc]\.png" \(it is no picture/,
    count: 3,
  },
  "masks: no partners": {
    spec: "masks:DIR",
    files: { ...three((id) => ({ [`images/${id}.png`]: picture() })), "masks/a.txt": "" },
    fault: /"DIR\/images\/a\.png" \(it has no mask "a\.png"/,
    count: 3,
  },
  "masks: no masks": {
    spec: "masks:DIR",
    files: three((id) => ({ [`images/${id}.png`]: picture(), [`masks/${id}.png`]: picture() })),
    fault: /"DIR\/masks\/[abc]\.png" \(it is a PNG of colours/,
    count: 3,
  },
  "csv: pictures elsewhere": {
    spec: "csv:DIR/t.csv",
    files: { "t.csv": points("cat", "file,class") },
    fault: /line [234], column "file": "[abc]\.png" is no file/,
  },
  "csv: damaged pictures": {
    spec: "csv:DIR/t.csv",
    files: { "t.csv": points("cat", "file,class"), ...BAD_PICTURES },
    fault: /[abc]\.png.*it is no picture/,
    // Those of the training part: what is to be learned is missing then.
    count: 2,
  },
  "csv: cells": {
    spec: "csv:DIR/t.csv",
    files: { "t.csv": "x,y\none,0\ntwo,1\nthree,0\n" },
    fault: /line [234], column "x": "(one|two|three)" is no finite number/,
  },
  "npy: elements": {
    spec: "npy:DIR",
    files: Object.fromEntries(
      ["train", "test"].flatMap((part) => [
        [`x_${part}.npy`, npyBytes({ descr: "<f4", shape: [2, 1], values: [NaN, NaN] })],
        [`y_${part}.npy`, npyBytes({ descr: "<f4", shape: [2], values: [0, 1] })],
      ]),
    ),
    fault: /x_train\.npy": element \[0, 0\] is NaN, a finite number is needed/,
  },
  "folder: damaged pictures": {
    spec: "folder:DIR",
    files: Object.assign(
      {},
      ...["cat", "dog"].map((name) => three((id) => ({ [`${name}/${id}.png`]: "no picture" }))),
    ),
    fault: /"DIR\/(cat|dog)\/[abc]\.png" \(it is no picture/,
    count: 6,
  },
};

for (const [name, { spec, files, fault, count }] of Object.entries(CASES)) {
  Deno.test(`openData() tells the fault where all samples have one, ${name}`, async () => {
    await withFiles(files, async (dir) => {
      const messageOf = async (skipBadImages: boolean) => {
        const shape = { height: 8, width: 8, channels: 3 };
        const reading = openData(spec.replace("DIR", dir), { shape, skipBadImages });
        const error: unknown = await reading.then(() => undefined, (error) => error);
        assert.ok(error instanceof RangeError, String(error));
        return error.message.replaceAll(dir, "DIR");
      };
      const whole = await messageOf(false);
      assert.match(whole, fault);
      assert.match(whole, /^Cannot read [^\n]*$/);
      const rest = await messageOf(true);
      if (count === undefined) return assert.equal(rest, whole);
      assert.match(rest, /^Cannot (read|split) [^\n]*$/);
      const [, reason = ""] = rest.split(`; --skip-bad-images left out ${count === 1 ? "1" : `${count}, the first`}: `);
      assert.match(reason, fault, rest);
    });
  });
}
