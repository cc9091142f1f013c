/** Segmentation from the command line's side: a class for each pixel. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { plainPng } from "../data/sources/_test_png.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { apply, seedWeights } from "../tests/_support/small_models.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";
import { save, SMALL, withFolder } from "./_test_support.ts";

const { layers } = tfl;

/** Which layer makes maps larger again. */
type Enlarge = "nearest" | "bilinear" | "transposed";

/** Two scales with a skip between them, as U-Nets have more of. */
function smallUnet(enlarge: Enlarge, { classes = 4, side = 24 } = {}): tfl.LayersModel {
  const conv = (name: string, filters: number) =>
    layers.conv2d({ name, filters, kernelSize: 3, padding: "same", activation: "relu" });
  const input = tfl.input({ shape: [side, side, 3], name: "image" });
  const fine = apply(conv("fine", 8), input);
  const coarse = apply(conv("coarse", 12), apply(layers.maxPooling2d({ name: "pool", poolSize: 2 }), fine));
  const up = enlarge === "transposed"
    ? layers.conv2dTranspose({ name: "up", filters: 8, kernelSize: 2, strides: 2 })
    : layers.upSampling2d({ name: "up", size: [2, 2], interpolation: enlarge });
  const joined = layers.concatenate({ name: "join" }).apply([apply(up, coarse), fine]) as tfl.SymbolicTensor;
  const logits = layers.conv2d({ name: "logits", filters: classes, kernelSize: 1 });
  return seedWeights(
    tfl.model({ inputs: input, outputs: apply(logits, apply(conv("last", 8), joined)), name: "unet" }),
  );
}

const JOB = { ...SMALL, data: "generated:masks", task: "segmentation", floatEpochs: 1, batchSize: 6, limit: 20 };

/** What runs in float in the file of a net with each of these layers. */
const IN_FLOAT: Readonly<Record<Enlarge, readonly string[]>> = {
  nearest: [],
  bilinear: ["Resize"],
  transposed: ["ConvTranspose", "Add"],
};

for (const enlarge of ["nearest", "bilinear", "transposed"] as const) {
  Deno.test(`runQat() segments with a ${enlarge} layer, and proves its file to the last code`, () =>
    withFolder(async (dir) => {
      const model = await save(smallUnet(enlarge), `${dir}/in`);
      const report = await runQat({ ...JOB, model, diceLoss: 0.5, out: `${dir}/out` });
      assertFitsSchema(report, []);
      assert.deepEqual(report.metrics.map(({ name, count }) => [name, count]), [
        ["mIoU", 20],
        ["pixel accuracy", 20],
        ["Dice", 20],
      ]);
      assert.ok(report.metrics.every(({ deployed, intervals }) => deployed! > 0 && intervals?.deployed !== undefined));
      const [agreement] = report.agreement ?? [];
      assert.ok(agreement.compared === "codes");
      assert.deepEqual([agreement.count, agreement.different], [20 * 24 * 24 * 4, 0]);
      assert.deepEqual(report.taskAgreement, { what: "pixels", same: 20 * 24 * 24, of: 20 * 24 * 24 });
      assert.deepEqual(report.fusion?.float.map(({ op }) => op), IN_FLOAT[enlarge]);
      assert.deepEqual(report.fusion?.int8, { QLinearConv: 4, QLinearConcat: 1 });
      assert.equal(report.fusion?.moved?.Resize, enlarge === "nearest" ? 1 : undefined);
      assert.deepEqual(report.sections?.map(({ kind }) => kind), ["table", "matrix", "pictures"]);
      const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
      assert.deepEqual(JSON.parse(metadata.outputs).logits.classNames, ["ground", "disc", "triangle", "cross"]);
      assert.equal(JSON.parse(metadata.options).diceLoss, 0.5);
    }));
}

/** Pairs of pictures and masks, bright where the class is 1; each tenth pixel counts for nothing. */
async function writePairs(dir: string, count: number): Promise<void> {
  for (const folder of ["images", "masks"]) Deno.mkdirSync(`${dir}/${folder}`, { recursive: true });
  for (let i = 0; i < count; i++) {
    const classes = Array.from({ length: 64 }, (_, at) => (at * 7 + i) % 10 === 9 ? 255 : (at + i) % 16 < 8 ? 1 : 0);
    const grey = Uint8Array.from(classes, (k) => k === 1 ? 200 : 40);
    const raw = { raw: { width: 8, height: 8, channels: 1 } } as const;
    Deno.writeFileSync(`${dir}/images/${i}.png`, await sharp(grey, raw).png().toBuffer());
    Deno.writeFileSync(`${dir}/masks/${i}.png`, plainPng({ width: 8, values: classes, kind: "palette" }));
  }
}

Deno.test("runPtq() calibrates on folders of masks, judges by them, and leaves out what has no partner", () =>
  withFolder(async (dir) => {
    await writePairs(`${dir}/pairs`, 12);
    Deno.writeTextFileSync(`${dir}/pairs/classes.txt`, "dark\nbright\n");
    Deno.removeSync(`${dir}/pairs/masks/3.png`);
    const model = await save(smallUnet("nearest", { classes: 2, side: 8 }), `${dir}/in`);
    const options = { task: "segmentation", data: `masks:${dir}/pairs`, model, out: `${dir}/out`, precise: true };
    await assert.rejects(runPtq(options), /^RangeError: Cannot read 1 file of .*3\.png" \(it has no mask/);
    const log: string[] = [];
    const report = await runPtq({ ...options, skipBadImages: true, samples: 8 }, { log: (line) => log.push(line) });
    assert.ok(log.some((line) => /^Left out ".*images\/3\.png": it has no mask/.test(line)), log.join("\n"));
    assert.deepEqual(report.metrics.map(({ name, count }) => [name, count]).slice(0, 1), [["mIoU", 2]]);
    assert.ok(report.taskAgreement?.same === report.taskAgreement?.of);
    assert.deepEqual(report.data?.facts?.[0], "2 classes of pixels");
  }));

Deno.test("runQat() says what does not fit where pixels have classes", () =>
  withFolder(async (dir) => {
    const model = await save(smallUnet("nearest", { classes: 3 }), `${dir}/in`);
    const refused = (options: object, message: RegExp) =>
      assert.rejects(runQat({ ...JOB, model, out: `${dir}/out`, ...options }), message);
    await refused({}, /its output "logits" is \[\?,24,24,3\], needed are 4 classes for each pixel \[\?,24,24,4\]/);
    await refused(
      { task: "classification" },
      /the data's targets are masks, classes are needed \(--task segmentation learns such\)/,
    );
    await refused({ data: "generated" }, /the data's targets are classes, masks are needed/);
    await refused({ diceLoss: -1 }, /Cannot use --dice-loss -1/);
    await refused(
      { task: "regression", diceLoss: 1 },
      /--dice-loss 1 with --task regression: it is for --task segmentation/,
    );
  }));
