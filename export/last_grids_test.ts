import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { Answers } from "../models/answers.ts";
import { inputNames, outputGrids, outputNames } from "../models/ports.ts";
import { keepFloat } from "../quantize/recipe.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { apply, predict, seedWeights } from "../tests/_support/small_models.ts";
import { prepareCalibrated, samplesFor } from "./_test_support.ts";
import { type LastGrids, lastGridsOf, otherFusion } from "./last_grids.ts";
import { toOnnx, type ToOnnxOptions } from "./to_onnx.ts";
import { validate } from "./validate.ts";
import type { Fusion } from "./verify.ts";

const { layers } = tfl;
type Symbolic = tfl.SymbolicTensor;

const conv = (name: string) => layers.conv2d({ name, filters: 4, kernelSize: 3, padding: "same", activation: "relu" });
const dense = (name: string, units = 5) => layers.dense({ name, units });
const elu = (name: string) => layers.elu({ name });
// TF.js's types do not list it.
const LOG_SOFTMAX = "logSoftmax" as string as "softmax";

interface Net {
  /** From a convolution of the input to the outputs. */
  readonly wire: (x: Symbolic) => readonly Symbolic[];
  readonly float?: readonly string[];
  /** By outputs, the layers before them. */
  readonly before: Readonly<Record<string, readonly string[]>>;
}

const flat = (x: Symbolic) => apply(layers.flatten({ name: "flat" }), x);

const NETS: Readonly<Record<string, Net>> = {
  "a log-softmax": {
    wire: (x) => [apply(layers.activation({ activation: LOG_SOFTMAX, name: "log" }), apply(dense("fc"), flat(x)))],
    before: { log: ["fc"] },
  },
  "a head kept in float": {
    wire: (x) => [apply(dense("fc"), flat(x))],
    float: ["fc"],
    before: { fc: ["first_relu"] },
  },
  "a sum of two branches in float": {
    wire: (x) => {
      const [a, b] = ["a", "b"].map((name) => apply(elu(`${name}_elu`), apply(conv(name), x)));
      return [apply(layers.add({ name: "sum" }), a, apply(elu("more"), b))];
    },
    float: ["sum"],
    before: { sum: ["a_relu", "b_relu"] },
  },
  "an output on a grid and two on none, one computed from the other": {
    wire: (x) => {
      const row = flat(x);
      const fc = apply(dense("fc"), row);
      const one = apply(elu("one"), fc);
      const other = apply(dense("other"), row);
      return [fc, one, apply(layers.add({ name: "two" }), apply(elu("e"), other), one)];
    },
    float: ["two"],
    before: { two: ["other"] },
  },
};

async function prepared({ wire, float = [] }: Pick<Net, "wire" | "float">) {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const image = tfl.input({ shape: [6, 6, 3], name: "image" });
  const model = seedWeights(tfl.model({ inputs: image, outputs: [...wire(apply(conv("first"), image))] }));
  return (await prepareCalibrated(model, { recipe: { rules: float.flatMap((name) => keepFloat(name)) } })).model;
}

function answersOf(model: tfl.LayersModel, x: tf.Tensor): Answers {
  const [names, grids] = [outputNames(model), outputGrids(model)];
  return Object.fromEntries(
    predict(model, [x]).map((values, i) => {
      const shape = [x.shape[0], ...model.outputs[i].shape.slice(1) as number[]];
      return [names[i], { values, shape, ...(names[i] in grids ? { grid: grids[names[i]] } : {}) }];
    }),
  );
}

/** Proves `model` as a job does; `change` what is said to be simulated on the grids. */
async function prove(
  model: tfl.LayersModel,
  { change = (answers) => answers, ...options }: ToOnnxOptions & { readonly change?: (answers: Answers) => Answers },
) {
  const [x] = samplesFor(model, 6);
  const inFile = options.inputLayout === "nchw" ? tf.transpose(x, [0, 3, 1, 2]) : x;
  const grids = lastGridsOf(model)!;
  const int8 = await toOnnx(model, options);
  const { agreement } = validate({
    int8,
    float: int8,
    batches: [{ [inputNames(model)[0]]: inFile.dataSync<"float32">() }],
    simulated: answersOf(model, x),
    lastGrids: { ...grids, file: await toOnnx(grids.whole, options), simulated: change(answersOf(grids.model, x)) },
    latency: { runs: 1, threads: 1 },
    precise: true,
  });
  return agreement.map(({ output, compared }) => ({ output, compared }));
}

for (const [name, net] of Object.entries(NETS)) {
  Deno.test(`validate() compares the codes of the last grids when the model ends in ${name}`, async () => {
    const model = await prepared(net);
    assert.deepEqual(lastGridsOf(model)?.before, net.before);
    for (const inputLayout of ["nhwc", "nchw"] as const) {
      for (const { output, compared } of await prove(model, { inputLayout })) {
        const expected = net.before[output];
        if (compared.kind === "codes") {
          assert.equal(expected, undefined);
          continue;
        }
        assert.deepEqual(compared.lastGrids?.map(({ layer }) => layer), expected);
        for (const { count, different } of compared.lastGrids ?? []) assert.ok(count >= 30 && different === 0);
      }
    }
  });
}

Deno.test("validate() finds a code that differs before a float output", async () => {
  const model = await prepared(NETS["a log-softmax"]);
  const change = ({ fc }: Answers): Answers => {
    const values = fc.values.map((value, i) => i === 7 ? value + 3 * fc.grid!.scale : value);
    return { fc: { ...fc, values } };
  };
  const [{ compared }] = await prove(model, { change });
  assert.ok(compared.kind === "values");
  assert.deepEqual(compared.lastGrids, [{ layer: "fc", count: 30, different: 1, maxDifference: 3 }]);
});

Deno.test("lastGridsOf() finds none when all outputs are on grids, and when none is computed from one", async () => {
  const find = async (net: Pick<Net, "wire" | "float">): Promise<LastGrids | undefined> =>
    lastGridsOf(await prepared(net));
  assert.equal(await find({ wire: (x) => [apply(dense("fc"), flat(x))] }), undefined);
  assert.equal(await find({ wire: (x) => [apply(dense("fc"), flat(x))], float: ["first", "fc"] }), undefined);
});

Deno.test("lastGridsOf() leaves the model's own file as it is", async () => {
  const model = await prepared(NETS["a sum of two branches in float"]);
  const { bytes } = await toOnnx(model);
  lastGridsOf(model);
  assert.deepEqual((await toOnnx(model)).bytes, bytes);
});

Deno.test("otherFusion() tells a kernel more, an operator that is in float now, and nothing of what only moves", () => {
  const fusion = (int8: Fusion["int8"], ...float: readonly [op: string, layer: string][]): Fusion => ({
    int8,
    moved: { Reshape: 1 },
    float: float.map(([op, layer]) => ({ op, layer, node: layer, because: "" })),
    nodes: [],
  });
  const one = fusion({ QLinearConv: 2 }, ["Elu", "elu"]);
  assert.equal(
    otherFusion(one, fusion({ QLinearConv: 2 }, ["Elu", "elu"], ["Transpose", "x"])),
    undefined,
  );
  assert.equal(otherFusion(one, fusion({ QLinearConv: 1 }, ["Elu", "elu"])), "it has 1 of QLinearConv, not 2");
  assert.equal(
    otherFusion(one, fusion({ QLinearConv: 2 }, ["Elu", "elu"], ["Conv", "conv"])),
    'it has 1 of Conv in float of "conv", not 0',
  );
});
