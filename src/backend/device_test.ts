import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { listDevices, ORT_VERSION } from "../runtime/session.ts";
import { assertClose, random, useBackend } from "./_test_support.ts";
import { chooseDevice, DEVICES, deviceWarning } from "./device.ts";
import { registerBackend } from "./mod.ts";

/** A device that this build of ONNX Runtime lacks: there is one on every platform, as none has CUDA and Core ML. */
const LACKING = DEVICES.find((device) => !listDevices().some((listed) => listed.device === device))!;

Deno.test("chooseDevice() takes the cpu as it is", () => {
  assert.deepEqual(chooseDevice("cpu"), { asked: "cpu", ran: "cpu" });
  assert.equal(deviceWarning(chooseDevice("cpu")), undefined);
});

Deno.test("chooseDevice() falls back to the cpu where ONNX Runtime is built without the device", () => {
  const because = `onnxruntime-node ${ORT_VERSION} is built without it for ${Deno.build.os} ${Deno.build.arch}`;
  assert.deepEqual(chooseDevice(LACKING), { asked: LACKING, ran: "cpu", because });
  assert.equal(
    deviceWarning(chooseDevice(LACKING)),
    `Warning: device "${LACKING}" cannot be used, cpu is used instead: ${because}`,
  );
});

// What this finds depends on the machine; what it says must fit in either case.
for (const device of ["webgpu", "cuda"] as const) {
  Deno.test(`chooseDevice() runs on ${device}, or says in one line why it cannot`, () => {
    const { asked, ran, because } = chooseDevice(device);
    assert.equal(asked, device);
    assert.equal(ran === device, because === undefined);
    if (because === undefined) return;
    assert.equal(ran, "cpu");
    assert.match(because, /^[^\n]{10,}$/);
    assert.doesNotMatch(because, /onnxruntime_src|lambda|\.$/);
    assert.equal(chooseDevice(device), chooseDevice(device));
  });
}

Deno.test("chooseDevice() says how libraries come that are not in the package", {
  // Asks about CUDA, where ONNX Runtime's package leaves its libraries out and the machine has none.
  ignore: !listDevices().some(({ device, bundled }) => device === "cuda" && !bundled) ||
    chooseDevice("cuda").ran === "cuda",
}, () => {
  assert.match(
    chooseDevice("cuda").because!,
    /^OrtSessionOptionsAppendExecutionProvider_Cuda: .+; its libraries come by deno install .+ --entrypoint npm:onnxruntime-node@[\d.]+, for programs run with --node-modules-dir=auto$/,
  );
});

Deno.test("registerBackend() goes on with the cpu and one warning where the device cannot be used", async () => {
  const backend = await useBackend();
  const x = random([4, 3], 1);
  const before = tf.matMul(x, x, true).dataSync();
  const lines: string[] = [];
  const onWarning = (line: string) => lines.push(line);
  try {
    assert.equal(await registerBackend({ device: LACKING, onWarning }), backend);
    assert.deepEqual(lines, [deviceWarning(chooseDevice(LACKING))]);
    assert.deepEqual([backend.device.asked, backend.device.ran], [LACKING, "cpu"]);
    assert.deepEqual(tf.matMul(x, x, true).dataSync(), before);
    // Neither a call without a device nor one with the same changes anything.
    await registerBackend({ onWarning });
    await registerBackend({ device: LACKING, onWarning });
    assert.equal(lines.length, 1);
    assert.equal(backend.device.asked, LACKING);
  } finally {
    await registerBackend({ device: "cpu" });
    x.dispose();
  }
  assert.deepEqual(backend.device, { asked: "cpu", ran: "cpu" });
});

Deno.test("OnnxRuntimeBackend computes what it recorded before the device changes, and the same after", async () => {
  const backend = await useBackend();
  const x = random([2, 8, 8, 3], 1);
  const w = random([3, 3, 3, 32], 2);
  const conv = () => tf.relu(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same"));
  const expected = tf.tidy(() => conv().dataSync());
  const recorded = tf.keep(conv());
  try {
    const lines: string[] = [];
    backend.change({ device: "webgpu", onWarning: (line) => lines.push(line) });
    assert.equal(lines.length, backend.device.ran === "webgpu" ? 0 : 1);
    assertClose(recorded.dataSync(), expected, 1e-5);
    assertClose(tf.tidy(() => conv().dataSync()), expected, 1e-5);
  } finally {
    backend.change({ device: "cpu" });
    tf.dispose([x, w, recorded]);
  }
});
