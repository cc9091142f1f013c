/** ONNX Runtime's library, loaded with its telemetry off. No other module may load it: docs/design/telemetry.md. */
// deno-lint-ignore style/side-effect -- to import a native library is to run it, and this must come first
import "./_telemetry.ts";

/** The package as it is. */
export * as ort from "onnxruntime-node";
export { type Binding, binding, initOrt } from "onnxruntime-node/dist/binding.js";
