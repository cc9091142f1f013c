import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { parseNormalize } from "../data/normalize.ts";
import { openData, type OpenedData } from "../data/open.ts";
import {
  attachScalings,
  checkInputs,
  dataOf,
  inputBatches,
  type JobData,
  judgedBatches,
  stepsPerEpoch,
  trainingBatches,
} from "./_data.ts";
import { samples } from "./_job.ts";
import { type QatOptions, resolveOptions } from "./options.ts";
import { tinyModel } from "./_test_support.ts";
import { withValidation } from "./_validation.ts";

function generated(limit = 40): Promise<OpenedData> {
  return openData("generated", { seed: 3, limit, shape: { height: 8, width: 8, channels: 3 } });
}

async function made(options: QatOptions = {}, limit = 40): Promise<JobData> {
  return dataOf(await generated(limit), tinyModel(), resolveOptions({ batchSize: 18, ...options }));
}

Deno.test("dataOf() takes normalization and changes of the data, unless options say otherwise", async () => {
  const own = await generated();
  const { normalize, augment, batchSize, seed, train, test } = await made({ seed: 5 });
  assert.deepEqual([normalize, augment], [own.normalize, own.augment]);
  assert.deepEqual([batchSize, seed, train.count, test.count], [18, 5, 40, 40]);
  assert.deepEqual((await made({ augment: true })).augment, { flip: true, pad: 4 });
  assert.deepEqual((await made({ augment: false })).augment, { flip: false, pad: 0 });
  assert.deepEqual((await made({ normalize: "0.5:0.25" })).normalize, parseNormalize("0.5:0.25"));
});

Deno.test("trainingBatches() gives full batches in another order each epoch, the same for the same seed", async () => {
  const data = await made({ augment: false });
  const model = tinyModel();
  assert.equal(stepsPerEpoch(data), 2);
  const orders = [0, 1, 0].map((epoch) =>
    [...trainingBatches(model, data, { epoch })].map(({ indices }) => [...indices])
  );
  assert.deepEqual(orders[0].map(({ length }) => length), [18, 18]);
  assert.equal(new Set(orders[0].flat()).size, 36);
  assert.deepEqual(orders[2], orders[0]);
  assert.notDeepEqual(orders[1], orders[0]);
  assert.notDeepEqual(orders[0].flat(), orders[0].flat().toSorted((a, b) => a - b));
  const other = await made({ augment: false, seed: 1 });
  assert.notDeepEqual([...trainingBatches(model, other, { epoch: 0 })].map(({ indices }) => [...indices]), orders[0]);
});

Deno.test("trainingBatches() takes all samples in one batch where a batch would have more", async () => {
  const data = await made({ batchSize: 64 });
  assert.equal(stepsPerEpoch(data), 1);
  assert.deepEqual([...trainingBatches(tinyModel(), data, { epoch: 0 })].map(({ size }) => size), [40]);
});

Deno.test("trainingBatches() puts pictures of boxes together until an epoch, and no longer", async () => {
  const opened = await openData("generated:shapes", { limit: 24, shape: { height: 32, width: 32, channels: 3 } });
  const data = dataOf(opened, tinyModel(), resolveOptions({ batchSize: 24 }));
  const { boxes } = data.train.targets;
  assert.ok(boxes.kind === "boxes");
  const counts = (epoch: number) =>
    [...trainingBatches(tinyModel(), data, { epoch, mosaicUntil: 2 })].map(({ targets, indices }) => {
      const used = Object.values(targets)[0].filter((value, i) => i % 6 === 4 && value >= 0).length;
      const own = [...indices].reduce((sum, i) => {
        const labels = boxes.values.subarray(i * boxes.most * 6, (i + 1) * boxes.most * 6).filter((_, k) =>
          k % 6 === 4
        );
        return sum + labels.filter((label) => label >= 0).length;
      }, 0);
      return used - own;
    })[0];
  // Of a picture alone boxes are dropped at the most.
  assert.ok(counts(0) > 0 && counts(1) > 0, `${counts(0)} and ${counts(1)} more boxes`);
  assert.ok(counts(2) <= 0 && counts(3) <= 0);
});

