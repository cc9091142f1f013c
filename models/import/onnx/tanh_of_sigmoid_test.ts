import assert from "node:assert/strict";
import type * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { prepareCalibrated, runExported } from "../../../export/_test_support.ts";
import { toOnnx } from "../../../export/to_onnx.ts";
import { prepareOnGrids } from "../../../quantize/on_grids.ts";
import { registerBackend } from "../../../src/backend/mod.ts";
import { setQatPhase } from "../../../src/quant/mod.ts";
import { randomTensor, seedWeights } from "../../../tests/_support/small_models.ts";
import type { ImportFacts } from "../imported.ts";
import { loadBytes } from "./_test_net.ts";

const { layers } = tfl;

/** A tanh and a sigmoid, of the same numbers and of others that were moved, in front of a dense layer. */
function net(): tfl.LayersModel {
  const x = tfl.input({ shape: [8, 8, 3], name: "image" });
  const conv = layers.conv2d({ name: "conv", filters: 4, kernelSize: 3 }).apply(x) as tfl.SymbolicTensor;
  const curve = (activation: "tanh" | "sigmoid", of: tfl.SymbolicTensor, name: string) =>
    layers.activation({ activation, name }).apply(of) as tfl.SymbolicTensor;
  const pooled = layers.maxPooling2d({ name: "pool", poolSize: 2 }).apply(conv) as tfl.SymbolicTensor;
  const flat = ["tanh", "sigmoid"].map((name) =>
    layers.flatten({ name: `flat_${name}` }).apply(curve(name as "tanh" | "sigmoid", conv, name))
  ) as tfl.SymbolicTensor[];
  const moved = layers.flatten({ name: "flat_moved" }).apply(curve("tanh", pooled, "moved")) as tfl.SymbolicTensor;
  const joined = layers.concatenate({ name: "all" }).apply([...flat, moved]) as tfl.SymbolicTensor;
  const y = layers.dense({ name: "fc", units: 5 }).apply(joined) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: x, outputs: y, name: "curves" });
  seedWeights(model, 5);
  return model;
}

for (const target of ["x86", "arm"]) {
  for (const format of ["qdq", "qoperator"] as const) {
    Deno.test(`loadOnnx() reads a tanh that a file for ${target} computes by a sigmoid, ${format}`, async () => {
      await registerBackend();
      const { model } = await prepareCalibrated(net(), { target });
      const file = await toOnnx(model, { format });
      assert.ok(!file.graph.nodes.some(({ op }) => op === "Tanh"));
      let facts: ImportFacts | undefined;
      const read = await loadBytes(file.bytes, { onImport: (told) => facts = told });
      const activations = read.layers.flatMap((layer) => layer.getConfig().activation ?? []).map(String);
      assert.deepEqual(activations.filter((name) => name === "tanh" || name === "sigmoid").sort(), [
        "sigmoid",
        "tanh",
        "tanh",
      ]);
      const prepared = prepareOnGrids(read, facts!.grids!);
      setQatPhase(prepared.model, { observing: false, fakeQuantizing: true });
      const x = randomTensor([3, 8, 8, 3], 4);
      // On x86 operators on int8 codes of activations have no kernels with uint8 weights.
      const [known] = runExported(file, [x], { precise: target === "x86" || format === "qdq" });
      const own = await (prepared.model.predict(x) as tf.Tensor).data();
      known.forEach((value, i) => assert.ok(Math.abs(value - own[i]) < 1e-5, `${value} and ${own[i]}`));
    });
  }
}
