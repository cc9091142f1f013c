/** From an ONNX file to ONNX Runtime's own format, which its small builds for phones and browsers read. */
import { Session, type SessionOptions } from "../src/runtime/session.ts";
import { inOneOrder } from "./_ort_file.ts";

/**
 * Writes an ONNX file in ORT format: the graph as ONNX Runtime runs it, metadata included.
 *
 * At the level "extended" QDQ pairs are fused into integer operators, which the CPU provider of every build has; "all"
 * would add layouts for the CPU at hand, and at "basic" the file would run in float, node by node, because ONNX Runtime
 * fuses nothing more when it loads this format. Equal files give equal bytes.
 *
 * @param bytes A serialized ModelProto.
 * @param options As files of the target are run: `int8Activations` decides what fuses.
 * @throws {Error} ONNX Runtime's own error if it refuses the model.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { registerBackend } from "../src/backend/mod.ts";
 * import { toOnnx } from "./to_onnx.ts";
 * import { toOrt } from "./to_ort.ts";
 *
 * await registerBackend();
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] });
 * const { bytes } = await toOnnx(model);
 * assert.equal(new TextDecoder().decode(toOrt(bytes).subarray(4, 8)), "ORTM");
 * ```
 */
export function toOrt(
  bytes: Uint8Array,
  options: Pick<SessionOptions, "int8Activations"> = {},
): Uint8Array<ArrayBuffer> {
  const path = Deno.makeTempFileSync({ suffix: ".ort" });
  try {
    new Session(bytes, {
      ...options,
      threads: 1,
      optimization: "extended",
      optimizedModelPath: path,
      optimizedModelFormat: "ort",
    }).dispose();
    return inOneOrder(Deno.readFileSync(path));
  } finally {
    Deno.removeSync(path);
  }
}
