import { bytesOf } from "../pixels.ts";
import assert from "node:assert/strict";
import sharp from "sharp";
import { batches } from "../batches.ts";
import { parseNormalize } from "../normalize.ts";
import { knownLayout } from "./_point_layouts.ts";
import { personOf } from "./_points_table.ts";
import { type PointsOptions, readPoints } from "./points.ts";

const SHAPE = { height: 8, width: 8, channels: 1 };

/** Reads tables and pictures by their names; `path` is what is opened, by default the first file. */
async function read(
  files: Record<string, string | Promise<Uint8Array>>,
  { path = Object.keys(files)[0], ...options }: Partial<PointsOptions> & { readonly path?: string } = {},
) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : await content;
      await Deno.mkdir(`${dir}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    return await readPoints(`${dir}/${path}`.replace(/\/$/, ""), { shape: SHAPE, ...options });
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(dir, "DIR");
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A picture of 40×20 pixels that is 5 times x. */
function ramp(): Promise<Uint8Array> {
  const bytes = Uint8Array.from({ length: 800 }, (_, i) => 5 * (i % 40));
  return sharp(bytes, { raw: { width: 40, height: 20, channels: 1 } }).png().toBuffer();
}

const HEADER = "file,x0,y0,x1,y1,x2,y2";
/** Three points in a box from (10, 5) to (20, 15), and the same with the first elsewhere. */
const LINE = "10,5,20,15,15,10";
const TABLES = {
  "train.csv": `${HEADER}\na_1.png,${LINE}\na_2.png,11,5,20,15,15,10\nb_1.png,${LINE}\n`,
  "test.csv": `${HEADER}\nc_1.png,${LINE}\n`,
  "train/a_1.png": ramp(),
  "train/a_2.png": ramp(),
  "b_1.png": ramp(),
  "test/c_1.png": ramp(),
};

function targetOf({ targets: { points } }: Awaited<ReturnType<typeof read>>["train"]) {
  assert.ok(points.kind === "points");
  return points;
}

Deno.test("readPoints() crops pictures to the box of their points with a margin, and says where points are in it", async () => {
  for (const path of ["train.csv", ""]) {
    const few = await read(TABLES, { path, learnLimit: 2 });
    assert.deepEqual([few.train.count, few.test.count], [2, 1]);
    const { train, test, skipped, notes } = await read(TABLES, { path });
    assert.deepEqual([train.count, test.count, skipped], [3, 1, []]);
    assert.deepEqual(train.groups, ["a", "a", "b"]);
    // The box of 10×10 and 20 % of it at each side: 14×14 from (8, 3).
    const { values, names, size, scales, mirror, margin } = targetOf(test);
    assert.deepEqual([...values].map((v) => Math.round(14 * v * 1e4) / 1e4), [2, 2, 12, 12, 7, 7]);
    assert.deepEqual([names, size, scales, mirror, margin], [["0", "1", "2"], [8, 8], undefined, undefined, 0.2]);
    const { image } = test.inputs;
    assert.ok(image.kind === "pictures");
    // A pixel is 1.75 wide: the first one's middle is 8.875 − 0.5 = 8.375, times 5. The filter is not exact to the byte.
    const off = [8.375, 10.125, 11.875].map((x, i) => bytesOf(image.bytes)[i] - 5 * x);
    assert.ok(off.every((d) => Math.abs(d) <= 1), `${off}`);
    assert.match(notes[0], /cropped to the box of their 3 points with 20 % around it, and made 8x8/);
    assert.match(notes[1], /nobody knows what each becomes in a mirror .* and what to measure errors in/);
  }
});

Deno.test("readPoints() stores what surrounds pictures to train on, and shows none of it as they are", async () => {
  const { train, test } = await read({ ...TABLES, "test.csv": `${HEADER}\nb_1.png,10.5,5,20.5,15,15.5,10\n` });
  const [{ image: kept }, { image: plain }] = [train.inputs, test.inputs];
  assert.ok(kept.kind === "pictures" && plain.kind === "pictures");
  // 15 % of 8 pixels at each side.
  assert.deepEqual([kept.surround, kept.bytes.length, plain.surround], [2, 3 * 12 * 12, undefined]);
  const [{ inputs }] = batches(train, { batchSize: 3, normalize: parseNormalize("0..255") });
  // The first pixel's middle is at 8.875 of the ramp; the one that surrounds it two pixels of 1.75 before that.
  assert.ok(
    Math.abs(inputs.image[0] - 5 * 8.375) <= 1 && Math.abs(Number(kept.bytes.subarray(24, 25)[0]) - 5 * 4.875) <= 1,
  );
});

Deno.test("readPoints() keeps the proportions of the picture where the shape is no square", async () => {
  const { test } = await read(TABLES, { shape: { height: 8, width: 16, channels: 3 } });
  // 28×14 from (1, 3).
  const { values, size } = targetOf(test);
  assert.deepEqual([...values].map((v, i) => Math.round((i % 2 === 0 ? 28 : 14) * v * 1e4) / 1e4), [
    9,
    2,
    19,
    12,
    14,
    7,
  ]);
  assert.deepEqual(size, [8, 16]);
});

Deno.test("readPoints() takes val.csv beside test.csv, and parts by people where there is neither", async () => {
  const { validation } = await read({ ...TABLES, "val.csv": `${HEADER}\nd.png,${LINE}\n`, "d.png": ramp() });
  assert.deepEqual(validation?.groups, ["d"]);
  const { "test.csv": _, ...noTest } = TABLES;
  for (const seed of [0, 1, 2, 3]) {
    const { train, test } = await read(noTest, { seed });
    assert.deepEqual([...train.groups ?? [], ...test.groups ?? []].sort(), ["a", "a", "b"]);
    assert.equal(new Set(train.groups).isDisjointFrom(new Set(test.groups)), true);
  }
  const one = {
    "t.csv": `${HEADER}\na_1.png,${LINE}\na_2.png,1,5,20,15,15,10\n`,
    "a_1.png": ramp(),
    "a_2.png": ramp(),
  };
  await assert.rejects(
    read(one),
    /samples of one person only, "a", at least 2 people are needed, or a test.csv beside/,
  );
});

Deno.test("readPoints() takes the column person for who is in a picture, and warns of people in both parts", async () => {
  const line = (name: string, who: string) => `${name},${who},${LINE}\n`;
  const header = "image,person,x0,y0,x1,y1,x2,y2\n";
  const { train, notes } = await read({
    "train.csv": header + line("u_1.png", "Ann") + line("v_1.png", ""),
    "test.csv": header + line("w.png", "Ann"),
    "u_1.png": ramp(),
    "v_1.png": ramp(),
    "w.png": ramp(),
  });
  assert.deepEqual(train.groups, ["Ann", "v"]);
  assert.match(notes[1], /Warning: 1 person of the test part can be seen in the training part too/);
  assert.deepEqual(["d/p_2_x.jpg", "face.jpg", "_1.jpg"].map(personOf), ["p", "face", ""]);
});

Deno.test("readPoints() takes names of columns, and what points.json says of them", async () => {
  const header = "file,left_eye_x,left_eye_y,right_eye_x,right_eye_y,Nose_X,Nose_Y";
  const files = {
    ...TABLES,
    "train.csv": TABLES["train.csv"].replace(HEADER, header),
    "test.csv": TABLES["test.csv"].replace(HEADER, header),
  };
  const about = (value: unknown) => ({ ...files, "points.json": JSON.stringify(value) });
  const { names } = targetOf((await read(files)).train);
  assert.deepEqual(names, ["left_eye", "right_eye", "Nose"]);
  const { train, notes } = await read(about({
    mirror: ["right_eye", "left_eye", 2],
    scales: { eyes: [["left_eye"], [1]] },
    margin: 0,
  }));
  const target = targetOf(train);
  assert.deepEqual([target.mirror, target.scales], [[1, 0, 2], { eyes: [[0], [1]] }]);
  assert.deepEqual([...target.values.subarray(0, 4)], [0, 0, 1, 1]);
  assert.equal(notes.length, 1);
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [[], /it is no JSON object/],
    [{ mirrors: [] }, /it has "mirrors", needed is one of .* \(did you mean "mirror"\?\)/],
    [{ names: ["a", "b"] }, /its "names" are no 3 different names/],
    [{ names: ["a", "b", "b"] }, /its "names" are no 3 different names/],
    [{ mirror: [0, 1] }, /its "mirror" is no list of 3 points/],
    [{ mirror: [1, 2, 0] }, /makes point 0 point 1 and that one point 2/],
    [{ mirror: ["left_eyes", 1, 2] }, /it names the point "left_eyes", .*did you mean "left_eye"/],
    [{ scales: { eyes: [[0]] } }, /its scale "eyes" is not two lists of points/],
    [{ scales: { eyes: [[0], [3]] } }, /it names the point 3, needed is 0 to 2/],
    [{ scales: { eyes: [[0], []] } }, /a group of points is empty/],
    [{ margin: -1 }, /its "margin" is -1, needed is a number from 0 to 4/],
  ];
  for (const [value, message] of refused) await assert.rejects(read(about(value)), message);
});

Deno.test("readPoints() names and counts what is wrong, and leaves it out where that is asked for", async () => {
  const bad = (line: string, files = {}) => ({ ...TABLES, "train.csv": `${TABLES["train.csv"]}${line}\n`, ...files });
  const faults: readonly (readonly [Record<string, string | Promise<Uint8Array>>, RegExp])[] = [
    [bad(`no.png,${LINE}`), /train.csv, line 5: its picture "no.png" is no file/],
    [bad(`,${LINE}`), /line 5: the path of its picture is empty/],
    [bad("b_1.png,NaN,5,20,15,15,10"), /line 5: column "x0" is "NaN", no finite number/],
    [bad("b_1.png,10,five,20,15,15,10"), /line 5: column "y0" is "five", no finite number/],
    [bad("b_1.png,10,5,20,15,1e39,10"), /line 5: column "x2" is "1e39", no finite number/],
    [bad(`a_1.png,${LINE}`), /line 5: it repeats DIR\/train.csv, line 2/],
    [bad("b_1.png,10,5,10,5,10,5"), /line 5: all its points are in one place/],
    [bad("b_1.png,10,5,20,15,61,10"), /line 5: its picture "b_1.png": point 2 at 61, 10 is far outside of its 40x20/],
    [bad("b_1.png,10,5,20,-11,15,10"), /point 1 at 20, -11 is far outside/],
    [bad(`bad.png,${LINE}`, { "bad.png": "no picture" }), /line 5: its picture "bad.png": it is no picture/],
    [bad("b_1.png,1,5,1,5,7,7", { "points.json": '{"scales":{"eyes":[[0],[1]]}}' }), /line 5: its eyes distance is 0/],
  ];
  for (const [files, message] of faults) {
    await assert.rejects(read(files), message);
    await assert.rejects(
      read(files),
      /Cannot read 1 sample of "DIR\/train.csv": .*; needed are whole ones, or --skip-bad/,
    );
    const { train, skipped } = await read(files, { skipBadImages: true });
    assert.deepEqual([train.count, skipped.length], [3, 1]);
    assert.match(`${skipped[0].file}: ${skipped[0].because}`.replace(/\/tmp\/[^/]*/g, "DIR"), message);
  }
  // The test's own line is one that there is in the training part.
  const leak = { ...TABLES, "test.csv": `${HEADER}\ntrain/a_1.png,${LINE}\n` };
  await assert.rejects(read(leak), /test.csv, line 2: it repeats DIR\/train.csv, line 2/);
  await assert.rejects(read(leak, { skipBadImages: true }), /it has no test sample that can be read/);
  const two = bad(`no.png,${LINE}\nnone.png,${LINE}`);
  await assert.rejects(read(two), /Cannot read 2 samples, the first of "DIR\/train.csv": DIR\/train.csv, line 5/);
});

Deno.test("readPoints() refuses columns that are no points, by name", async () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["file,x0,y0,x1", /it has no y1, x and y of each point are needed/],
    ["file,x0,y0,x2,y2", /it has no x1 and y1, x and y of each point are needed, numbered from 0/],
    ["file,nose_x", /it has no nose_y/],
    ["file,x0,y0,age", /its column "age" is neither "file", "person" nor x or y of a point/],
    ["file,x0,y0,persn", /did you mean "person"/],
    ["files,x0,y0", /it has no column "file", which names the pictures/],
    ["file", /it has no points, needed are columns x0, y0/],
    ["file,x0,y0,split", /it has a column "split"; a table of points is one part/],
    ["file,x0,x_0,y0", /its columns "x0" and "x_0" are the x of one point/],
  ];
  for (const [header, message] of refused) {
    const cells = header.split(",").map(() => "1").join();
    await assert.rejects(read({ "t.csv": `${header}\n${cells}\n` }), message);
  }
  await assert.rejects(
    read({ "a/x.csv": HEADER }, { path: "a" }),
    /it has no train.csv \(it has x.csv\), or name a table/,
  );
  const other = { ...TABLES, "test.csv": TABLES["test.csv"].replaceAll("x2", "x3").replaceAll("y2", "y3") };
  await assert.rejects(read(other), /a column is "x3", "x2" is needed, as "DIR\/train.csv" has it/);
});

Deno.test("the known orders of landmarks are their own mirrors' mirrors, and change left for right", () => {
  for (const count of [5, 68, 98]) {
    const { names, mirror = [], scales = {} } = knownLayout(count) ?? { names: [] };
    assert.deepEqual([names.length, new Set(names).size, mirror.length], [count, count, count]);
    mirror.forEach((to, from) => {
      assert.equal(mirror[to], from);
      const side = (point: number) => names[point].replace(/ \d+$/, "");
      const swapped = (name: string) => name.replace(/left|right/, (word) => word === "left" ? "right" : "left");
      assert.equal(side(to), swapped(side(from)), `${names[from]} becomes ${names[to]}`);
    });
    for (const [a, b] of Object.values(scales)) {
      assert.deepEqual(a.map((point) => mirror[point]).toSorted((p, q) => p - q), b);
    }
  }
});
