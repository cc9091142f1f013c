/**
 * The engine: a TF.js backend that runs on ONNX Runtime.
 *
 * Kernels are recorded and run as one ONNX graph when somebody reads a result, a whole training step at a time. It knows
 * nothing of quantization: `model.fit`, own layers and own optimizers run on it as on any backend of TF.js.
 *
 * @example Training an own loss
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-layers"; // brings the gradients of TF.js's kernels along
 * import { registerBackend } from "./mod.ts";
 *
 * const backend = await registerBackend();
 * const [x, y] = [tf.tensor1d([0, 1, 2, 3]), tf.tensor1d([1, 3, 5, 7])];
 * const [slope, offset] = [tf.variable(tf.scalar(0)), tf.variable(tf.scalar(0))];
 * const optimizer = tf.train.sgd(0.1);
 * for (let step = 0; step < 200; step++) {
 *   optimizer.minimize(() => tf.mean(tf.square(tf.sub(tf.add(tf.mul(slope, x), offset), y))));
 * }
 * assert.deepEqual([slope, offset].map((v) => Math.round(v.dataSync()[0] * 100) / 100), [2, 1]);
 * assert.ok(backend.stats().runs > 0);
 * ```
 *
 * @module
 */
export { BACKEND, registerBackend } from "./register.ts";
export { BACKEND_NAMES, type BackendName, selectBackend, type SelectOptions } from "./select.ts";
export { OnnxRuntimeBackend } from "./backend.ts";
export { asOneStep } from "./one_step.ts";
export type { BackendOptions, BackendStats, TraceInput, TraceOptions } from "./options.ts";
export type { EngineHistory } from "./_history.ts";
export type { PlanMemory, PlanStats } from "./_plan_cache.ts";
export type { RepeatedStep } from "./_repeat.ts";
export { chooseDevice, type Device, type DeviceChoice, DEVICES, deviceWarning } from "./device.ts";
// What a trace is: see "@tfjs-qat/tfjs-qat/onnx".
export type { Attr, AttrKind, Attrs, Dim, Graph, Node, Tensor, ValueType } from "../onnx/graph.ts";
export type { DType, TypedArray } from "../numbers/dtype.ts";
