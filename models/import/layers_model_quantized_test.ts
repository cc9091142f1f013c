/** Weights stored in fewer bits; the oracle is the definition real = code · scale + min, and V8's own Float16Array. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { editModelJson, weightValues, withTempDir } from "./_test_models.ts";
import { loadLayersModel, ModelFileError, saveLayersModel } from "./layers_model.ts";

type Quantization = { dtype: "uint8" | "uint16" | "float16"; min?: number; scale?: number; original_dtype?: string };

/** Saves one dense layer of `codes.length` weights, stored as `codes`. */
async function saveStored(
  dir: string,
  { codes, quantization }: { codes: Uint8Array | Uint16Array; quantization: Quantization },
): Promise<void> {
  const layer = tfl.layers.dense({
    name: "dense",
    units: 1,
    inputShape: [codes.length],
    useBias: false,
    kernelInitializer: "zeros",
  });
  await saveLayersModel(tfl.sequential({ layers: [layer] }), dir);
  editModelJson(dir, (json) => json.weightsManifest[0].weights[0].quantization = quantization);
  Deno.writeFileSync(`${dir}/weights.bin`, new Uint8Array(codes.buffer));
}

for (const [dtype, codes] of [["uint8", new Uint8Array(256)], ["uint16", new Uint16Array(65536)]] as const) {
  Deno.test(`loadLayersModel() gives code · scale + min when weights are stored as ${dtype}`, () =>
    withTempDir(async (dir) => {
      codes.forEach((_, i) => codes[i] = i);
      const [min, scale] = [-0.87334511607301, 0.006666756611244351];
      await saveStored(dir, { codes, quantization: { dtype, min, scale } });
      const { model, source } = await loadLayersModel(dir);
      assert.deepEqual(weightValues(model), [...codes].map((code) => Math.fround(code * scale + min)));
      assert.equal(source.weights[0].quantization?.dtype, dtype);
    }));
}

/** All float16 bit patterns whose exponent is not all ones. */
const FINITE_HALVES = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) < 0x7c00);

Deno.test("loadLayersModel() decodes every finite float16, subnormal ones too", () =>
  withTempDir(async (dir) => {
    await saveStored(dir, {
      codes: FINITE_HALVES,
      quantization: { dtype: "float16", original_dtype: "float32" },
    });
    const { model } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), [...new Float16Array(FINITE_HALVES.buffer)]);
  }));

Deno.test("loadLayersModel() refuses float16 weights when one is infinite", () =>
  withTempDir(async (dir) => {
    const codes = new Uint16Array([0x3c00, 0x7c00, 0xfe00]);
    await saveStored(dir, { codes, quantization: { dtype: "float16" } });
    await assert.rejects(
      loadLayersModel(dir),
      new ModelFileError(
        `Cannot load "${dir}/model.json": the weight "dense/kernel" holds NaN or Infinity in 2 of 3 places, ` +
          "finite numbers are needed",
      ),
    );
  }));

Deno.test("loadLayersModel() refuses an affine storage without min and scale", () =>
  withTempDir(async (dir) => {
    await saveStored(dir, { codes: new Uint8Array(3), quantization: { dtype: "uint8", scale: 1 } });
    await assert.rejects(loadLayersModel(dir), {
      name: "ModelFileError",
      message: `Cannot load "${dir}/model.json": the weight "dense/kernel" has a "uint8" quantization without "min" ` +
        `and "scale", two finite numbers are needed`,
    });
  }));
