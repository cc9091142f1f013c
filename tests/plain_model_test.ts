/** float/model.json of a job, in a program that knows TF.js and nothing of this project. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type * as tfl from "@tensorflow/tfjs-layers";
import config from "../deno.json" with { type: "json" };
import { predictAll } from "../export/validate.ts";
import { save, SMALL, tinyModel, withFolder } from "../job/_test_support.ts";
import { runQat } from "../job/qat.ts";
import type { Report } from "../report/schema.ts";
import { constantNode, fromModel, ownCall, toModel } from "../src/rewrite/mod.ts";
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

/** What makes this project's layers known, before that. */
const REGISTER = `import { registerLayers } from "${new URL(`../${config.exports["./layers"]}`, import.meta.url)}";
registerLayers();
`;

/** Runs a program on the results in `dir`. */
async function run(program: string, dir: string) {
  Deno.writeTextFileSync(`${dir}/program.mjs`, program);
  const args = [
    "run",
    `--config=${CONFIG}`,
    "--no-prompt",
    `--allow-read=${dir}`,
    "--ignore-env",
    `${dir}/program.mjs`,
  ];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args, dir] }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stderr: decode(stderr), last: decode(stdout).trim().split("\n").at(-1) ?? "" };
}

/** Asserts that `program` answers as model.float.onnx does. */
async function assertAnswers(program: string, dir: string): Promise<void> {
  const x = randomTensor([3, 8, 8, 3]).dataSync<"float32">();
  Deno.writeTextFileSync(`${dir}/x.json`, JSON.stringify([...x]));
  const { code, stderr, last } = await run(program, dir);
  assert.equal(code, 0, stderr);
  const { outputs, answers } = JSON.parse(last);
  assert.deepEqual(outputs, ["dense"]);
  const { dense: { values } } = predictAll(Deno.readFileSync(`${dir}/out/model.float.onnx`), [{ conv_input: x }]);
  assert.equal(answers.length, values.length);
  values.forEach((value, i) => assert.ok(Math.abs(value - answers[i]) <= 1e-5, `${value} for ${answers[i]}`));
}

/** What the report of a job says that float/model.json is. */
function whatOf({ files }: Report): string | undefined {
  return files?.find(({ path }) => path === "float/model.json")?.what;
}

Deno.test("runQat() writes a float model that TF.js reads by itself, and that answers as model.float.onnx", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out` });
    assert.equal(whatOf(report), "its weights in float, as TF.js reads them");
    await assertAnswers(PROGRAM, dir);
  }));

/** The tiny model with a constant added to its picture. */
function modelWithConstant(): tfl.LayersModel {
  const graph = fromModel(tinyModel());
  const constant = constantNode("lift", { shape: [8, 8, 3], data: new Float32Array(192).fill(0.125) });
  const sum = ownCall({ name: "sum", className: "Add", config: {}, inbound: ["conv_input", "lift"] });
  const [input, conv, ...rest] = graph.nodes;
  return toModel({ ...graph, nodes: [input, constant, sum, { ...conv, inbound: ["sum"] }, ...rest] });
}

Deno.test("runQat() says which layers of its own a float model needs, and ./layers registers them", () =>
  withFolder(async (dir) => {
    const model = await save(modelWithConstant(), `${dir}/in`);
    const log: string[] = [];
    const report = await runQat({ ...SMALL, model, out: `${dir}/out` }, { log: (line) => log.push(line) });
    const needs = `after registerLayers() of this project's "./layers": it has "lift" (ConstantValue)`;
    assert.equal(whatOf(report), `its weights in float, as TF.js reads them ${needs}`);
    assert.ok(log.includes(`float/model.json is for TF.js ${needs}.`), log.join("\n"));
    assert.match((await run(PROGRAM, dir)).stderr, /Unknown layer: ConstantValue/);
    await assertAnswers(REGISTER + PROGRAM, dir);
  }));
