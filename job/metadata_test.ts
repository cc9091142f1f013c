import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import sharp from "sharp";
import config from "../deno.json" with { type: "json" };
import { decodeModel } from "../src/onnx/file/mod.ts";
import { contentsOf, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import type { QatOptions } from "./options.ts";
import { runQat } from "./qat.ts";

/** Two classes of pictures, one with a name that makes trouble. */
const CLASSES = ["a", "b\nc"];

async function makeInputs(dir: string): Promise<void> {
  await save(tinyModel({ classes: 2 }), `${dir}/in`);
  for (const [c, name] of CLASSES.entries()) {
    Deno.mkdirSync(`${dir}/photos/${name}`, { recursive: true });
    for (let i = 0; i < 12; i++) {
      const background = { r: 20 * i, g: 200 * c, b: 90 };
      await sharp({ create: { width: 8, height: 8, channels: 3, background } }).png().toFile(
        `${dir}/photos/${name}/${i}.png`,
      );
    }
  }
}

const OPTIONS: QatOptions = { ...SMALL, batchSize: 8, normalize: "-1..1", keepFloat: ["conv2"], epochs: 2 };

/** The bytes of what a job wrote besides its reports, by path within `out`. */
function modelFiles(out: string): Record<string, string> {
  const files = Object.entries(contentsOf(out)).filter(([path]) => !/\/report\.|\/run($|\/)/.test(path));
  return Object.fromEntries(files.map(([path, content]) => [path.slice(out.length), content]));
}

Deno.test("runQat() writes the same bytes wherever model, data and results lie, and names no place and no machine", () =>
  withFolder(async (dir) => {
    await makeInputs(dir);
    const cwd = Deno.cwd();
    try {
      Deno.chdir(dir);
      await runQat({ ...OPTIONS, model: `${dir}/in/model.json`, data: `folder:${dir}/photos`, out: `${dir}/out` });
      await runQat({ ...OPTIONS, model: "in", data: "folder:./photos/", out: "elsewhere/out", threads: 1 });
      Deno.renameSync("in", "moved");
      Deno.renameSync("photos", "pictures");
      Deno.chdir(`${dir}/moved`);
      await runQat({ ...OPTIONS, model: "./model.json", data: "folder:../pictures", out: "../third", debug: true });
    } finally {
      Deno.chdir(cwd);
    }
    const first = modelFiles(`${dir}/out`);
    assert.ok(Object.keys(first).length >= 5);
    assert.deepEqual(modelFiles(`${dir}/elsewhere/out`), first);
    assert.deepEqual(modelFiles(`${dir}/third`), first);
    const hosts = [dir, "/tmp/", "/home/", "/root", Deno.cwd(), ...hostName()];
    for (const [path, content] of Object.entries(first)) {
      for (const place of hosts) assert.ok(!content.includes(place), `${path} names ${place}`);
    }
  }));

/** The machine's name, where a file has it and it is no word that a model file may hold anyway. */
function hostName(): string[] {
  try {
    const name = Deno.readTextFileSync("/etc/hostname").trim();
    return name.length < 6 ? [] : [name];
  } catch {
    return [];
  }
}

Deno.test("runQat() writes files that take raw pixels, a fixed number of pictures and operators on codes, and proves them", () =>
  withFolder(async (dir) => {
    await makeInputs(dir);
    const forms = { input: "uint8", fixedBatch: 3, format: "qoperator" } as const;
    const given = { ...OPTIONS, model: `${dir}/in`, data: `folder:${dir}/photos`, epochs: 1, precise: true };
    const report = await runQat({ ...given, ...forms, out: `${dir}/out` });
    const plain = await runQat({ ...given, out: `${dir}/plain` });
    assert.deepEqual(report.agreement, plain.agreement);
    assert.deepEqual(report.metrics, plain.metrics);
    assert.equal(report.latencyMs?.batch, 3);
    // -1..1 is arithmetic before the first quantizer.
    const onPixels = report.fusion?.float.filter(({ layer }) => layer.startsWith("conv_input/")) ?? [];
    assert.deepEqual(onPixels.map(({ op }) => op), ["Sub", "Div"]);
    assert.ok(onPixels.every(({ because }) => /it makes of pixels what the model expects$/.test(because)));
    for (const file of ["int8", "float"]) {
      const { graph, metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.${file}.onnx`));
      assert.deepEqual(graph.types.get("conv_input"), { dtype: "uint8", shape: [3, 8, 8, 3] });
      assert.equal(metadata.batch, "3");
      const image = { kind: "image", shape: [8, 8, 3], layout: "nhwc", dtype: "uint8" };
      assert.deepEqual(JSON.parse(metadata.inputs), { conv_input: { ...image, applied: { mean: [0.5], std: [0.5] } } });
      assert.equal(graph.nodes.some(({ op }) => op === "QLinearConv"), file === "int8");
    }
  }));

Deno.test("runQat() writes files that say how they are fed and read, and what they were made with", () =>
  withFolder(async (dir) => {
    await makeInputs(dir);
    const log: string[] = [];
    const options = { ...OPTIONS, model: `${dir}/in`, data: `folder:${dir}/photos`, out: `${dir}/out` };
    const report = await runQat(options, { log: (line) => log.push(line) });
    const normalization = "as -1..1: (p - 0.5) / 0.5 of pixels p from 0 to 1";
    assert.ok(log.includes(`Images go in ${normalization}.`), log.join("\n"));
    assert.ok(report.data?.facts?.includes(`images ${normalization}`));
    assert.equal(Deno.readTextFileSync(`${dir}/out/labels.txt`), "a\nb\\u000ac\n");
    for (const [file, precision] of [["int8", "int8"], ["float", "float32"]]) {
      const { metadata, producer, producerVersion, doc } = decodeModel(
        Deno.readFileSync(`${dir}/out/model.${file}.onnx`),
      );
      assert.deepEqual([producer, producerVersion], ["tfjs-qat", config.version]);
      assert.match(doc, new RegExp(`^The TF\\.js model "tiny" in ${precision}.* by tfjs-qat ${config.version}\\.\\n`));
      assert.ok(doc.includes(`Input "conv_input": images of 8x8x3 (nhwc in the file), ${normalization}.`), doc);
      assert.ok(doc.includes(`Output "dense": classification: a, b?c.`), doc);
      const { inputs, outputs, options, versions, recipe, trainingSha256, ...rest } = metadata;
      const form = precision === "int8" ? { format: "qdq" } : {};
      assert.deepEqual(rest, { task: "classification", target: "x86", ...form, seed: "0", precision, layout: "nhwc" });
      assert.deepEqual(JSON.parse(inputs), {
        conv_input: { kind: "image", shape: [8, 8, 3], layout: "nhwc", mean: [0.5], std: [0.5] },
      });
      assert.deepEqual(JSON.parse(outputs).dense.classNames, CLASSES);
      assert.deepEqual(JSON.parse(recipe).rules, [{ match: { name: "conv2" }, then: { float: true }, required: true }]);
      const { model, data, epochs, ...others } = JSON.parse(options);
      assert.deepEqual([model, data, epochs, others.normalize], ["tiny", "folder", 2, "-1..1"]);
      assert.ok(!["out", "threads", "debug"].some((key) => key in others));
      assert.deepEqual(Object.keys(JSON.parse(versions)), ["tfjs-qat", "tfjs", "tfjs-layers", "onnxruntime-node"]);
      const record = JSON.stringify(report.train.epochs.map(({ stepMs: _, ...epoch }) => epoch));
      assert.equal(trainingSha256, createHash("sha256").update(record).digest("hex"));
    }
  }));
