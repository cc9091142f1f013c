import assert from "node:assert/strict";
import sharp from "sharp";
import { testWithShared } from "../tests/_support/shared.ts";
import { batches } from "./batches.ts";
import { parseNormalize } from "./normalize.ts";
import { DATA_FORMS, describeSkipped, openData } from "./open.ts";
import { inputShape } from "./samples.ts";

Deno.test("openData() opens the generated set, limited and fitted to an input", async () => {
  const shape = { height: 28, width: 28, channels: 1 };
  const { train, test, augment, skipped, notes } = await openData("generated", { limit: 30, shape, seed: 4 });
  assert.deepEqual([train.count, test.count, inputShape(train.inputs.image)], [30, 30, [28, 28, 1]]);
  assert.deepEqual([augment, skipped], [{ flip: true, pad: 4 }, []]);
  assert.deepEqual(notes, ["Images of 32x32x3 are made 28x28x1, as the model takes them."]);
  assert.deepEqual((await openData("generated", { limit: 1 })).notes, []);
});

Deno.test("openData() refuses unknown data sets and lists the known ones", async () => {
  for (const spec of ["imagenet", "", "mnst:x", "toString", "Generated"]) {
    const choices =
      /there is no data set ".*", needed is "generated", "generated:brackets", "generated:sorting", .*"mnist:DIR", .* "voc:DIR".* or "/;
    await assert.rejects(openData(spec), choices);
  }
  await assert.rejects(openData("mnist"), /it names no folder, needed is "mnist:DIR"/);
  await assert.rejects(openData("folder:"), /it names no folder/);
  await assert.rejects(openData("generated:x"), /there is no data set "generated:x"/);
  await assert.rejects(openData("generated:bracket"), /did you mean "generated:brackets"/);
  await assert.rejects(openData("generated:sorting:x"), /there is no data set "generated:sorting:x"/);
  for (const limit of [0, -1, 1.5, NaN]) await assert.rejects(openData("generated", { limit }), /the limit is/);
});

Deno.test("openData() generates sequences of tokens, as many as are asked for, the first of all", async () => {
  for (const [spec, answers] of [["generated:brackets", 1], ["generated:sorting", 10]] as const) {
    const { train, test, notes, augment } = await openData(spec, { limit: 30, seed: 2 });
    assert.deepEqual([train.count, test.count, notes, augment], [30, 30, [], { flip: false, pad: 0 }]);
    const [[{ inputs: { tokens }, targets, size }], [whole]] = [train, (await openData(spec, { seed: 2 })).train]
      .map((set) => [...batches(set, { batchSize: 7, normalize: parseNormalize("0..1") })]);
    assert.deepEqual([tokens instanceof Int32Array, tokens.length], [true, size * inputShape(train.inputs.tokens)[0]]);
    assert.deepEqual(tokens, whole.inputs.tokens);
    assert.equal(Object.values(targets)[0].length, 7 * answers);
  }
});

Deno.test("openData() generates shapes to find, as large as a model takes them", async () => {
  const shape = { height: 64, width: 64, channels: 1 };
  const { train, test, normalize } = await openData("generated:shapes", { limit: 5, shape });
  assert.deepEqual([train.count, test.count, inputShape(train.inputs.image), normalize.text], [
    5,
    5,
    [64, 64, 1],
    "0..1",
  ]);
  assert.deepEqual(inputShape((await openData("generated:shapes", { limit: 1 })).test.inputs.image), [96, 96, 3]);
});

Deno.test("docs/tasks/data.md lists every form of data, and no other", async () => {
  const page = await Deno.readTextFile(new URL("../docs/tasks/data.md", import.meta.url));
  const listed = [...page.matchAll(/^\| `([\w:]+)`/gm)].map(([, form]) => form);
  assert.deepEqual(listed.sort(), DATA_FORMS.replaceAll(/"| or/g, "").split(/,? /).sort());
});

Deno.test("describeSkipped() lists what was left out, and counts pictures and boxes", () => {
  const image = { file: "a.jpg", because: "it is empty" };
  const box = { file: "b.xml", because: "it has no area", box: "object 2" };
  assert.deepEqual(describeSkipped([]), []);
  assert.deepEqual(describeSkipped([image]), ['Left out "a.jpg": it is empty.', "1 image could not be read."]);
  assert.deepEqual(describeSkipped([image, box, box]).slice(1), [
    'Left out object 2 of "b.xml": it has no area.',
    'Left out object 2 of "b.xml": it has no area.',
    "1 image and 2 boxes could not be read.",
  ]);
});

Deno.test("openData() passes a reader's errors on", async () => {
  await assert.rejects(openData("cifar10:/no/such"), /Cannot read the folder "\/no\/such"/);
});

Deno.test("openData() hands shape, seed and skipBadImages to folders", async () => {
  const dir = await Deno.makeTempDir();
  const background = { r: 9, g: 9, b: 9 };
  const image = await sharp({ create: { width: 8, height: 8, channels: 3, background } }).png().toBuffer();
  try {
    await Deno.mkdir(`${dir}/a`);
    for (const name of ["1.png", "2.png", "3.png"]) await Deno.writeFile(`${dir}/a/${name}`, image);
    await Deno.writeFile(`${dir}/a/bad.png`, new Uint8Array(4));
    await assert.rejects(openData(`folder:${dir}`), /bad\.png/);
    const { train, skipped } = await openData(`folder:${dir}`, { skipBadImages: true, testFraction: 0.4 });
    assert.deepEqual([inputShape(train.inputs.image), skipped.length], [[64, 64, 3], 1]);
    const shape = { height: 5, width: 6, channels: 1 };
    const small = await openData(`folder:${dir}`, { skipBadImages: true, testFraction: 0.4, shape });
    assert.deepEqual(inputShape(small.train.inputs.image), [5, 6, 1]);
    assert.deepEqual(small.notes, ["Images of whatever size are made 5x6x1."]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

testWithShared("openData() gives batches of the real MNIST for another input", "data/mnist", async (dir) => {
  const shape = { height: 32, width: 32, channels: 3 };
  const { train, normalize, augment } = await openData(`mnist:${dir}`, { limit: 100, shape });
  const [{ inputs: { image: x } }] = batches(train, { batchSize: 64, normalize, augment, shuffle: true });
  assert.equal(x.length, 64 * 32 * 32 * 3);
  assert.ok(x.every((v, i) => v >= 0 && v <= 1 && v === x[i - i % 3]), "grey in three channels");
});
