import { bytesOf } from "../pixels.ts";
import assert from "node:assert/strict";
import sharp from "sharp";
import { type CsvOptions, readCsv } from "./csv.ts";

const SHAPE = { height: 2, width: 3, channels: 1 };

/** Reads tables by their names, the first of `files`; pictures are PNGs of one grey. */
async function read(files: Record<string, string | Promise<Uint8Array>>, options: Partial<CsvOptions> = {}) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : await content;
      await Deno.mkdir(`${dir}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    return await readCsv(`${dir}/${Object.keys(files)[0]}`, { targets: "reals", shape: SHAPE, ...options });
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(dir, "DIR");
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function grey(value: number): Promise<Uint8Array> {
  const background = { r: value, g: value, b: value };
  return sharp({ create: { width: 4, height: 4, channels: 3, background } }).png().toBuffer();
}

Deno.test("readCsv() takes columns that begin with target or y for targets, the others for a row", async () => {
  const { train, test } = await read({ "a.csv": "\ufeffu,y1,yaw,target_b\r\n1,2,3,4\r\n\r\n5,6,7,8\r\n" });
  const both = [train, test].map(({ inputs: { row }, targets: { target } }) => {
    assert.ok(row.kind === "rows" && target.kind === "reals");
    assert.deepEqual([row.names, target.names], [["u", "yaw"], ["y1", "target_b"]]);
    return [...row.values, ...target.values];
  });
  assert.deepEqual(both.sort(), [[1, 3, 2, 4], [5, 7, 6, 8]]);
});

Deno.test("readCsv() reads pictures beside the table or in the folder of its name, and test.csv beside it", async () => {
  const { train, test, skipped } = await read({
    "train.csv": 'file,x,z\n"a.png",1.5,-2\nb.png,3,4e0\n',
    "test.csv": "file,x,z\nsub/c.png,5,6\n",
    "train/a.png": grey(10),
    "b.png": grey(20),
    "sub/c.png": grey(30),
  });
  assert.ok(train.inputs.image.kind === "pictures" && train.targets.target.kind === "reals");
  assert.deepEqual([train.inputs.image.height, train.inputs.image.channels], [2, 1]);
  assert.deepEqual([...bytesOf(train.inputs.image.bytes)], [...Array(6).fill(10), ...Array(6).fill(20)]);
  assert.deepEqual([train.targets.target.names, [...train.targets.target.values]], [["x", "z"], [1.5, -2, 3, 4]]);
  assert.deepEqual([train.count, test.count, skipped], [2, 1, []]);
});

Deno.test("readCsv() makes classes of names, numbers in their order", async () => {
  const { train } = await read({ "a.csv": "a,y,split\n1,dog,train\n2,cat,train\n3,dog,test\n" }, {
    targets: "classes",
  });
  assert.deepEqual(train.targets.target, { kind: "classes", names: ["cat", "dog"], labels: Int32Array.of(1, 0) });
  const numbers = await read({ "a.csv": "a,y,split\n1,10,train\n2,9,train\n3,9,val\n" }, { targets: "classes" });
  assert.deepEqual(numbers.train.targets.target, { kind: "classes", names: ["9", "10"], labels: Int32Array.of(1, 0) });
});

Deno.test("readCsv() takes lines called val, or val.csv beside test.csv, to choose the best epoch by", async () => {
  const valuesOf = ({ train, validation, test }: Awaited<ReturnType<typeof read>>) =>
    [train, validation, test].map((set) => {
      const target = set?.targets.target;
      return target === undefined || target.kind === "classes" ? [] : [...target.values];
    });
  const column = "a,y,split\n1,1,train\n2,2,test\n3,3,Valid\n4,4,val\n5,5,training\n6,6,validation\n";
  assert.deepEqual(valuesOf(await read({ "a.csv": column })), [[1, 5], [3, 4, 6], [2]]);
  // Without a line to test by, they are what there is.
  assert.deepEqual(valuesOf(await read({ "a.csv": "a,y,split\n1,1,train\n3,3,val\n" })), [[1], [], [3]]);
  const tables = { "train.csv": "a,y\n1,1\n", "test.csv": "a,y\n2,2\n", "val.csv": "a,y\n3,3\n4,4\n" };
  assert.deepEqual(valuesOf(await read(tables)), [[1], [3, 4], [2]]);
  assert.deepEqual(valuesOf(await read(tables, { limit: 1 })).map(({ length }) => length), [1, 1, 1]);
  const { "test.csv": _, ...noTest } = { ...tables, "train.csv": "a,y\n1,1\n5,5\n" };
  assert.deepEqual((await read(noTest)).validation, undefined);
  await assert.rejects(read({ ...tables, "val.csv": "a,z\n1,1\n" }), /a column is "z", "y" is needed/);
});

Deno.test("readCsv() splits by the seed, and keeps no more than the limit of each half", async () => {
  const table = `a,y\n${Array.from({ length: 50 }, (_, i) => `${i},${i}`).join("\n")}\n`;
  const numbersOf = async (options: Partial<CsvOptions>) => {
    const { train, test } = await read({ "a.csv": table }, options);
    return [train, test].map(({ targets: { target } }) => target.kind === "classes" ? [] : [...target.values]);
  };
  const [train, test] = await numbersOf({ seed: 1 });
  assert.deepEqual([train.length, test.length], [40, 10]);
  assert.deepEqual([...train, ...test].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.deepEqual(await numbersOf({ seed: 1 }), [train, test]);
  assert.notDeepEqual(await numbersOf({ seed: 2 }), [train, test]);
  const limited = await numbersOf({ seed: 1, limit: 7 });
  assert.deepEqual(limited.map(({ length }) => length), [7, 7]);
  assert.ok(limited[0].every((value) => train.includes(value)));
});

Deno.test("readCsv() refuses test fractions of nothing and of everything", async () => {
  for (const testFraction of [0, 1, -0.1, 2, NaN]) {
    await assert.rejects(
      read({ "a.csv": "a,y\n1,2\n3,4\n" }, { testFraction }),
      new RegExp(`the test fraction is ${testFraction}, needed is one between 0 and 1`),
    );
  }
});

Deno.test("readCsv() takes the target columns that are named", async () => {
  const { train } = await read({ "a.csv": "a,b,c,split\n1,2,3,train\n4,5,6,test\n" }, { columns: ["c", "a"] });
  assert.ok(train.inputs.row.kind === "rows" && train.targets.target.kind === "reals");
  assert.deepEqual([train.inputs.row.names, [...train.targets.target.values]], [["b"], [3, 1]]);
});

Deno.test("readCsv() leaves pictures out that cannot be read when asked to", async () => {
  const files = {
    "a.csv": "file,y,split\ng.png,1,train\nbad.png,2,train\ng.png,3,test\n",
    "g.png": grey(1),
    "bad.png": "no",
  };
  await assert.rejects(read(files), /line 3, column "file": "bad\.png" cannot be read \(/);
  const { train, skipped } = await read(files, { skipBadImages: true });
  assert.ok(train.targets.target.kind === "reals");
  assert.deepEqual([train.count, skipped.length, [...train.targets.target.values]], [1, 1, [1]]);
});

const REFUSED: readonly [
  what: string,
  files: Record<string, string>,
  message: string,
  options?: Partial<CsvOptions>,
][] = [
  ["text for a number", { "a.csv": "a,y\n1,2\n3,x\n" }, `line 3, column "y": "x" is no finite number`],
  ["an empty cell", { "a.csv": "a,y\n,2\n3,4\n" }, `line 2, column "a": "" is no finite number`],
  ["a number that is not decimal", { "a.csv": "a,y\n0x10,2\n3,4\n" }, `line 2, column "a": "0x10" is no finite number`],
  ["NaN", { "a.csv": "a,y\n1,NaN\n3,4\n" }, `line 2, column "y": "NaN" is no finite number`],
  ["what float32 cannot hold", { "a.csv": "a,y\n1,1e39\n3,4\n" }, `line 2, column "y": "1e39" is no finite number`],
  ["a flag of 2", { "a.csv": "a,y\n1,2\n3,1\n" }, `line 2, column "y": "2" is neither 0 nor 1`, { targets: "flags" }],
  ["too few columns", { "a.csv": "a,y\n1,2\n3\n" }, "line 3 has 1 columns, its header 2"],
  ["a column twice", { "a.csv": "a,a,y\n1,2,3\n" }, `its header has the column "a" twice`],
  ["a column without a name", { "a.csv": "a,,y\n1,2,3\n" }, "column 2 of its header has no name"],
  ["a quote that does not end", { "a.csv": 'a,y\n1,"2\n' }, "line 2 is no CSV (Quote Not Closed"],
  ["no samples", { "a.csv": "a,y\n" }, "it has a header and no samples, at least 1 is needed"],
  ["nothing", { "a.csv": "" }, "it is empty, a header line is needed"],
  ["no target", { "a.csv": "a,b\n1,2\n" }, `needed is one that begins with "target" or "y", or --targets`],
  ["no input", { "a.csv": "y1,y2\n1,2\n" }, `all its columns are targets, needed is a column "file"`],
  [
    "an unknown target",
    { "a.csv": "a,yes\n1,2\n" },
    `it has no column "yed", needed is one of a, yes (did you mean "yes"?)`,
    {
      columns: ["yed"],
    },
  ],
  ["several classes", { "a.csv": "a,y1,y2\n1,2,3\n" }, "classes stand in one column, it has the targets y1, y2", {
    targets: "classes",
  }],
  [
    "a new class",
    { "a.csv": "a,y,split\n1,cat,train\n2,dog,test\n" },
    `column "y": "dog" is no class of the training`,
    {
      targets: "classes",
    },
  ],
  [
    "an unknown part",
    { "a.csv": "a,y,split\n1,2,tset\n" },
    `line 2, column "split": "tset" is no part, train, val or test`,
  ],
  ["a half without samples", { "a.csv": "a,y,split\n1,2,train\n" }, `its column "split" names no line "test"`],
  [
    "a picture that is not there",
    { "a.csv": "file,y,split\nno.png,1,train\nq.png,2,train\nr.png,3,test\n" },
    `line 2, column "file": "no.png" is no file`,
  ],
  ["one sample to split", { "b.csv": "a,y\n1,2\n" }, "it has 1 sample, at least 2 are needed"],
  [
    "another table beside",
    { "a.csv": "a,b,y\n1,2,3\n", "test.csv": "a,c,y\n1,2,3\n" },
    `a column is "c", "b" is needed`,
  ],
];

for (const [what, files, message, options] of REFUSED) {
  Deno.test(`readCsv() refuses ${what}, by line and column`, async () => {
    await assert.rejects(read(files, options), (error) => {
      assert.ok(error instanceof RangeError && error.message.startsWith(`Cannot `), `${error}`);
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
  });
}
