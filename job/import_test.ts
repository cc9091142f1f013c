import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { contentsOf, save, tinyModel, withFolder } from "./_test_support.ts";
import { isPrepared } from "./_resume.ts";
import { importModel } from "./import.ts";

/** Writes the float ONNX file of a tiny model. */
async function tinyFile(dir: string): Promise<string> {
  await registerBackend();
  await tf.setBackend("onnxruntime");
  const { bytes } = await toOnnx(tinyModel(), { precision: "float32", inputLayout: "nchw" });
  await Deno.writeFile(`${dir}/net.onnx`, bytes);
  return `${dir}/net.onnx`;
}

Deno.test("importModel() writes a model that answers as its source, and what became of each node", () =>
  withFolder(async (dir) => {
    const model = await tinyFile(dir);
    const log: string[] = [];
    const out = `${dir}/out`;
    const report = await importModel(
      { model, out, data: "generated", limit: 5, normalize: "0..1" },
      { log: (line) => log.push(line.replaceAll(dir, "DIR")) },
    );
    const written = Object.keys(contentsOf(out)).map((path) => path.slice(out.length + 1));
    assert.deepEqual(written.toSorted(), ["import.json", "model.json", "weights.bin"]);
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${out}/import.json`)), JSON.parse(JSON.stringify(report)));
    assert.deepEqual(report.outputs.map(({ shape }) => shape), [[10]]);
    assert.deepEqual(report.compared.map(({ on, by }) => [on, by]), [
      ["random numbers", "ONNX Runtime"],
      ['5 samples of "generated"', "ONNX Runtime"],
    ]);
    for (const { outputs } of report.compared) assert.ok(outputs.every(({ error }) => error < 1e-4));
    assert.match(log.join("\n"), /^\d+ nodes: .* are cut off\. 310 parameters\.$/m);
    assert.match(log.join("\n"), /On 5 samples of "generated" the answers differ from those of ONNX Runtime by /);
    const { model: loaded } = await loadLayersModel(out);
    const names = new Set(loaded.layers.map(({ name }) => name));
    for (const { became } of report.nodes) {
      if (typeof became !== "string") { for (const name of became) assert.ok(names.has(name), name); }
    }
    const convolutions = report.nodes.filter(({ operator }) => operator === "Conv");
    assert.ok(convolutions.length === 2 && convolutions.every(({ became }) => became.length > 0));
    const x = tf.randomUniform([2, 8, 8, 3], 0, 1, "float32", 3);
    const known = tinyModel().predict(x) as tf.Tensor;
    tf.test_util.expectArraysClose(
      await (loaded.predict(x) as tf.Tensor).data(),
      await known.data(),
      1e-5,
    );
  }));

Deno.test("importModel() unfolds biases into batch normalizations, with statistics of data, and answers all the same", () =>
  withFolder(async (dir) => {
    const model = await tinyFile(dir);
    const log: string[] = [];
    const given = { model, out: `${dir}/out`, data: "generated", limit: 5, normalize: "0..1", unfoldBn: true };
    const report = await importModel(given, { log: (line) => log.push(line) });
    assert.match(
      log.join("\n"),
      /The biases of 2 convolutions became batch normalizations with statistics of 5 samples/,
    );
    for (const { outputs } of report.compared) assert.ok(outputs.every(({ error }) => error < 1e-4));
    const { model: loaded } = await loadLayersModel(`${dir}/out`);
    const norms = loaded.layers.filter((layer) => layer.getClassName() === "BatchNormalization").map(({ name }) =>
      name
    );
    assert.equal(norms.length, 2);
    assert.ok(norms.every((name) => report.nodes.some(({ became }) => became.includes(name))));
    const x = tf.randomUniform([2, 8, 8, 3], 0, 1, "float32", 3);
    const known = tinyModel().predict(x) as tf.Tensor;
    tf.test_util.expectArraysClose(await (loaded.predict(x) as tf.Tensor).data(), await known.data(), 1e-5);
  }));

Deno.test("importModel() replaces a model where it is told to, and writes nothing where it fails", () =>
  withFolder(async (dir) => {
    const model = await tinyFile(dir);
    const out = `${dir}/out`;
    await importModel({ model, out });
    const before = contentsOf(out);
    await assert.rejects(importModel({ model, out }), {
      message: /it has a model already \(model\.json\), --overwrite/,
    });
    await Deno.writeTextFile(`${dir}/bad.onnx`, "no model");
    await assert.rejects(
      importModel({ model: `${dir}/bad.onnx`, out, overwrite: true }),
      /^ModelFileError: Cannot load/,
    );
    assert.deepEqual(contentsOf(out), before);
    await importModel({ model, out, overwrite: true });
    assert.deepEqual(contentsOf(out), before);
    await assert.rejects(importModel({ model, out: dir }), /the model that is imported lies there/);
    assert.equal((await Deno.stat(model)).isFile, true);
  }));

Deno.test("importModel() writes a quantized file as a prepared model, and its float model within", () =>
  withFolder(async (dir) => {
    await registerBackend();
    await tf.setBackend("onnxruntime");
    const made = prepareQat(tinyModel());
    await calibrate(made.model, [{ inputs: { x: new Float32Array(4 * 192).map((_, i) => Math.sin(i)) }, size: 4 }]);
    const { bytes } = await toOnnx(made.model);
    await Deno.writeFile(`${dir}/net.onnx`, bytes);
    const [out, model] = [`${dir}/out`, `${dir}/net.onnx`];
    const log: string[] = [];
    const { compared } = await importModel({ model, out }, { log: (line) => log.push(line) });
    const words = log.find((line) => line.includes(" is quantized: "));
    assert.match(words ?? "", /net\.onnx" is quantized: \d+ grids are its own, for target "x86"\.$/);
    assert.deepEqual(compared.map(({ by }) => by), ["ONNX Runtime", "the file in ONNX Runtime"]);
    assert.ok(compared[1].outputs[0].error < 0.05);
    const [prepared, float] = await Promise.all([out, `${out}/float`].map(async (path) => await loadLayersModel(path)));
    assert.equal(isPrepared(prepared.model), true);
    assert.equal(isPrepared(float.model), false);
    // One that is no longer quantized takes its float model away.
    await importModel({ model: await tinyFile(dir), out, overwrite: true });
    assert.deepEqual(Object.keys(contentsOf(out)).filter((path) => path.includes("float/")), []);
  }));

Deno.test("importModel() keeps the outputs that are named, in their order, and cuts what only others need", () =>
  withFolder(async (dir) => {
    await registerBackend();
    const x = tfl.input({ shape: [4], name: "x" });
    const [a, b] = ["a", "b"].map((name) => tfl.layers.dense({ units: 3, name }).apply(x) as tfl.SymbolicTensor);
    const c = tfl.layers.reLU({ name: "c" }).apply(b) as tfl.SymbolicTensor;
    const model = await save(tfl.model({ inputs: x, outputs: [a, b, c] }), `${dir}/in`);
    const all = await importModel({ model, out: `${dir}/all` });
    assert.deepEqual(all.outputs.map(({ name }) => name), ["a", "b", "c"]);
    const some = await importModel({ model, out: `${dir}/some`, outputs: ["c", "a"] });
    assert.deepEqual(some.outputs.map(({ name }) => name), ["c", "a"]);
    await assert.rejects(
      importModel({ model, out: `${dir}/none`, outputs: ["d"] }),
      /the output "d" of .*: needed is one of a, b, c/,
    );
    const { bytes } = await toOnnx(tfl.model({ inputs: x, outputs: [a, c] }), { precision: "float32" });
    await Deno.writeFile(`${dir}/net.onnx`, bytes);
    const cut = await importModel({ model: `${dir}/net.onnx`, out: `${dir}/cut`, outputs: ["a"] });
    assert.deepEqual(cut.outputs.map(({ name }) => name), ["a"]);
    assert.ok(cut.nodes.some(({ became }) => became === "cut"));
  }));

Deno.test("importModel() takes the shape of an open input, and refuses one that is none of the model's", () =>
  withFolder(async (dir) => {
    await registerBackend();
    const conv = tfl.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [null, null, 3], name: "conv" });
    const model = await save(tfl.sequential({ layers: [conv] }), `${dir}/in`);
    const { inputs: [{ name }], outputs } = await importModel({
      model,
      out: `${dir}/a`,
      shape: ["conv_input=1,9,7,3"],
    });
    assert.deepEqual([name, outputs[0].shape], ["conv_input", [7, 5, 2]]);
    const refused = (shape: string) => importModel({ model, out: `${dir}/b`, shape: [shape] });
    await assert.rejects(
      refused("conv_inptu=1,9,7,3"),
      /--shape is of an input "conv_inptu", .*did you mean "conv_input"/,
    );
    await assert.rejects(
      refused("conv_input=1,9,7,4"),
      /its input "conv_input" is \[\?,\?,\?,3\], it cannot be \[1,9,7,4\]/,
    );
    await assert.rejects(refused("conv_input=9,7,3"), /it cannot be \[9,7,3\]/);
  }));