Deno.test("trainingBatches() changes pictures, and judging does not", async () => {
  const [data, plain] = [await made({ augment: true }), await made({ augment: false })];
  const first = (one: JobData) => [...trainingBatches(tinyModel(), one, { epoch: 0 })][0].inputs.image;
  assert.notDeepEqual(first(data), first(plain));
  assert.deepEqual([...inputBatches(data, "test")], [...inputBatches(plain, "test")]);
});

Deno.test("inputBatches() gives all samples of a part in their order, 250 at a time", async () => {
  const { validation, ...data } = dataOf(
    withValidation(await generated(600), resolveOptions({ validation: 0.5 })),
    tinyModel(),
    resolveOptions({ batchSize: 7 }),
  );
  const all = [...inputBatches({ ...data, validation: validation! }, "test")];
  assert.deepEqual(all.map(({ size }) => size), [250, 250, 100]);
  assert.deepEqual(all.flatMap(({ indices }) => [...indices]), Array.from({ length: 600 }, (_, i) => i));
  const chosen = [...inputBatches({ ...data, validation: validation! }, "validation")];
  assert.deepEqual(chosen.map(({ size }) => size), [250, 50]);
  assert.deepEqual([...inputBatches(data, "validation")], []);
});

Deno.test("judgedBatches() names targets as the model's outputs are called", async () => {
  const [{ targets }] = judgedBatches(tinyModel(), { data: await made(), by: "test" });
  assert.deepEqual(Object.keys(targets), ["dense"]);
  assert.equal(targets.dense.length, 40);
});

Deno.test("checkInputs() takes a model for these pictures only", async () => {
  const data = await made();
  checkInputs(tinyModel(), data, "tiny");
  assert.throws(
    () => checkInputs(tinyModel({ inputShape: [9, 8, 3] }), data, "nine"),
    new TypeError('Cannot feed "generated train" to "nine": its input is [?,9,8,3], one [?,8,8,3] is needed'),
  );
  const two = [1, 2].map((i) => tfl.input({ shape: [8, 8, 3], name: `in${i}` }));
  const sum = tfl.layers.add().apply(two) as tfl.SymbolicTensor;
  assert.throws(
    () => checkInputs(tfl.model({ inputs: two, outputs: sum }), data, "two"),
    /its input is \[\?,8,8,3\] and \[\?,8,8,3\], one \[\?,8,8,3\] is needed/,
  );
});

Deno.test("samples() gives pictures as bytes where files take raw pixels, and else as the model sees them", async () => {
  const data = await made({ normalize: "-1..1" });
  const given = (options: QatOptions) => {
    const [batch] = samples({ data, options: { ...resolveOptions(options), task: "classification" } }, "test");
    return Object.values(batch)[0];
  };
  const [bytes, plain] = [given({ input: "uint8" }), given({})];
  assert.ok(bytes instanceof Uint8Array && plain instanceof Float32Array);
  assert.ok(bytes.length > 0 && bytes.some((byte) => byte > 127));
  const seen = Float32Array.from(bytes, (byte) => (byte / 255 - 0.5) / 0.5);
  assert.ok(seen.every((value, i) => Math.abs(value - plain[i]) < 1e-6));
});

/** Rows whose columns have the means 10 and 0 and the deviations 2 and 1. */
function rows(names: readonly string[] = ["a", "b"]): OpenedData {
  const values = Float32Array.of(8, -1, 12, 1, 8, 1, 12, -1);
  const set = (name: string) => ({
    name,
    count: 4,
    inputs: { row: { kind: "rows", names, values } },
    targets: { label: { kind: "classes", names: ["x", "y"], labels: Int32Array.of(0, 1, 0, 1) } },
  } as const);
  const augment = { flip: false, pad: 0 };
  const normalize = parseNormalize("0..255");
  return { name: "rows", train: set("train"), test: set("test"), normalize, augment, skipped: [], notes: [] };
}

