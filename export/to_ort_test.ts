import assert from "node:assert/strict";
import { registerBackend } from "../src/backend/mod.ts";
import { Session, type SessionOptions } from "../src/runtime/session.ts";
import { providersOf } from "../src/runtime/providers.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { inputFor, islandModel, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { toOnnx } from "./to_onnx.ts";
import { toOrt } from "./to_ort.ts";

const MODELS = {
  sequentialModel,
  skipModel,
  islandModel,
  mobilenet_v2: () =>
    buildArchitecture("mobilenet_v2", { inputShape: [32, 32, 3], outputs: 10, head: "softmax", seed: 1 }),
};

/** Answers of a file to samples, by output. */
function answersOf(bytes: Uint8Array, feeds: Parameters<Session["run"]>[0], options: SessionOptions) {
  const session = new Session(bytes, { ...options, threads: 1 });
  try {
    return session.run(feeds);
  } finally {
    session.dispose();
  }
}

for (const target of ["x86", "arm"]) {
  for (const [name, make] of Object.entries(MODELS)) {
    Deno.test(`toOrt() writes what answers as the ONNX file does, on the same operators: ${name} for ${target}`, async () => {
      await registerBackend();
      const { model } = prepareQat(make(), { target });
      const inputs = inputFor(model);
      await calibrate(model, [inputs]);
      const { bytes, graph } = await toOnnx(model, { metadata: { note: "kept" }, doc: "also kept" });
      const int8Activations = target === "arm";
      const ort = toOrt(bytes, { int8Activations });
      const feeds = Object.fromEntries(
        graph.inputs.map((name, i) =>
          [name, { dtype: "float32", shape: inputs[i].shape, data: inputs[i].dataSync() }] as const
        ),
      );
      const options = { int8Activations, optimization: "extended" } as const;
      assert.deepEqual(answersOf(ort, feeds, options), answersOf(bytes, feeds, options));
      // What is in it is run as it stands.
      assert.deepEqual(providersOf(ort, options), providersOf(bytes, options));
      const text = new TextDecoder("latin1").decode(ort);
      for (const kept of ["kept", "also kept", "tfjs-qat"]) assert.ok(text.includes(kept), kept);
      assert.ok(!text.includes("nchwc.") && !text.includes("/tmp"));
      assert.deepEqual(toOrt(bytes, { int8Activations }), ort);
    });
  }
}
