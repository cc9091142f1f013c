/** float/model.json of a job, in a program that knows TF.js and nothing of this project. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { predictAll } from "../export/validate.ts";
import { save, SMALL, tinyModel, withFolder } from "../job/_test_support.ts";
import { runQat } from "../job/qat.ts";
import { randomTensor } from "./_support/small_models.ts";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** Prints the model's outputs and its answers to the numbers of x.json. */
const PROGRAM = `
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
const read = (name) => Deno.readTextFileSync(Deno.args[0] + "/" + name);
const { modelTopology, weightsManifest: [{ paths, weights: weightSpecs }] } = JSON.parse(read("out/float/model.json"));
const weightData = Deno.readFileSync(Deno.args[0] + "/out/float/" + paths[0]).buffer;
const model = await tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
const y = model.predict(tf.tensor(JSON.parse(read("x.json")), [3, 8, 8, 3]));
console.log(JSON.stringify({ outputs: model.outputNames, answers: [...y.dataSync()] }));
`;

Deno.test("runQat() writes a float model that TF.js reads by itself, and that answers as model.float.onnx", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const { files } = await runQat({ ...SMALL, model, out: `${dir}/out` });
    const what = new Map(files?.map(({ path, what }) => [path, what]));
    assert.equal(what.get("float/model.json"), "its weights in float, as TF.js reads them");
    const x = randomTensor([3, 8, 8, 3]).dataSync<"float32">();
    Deno.writeTextFileSync(`${dir}/x.json`, JSON.stringify([...x]));
    Deno.writeTextFileSync(`${dir}/program.mjs`, PROGRAM);
    const args = [
      "run",
      `--config=${CONFIG}`,
      "--no-prompt",
      `--allow-read=${dir}`,
      "--ignore-env",
      `${dir}/program.mjs`,
    ];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args, dir] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const { outputs, answers } = JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
    assert.deepEqual(outputs, ["dense"]);
    const { dense: { values } } = predictAll(Deno.readFileSync(`${dir}/out/model.float.onnx`), [{ conv_input: x }]);
    assert.equal(answers.length, values.length);
    values.forEach((value, i) => assert.ok(Math.abs(value - answers[i]) <= 1e-5, `${value} for ${answers[i]}`));
  }));
