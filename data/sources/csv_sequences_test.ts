import assert from "node:assert/strict";
import type { SampleSet } from "../samples.ts";
import { type CsvOptions, readCsv } from "./csv.ts";

const SHAPE = { height: 2, width: 2, channels: 1 };

async function read(files: Readonly<Record<string, string>>, options: Partial<CsvOptions> = {}) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${dir}/${name}`, text);
    return await readCsv(`${dir}/${Object.keys(files)[0]}`, { targets: "classes", shape: SHAPE, ...options });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The sequences of a set, row by row, with their classes. */
function sequencesOf({ count, inputs: { series }, targets: { target } }: SampleSet) {
  assert.ok(series.kind === "series" && target.kind === "classes");
  const { length, names, values, steps } = series;
  const width = names.length;
  return Array.from({ length: count }, (_, i) => {
    const rows = Array.from(
      { length: steps?.[i] ?? length },
      (_, t) => [...values.subarray((i * length + t) * width, (i * length + t + 1) * width)].join(" "),
    );
    return `${target.names[target.labels[i]]}: ${rows.join(", ")}`;
  });
}

/** Lines of sequences stand among each other. */
const MIXED = "sequence,a,b,y,split\n" +
  "p,1,2,up,train\nq,10,20,down,train\np,3,4,up,train\nr,7,8,up,test\nq,30,40,down,train\np,5,6,up,train\n";

Deno.test("readCsv() puts lines with the same sequence together, in the order of the table", async () => {
  const { train, test } = await read({ "t.csv": MIXED });
  assert.deepEqual(sequencesOf(train), ["up: 1 2, 3 4, 5 6", "down: 10 20, 30 40"]);
  assert.deepEqual(sequencesOf(test), ["up: 7 8"]);
  const { series } = train.inputs;
  assert.ok(series.kind === "series" && series.steps !== undefined);
  assert.deepEqual([series.length, series.names, [...series.steps], series.values.length], [3, ["a", "b"], [3, 2], 12]);
});

Deno.test("readCsv() cuts longer sequences off, and knows no ends where none is shorter", async () => {
  const cut = await read({ "t.csv": MIXED.replace("r,7,8,up,test\n", "r,7,8,up,test\nr,9,9,up,test\n") }, {
    sequence: { length: 2 },
  });
  assert.deepEqual(sequencesOf(cut.train), ["up: 1 2, 3 4", "down: 10 20, 30 40"]);
  assert.ok(cut.train.inputs.series.kind === "series" && cut.train.inputs.series.steps === undefined);
  const longer = await read({ "t.csv": MIXED }, { sequence: { length: 5 } });
  assert.ok(longer.train.inputs.series.kind === "series" && longer.train.inputs.series.length === 5);
  assert.deepEqual(sequencesOf(longer.test), ["up: 7 8"]);
});

Deno.test("readCsv() takes so many consecutive lines as a sequence where no column tells them apart", async () => {
  const lines = Array.from({ length: 12 }, (_, i) => `${i},${i < 6 ? "low" : "high"}`);
  const options = { sequence: { length: 3 }, testFraction: 0.25 } as const;
  const { train, test } = await read({ "t.csv": `a,y\n${lines.join("\n")}` }, options);
  const all = [...sequencesOf(train), ...sequencesOf(test)].sort();
  assert.deepEqual([test.count, all], [1, ["high: 6, 7, 8", "high: 9, 10, 11", "low: 0, 1, 2", "low: 3, 4, 5"]]);
  await assert.rejects(
    read({ "t.csv": `a,y\n${lines.slice(1).join("\n")}` }, options),
    /it has 11 lines, a multiple of the 3/,
  );
  await assert.rejects(
    read({ "t.csv": `a,y\n${lines.join("\n")}` }, { sequence: { length: 4 } }),
    /line 8, column "y": "high" is another than that of line 6/,
  );
});

Deno.test("readCsv() keeps a sequence in one part, however it is parted", async () => {
  const lines = Array.from({ length: 30 }, (_, i) => `s${i % 10},${i},${(i % 10) % 2}`);
  const table = `id,a,y\n${lines.join("\n")}`;
  const { train, test } = await read({ "t.csv": table }, { sequence: { column: "id" } });
  assert.deepEqual([train.count, test.count], [8, 2]);
  for (const sequence of [...sequencesOf(train), ...sequencesOf(test)]) {
    const [first, second, third] = sequence.split(": ")[1].split(", ").map(Number);
    assert.deepEqual([second, third], [first + 10, first + 20]);
  }
  const few = await read({ "t.csv": table }, { sequence: { column: "id" }, limit: 1 });
  assert.deepEqual([few.train.count, few.test.count], [1, 1]);
  // A table beside it may have longer ones.
  const two = await read({ "t.csv": table, "test.csv": "id,a,y\nz,1,0\nz,2,0\nz,3,0\nz,4,0\n" }, {
    sequence: { column: "id" },
  });
  assert.deepEqual([two.train.count, two.test.count], [10, 1]);
  const { series } = two.train.inputs;
  assert.ok(series.kind === "series" && series.length === 4 && series.steps?.every((step) => step === 3));
});

Deno.test("readCsv() reads numbers of sequences, and names what is wrong by its line", async () => {
  const { train } = await read({ "t.csv": MIXED.replaceAll("up", "0.5").replaceAll("down", "2") }, {
    targets: "reals",
  });
  assert.deepEqual(train.targets.target.kind === "reals" && [...train.targets.target.values], [0.5, 2]);
  const refused = (text: string, message: RegExp, options: Partial<CsvOptions> = {}) =>
    assert.rejects(read({ "t.csv": text }, options), message);
  await refused(MIXED.replace("p,3,4,up", "p,3,4,down"), /line 4, column "y": "down" is another than that of line 2/);
  await refused(MIXED.replace("p,3,4,up,train", "p,3,4,up,test"), /line 4, column "split": "test" is another/);
  await refused(MIXED.replace("30", "x"), /line 6, column "a": "x" is no finite number/);
  await refused(MIXED, /it has no column "id"/, { sequence: { column: "id" } });
  await refused(MIXED, /the length of sequences is 1.5/, { sequence: { length: 1.5 } });
  await refused("file,y\na.png,1\n", /of sequences rows of numbers are needed/, { sequence: { length: 2 } });
});

Deno.test("readCsv() leaves lines samples of their own where nothing says that they are sequences", async () => {
  const { train } = await read({ "t.csv": "a,b,y\n1,2,0\n3,4,0\n5,6,0\n" });
  assert.equal(train.inputs.row.kind, "rows");
});
