/** A ReLU that is asked to stay in float is computed there, and the file answers as simulated. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { apply, predict, seedWeights } from "../tests/_support/small_models.ts";
import { codesOf, exportFor } from "./targets/_test_nets.ts";
import { keepFloat } from "./recipe.ts";

const { layers } = tfl;

const conv = (name: string, activation?: "relu") =>
  layers.conv2d({
    filters: 4,
    kernelSize: 3,
    padding: "same",
    name,
    ...(activation === undefined ? {} : { activation }),
  });

const netOf = (...parts: readonly (() => tfl.layers.Layer)[]) => () => {
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const first = apply(conv("first"), image);
  const end = parts.reduce((x, make) => apply(make(), x), first);
  return seedWeights(tfl.model({ inputs: image, outputs: apply(conv("last"), end) }));
};

const relu = () => layers.reLU({ name: "relu" });

interface Case {
  readonly build: () => tfl.LayersModel;
  /** What the ReLU is called. Default: "relu". */
  readonly layer?: string;
  /** Values that are on a grid. */
  readonly grids: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  "behind a convolution": { build: netOf(relu), grids: ["image", "first", "relu", "last"] },
  "ReLU6": {
    build: netOf(() => layers.reLU({ maxValue: 6, name: "relu" })),
    grids: ["image", "first", "relu", "last"],
  },
  "behind a pool": {
    build: netOf(() => layers.maxPooling2d({ poolSize: 2, name: "pool" }), relu),
    // It is moved before the pool.
    grids: ["image", "first", "relu", "last"],
  },
  "fused": {
    build: netOf(() => conv("second", "relu")),
    layer: "second_relu",
    grids: ["image", "first", "second", "second_relu", "last"],
  },
  "behind a dense layer": {
    build: netOf(() => layers.dense({ units: 5, name: "dense" }), relu),
    grids: ["image", "first", "dense", "relu", "last"],
  },
  "behind what others read": {
    build: () => {
      const image = tfl.input({ shape: [8, 8, 3], name: "image" });
      const first = apply(conv("first"), image);
      const sum = apply(layers.add({ name: "sum" }), first, apply(relu(), first));
      return seedWeights(tfl.model({ inputs: image, outputs: apply(conv("last"), sum) }));
    },
    grids: ["image", "first", "relu", "sum", "last"],
  },
};

for (const target of ["x86", "arm"] as const) {
  for (const [what, { build, grids, layer: name = "relu" }] of Object.entries(CASES)) {
    Deno.test(`prepareQat() keeps a ReLU in float for target "${target}" when asked to: ${what}`, async () => {
      const { prepared, exported, x } = await exportFor(target, build, { rules: keepFloat("kind:relu") });
      const { model, quantizers, islands } = prepared;
      assert.deepEqual(islands, [{ layer: name, because: "it was asked to stay in float" }]);
      assert.deepEqual(quantizers.map(({ of }) => of), grids);
      const session = target === "arm" ? { int8Activations: true } : { precise: true };
      const { declined } = exported;
      const fusion = verifyFusion(exported.bytes, exported.graph, {
        islands,
        declined,
        int8Activations: target === "arm",
      });
      assert.ok(fusion.float.some(({ layer }) => layer === name));
      assert.equal(fusion.int8.QLinearLeakyRelu, undefined);
      const expected = codesOf(predict(model, [x])[0], model);
      for (const file of [exported, await toOnnx(model, { format: "qoperator" })]) {
        assert.deepEqual(codesOf(runExported(file, [x], session)[0], model), expected);
      }
    });
  }
}

Deno.test("prepareQat() keeps an activation in float with its convolution, and leaves its work to the grid behind", async () => {
  const { prepared, exported } = await exportFor("x86", netOf(() => conv("second", "relu")), {
    rules: keepFloat("second"),
  });
  assert.deepEqual(prepared.islands.map(({ layer }) => layer), ["second"]);
  assert.equal(exported.graph.nodes.filter(({ op }) => op === "Max").length, 1);
});