function rowModel(): tfl.LayersModel {
  return tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2] })] });
}

Deno.test("dataOf() standardizes rows for a model that is built, and leaves them to one that is given", () => {
  const [built, given] = [rowModel(), rowModel()];
  const own = dataOf(rows(), built, resolveOptions({}));
  const [{ inputs }] = inputBatches(own, "test");
  assert.deepEqual([...inputs.row], [-1, -1, 1, 1, -1, 1, 1, -1]);
  const plain = dataOf(rows(), given, resolveOptions({ model: "m" }));
  assert.deepEqual([...[...inputBatches(plain, "test")][0].inputs.row], [8, -1, 12, 1, 8, 1, 12, -1]);
  attachScalings(given, plain);
  assert.equal(given.getUserDefinedMetadata(), undefined);
});

Deno.test("dataOf() scales rows as they were for the training that goes on, and refuses other columns", () => {
  const model = rowModel();
  model.setUserDefinedMetadata({ kept: 1 });
  attachScalings(model, dataOf(rows(), model, resolveOptions({})));
  assert.equal(Object(model.getUserDefinedMetadata()).kept, 1);
  const again = dataOf(rows(), model, resolveOptions({ model: "m" }));
  assert.deepEqual([...[...inputBatches(again, "test")][0].inputs.row], [-1, -1, 1, 1, -1, 1, 1, -1]);
  assert.throws(
    () => dataOf(rows(["a", "c"]), model, resolveOptions({ model: "m" })),
    /its columns are a, c, the model was trained on a, b/,
  );
});

Deno.test("dataOf() refuses options for images where there are none", () => {
  const flags: readonly (readonly [QatOptions, string])[] = [
    [{ normalize: "0..1" }, "--normalize"],
    [{ augment: true }, "--augment"],
    [{ input: "uint8" }, "--input"],
    [{ inputLayout: "nchw" }, "--input-layout"],
  ];
  for (const [options, flag] of flags) {
    assert.throws(
      () => dataOf(rows(), rowModel(), resolveOptions(options)),
      new RangeError(`Cannot use ${flag} with "train": it is for images, the data are rows of numbers`),
    );
  }
  assert.doesNotThrow(() => dataOf(rows(), rowModel(), resolveOptions({ augment: false })));
});

Deno.test("withValidation() puts a tenth aside, or the share that is asked for, or nothing", async () => {
  const opened = await generated(100);
  const of = (options: QatOptions) => withValidation(opened, resolveOptions(options));
  assert.deepEqual([of({}).train.count, of({}).validation?.count], [90, 10]);
  assert.deepEqual([of({ validation: 0.25 }).train.count, of({ validation: 0.25 }).validation?.count], [75, 25]);
  assert.deepEqual(of({}).notes, opened.notes);
  const none = of({ validation: 0 });
  assert.deepEqual([none.train.count, none.validation], [100, undefined]);
  const last = "each training ends with its last epoch.";
  assert.deepEqual(none.notes.at(-1), `No samples are put aside for validation: ${last}`);
  const few = withValidation(await generated(4), resolveOptions({ validation: 0.05 }));
  assert.equal(few.notes.at(-1), `4 training samples are too few to put 5 % aside for validation: ${last}`);
});

Deno.test("withValidation() takes the data's own samples, and refuses a share of others", async () => {
  const opened = await generated(20);
  const data: OpenedData = { ...opened, validation: { ...opened.test, count: 7 } };
  const own = withValidation(data, resolveOptions({}));
  assert.deepEqual([own.train.count, own.validation?.count], [20, 7]);
  assert.equal(withValidation(data, resolveOptions({ validation: 0 })).validation, undefined);
  assert.throws(
    () => withValidation(data, resolveOptions({ validation: 0.2 })),
    /Cannot use --validation 0.2 with "generated": it has 7 validation samples of its own/,
  );
});
