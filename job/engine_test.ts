import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { chooseDevice, DEVICES, deviceWarning } from "../src/backend/mod.ts";
import { GraphBuilder } from "../src/onnx/writer.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { listDevices } from "../src/runtime/session.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { countOperators, inTrainingArithmetic, reportDevice } from "./_engine.ts";
import { save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";

/** A device that this build of ONNX Runtime lacks: there is one on every platform, as none has CUDA and Core ML. */
const LACKING = DEVICES.find((device) => !listDevices().some((listed) => listed.device === device))!;

Deno.test("runQat() trains on TF.js's cpu backend as on ONNX Runtime, and exports the same from it", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const options = { ...SMALL, model, epochs: 2 };
    const own = await runQat({ ...options, out: `${dir}/own` });
    const cpu = await runQat({ ...options, backend: "cpu", out: `${dir}/cpu` });
    assert.equal(tf.getBackend(), "cpu");
    assert.deepEqual([own.backend, cpu.backend], ["onnxruntime", "cpu"]);
    assert.deepEqual([own.options!.backend, cpu.options!.backend], ["auto", "cpu"]);
    cpu.train.epochs.forEach(({ loss }, i) => {
      const expected = own.train.epochs[i].loss!;
      // Steps of training let differences of rounding grow, where they change a code.
      assert.ok(Math.abs(loss! - expected) < 2e-3 * expected, `epoch ${i + 1}: ${loss}, expected ${expected}`);
    });
    assert.deepEqual(cpu.fusion, own.fusion);
    // The files name the options that they were made with.
    const longer = "auto".length - "cpu".length;
    const { float, deployed: int8 } = own.bytes!;
    assert.deepEqual(cpu.bytes, { float: float - longer, deployed: int8 - longer });
  }));

Deno.test("runQat() trains and exports dilated convolutions, and refuses them at once on other backends", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ dilationRate: 2 }), `${dir}/in`);
    const log: string[] = [];
    const report = await runQat({ ...SMALL, model, epochs: 3, precise: true, out: `${dir}/out` }, {
      log: (line) => log.push(line),
    });
    const losses = report.train.epochs.map(({ loss }) => loss!);
    assert.ok(Math.min(...losses) < losses[0], `losses ${losses}`);
    assert.equal(report.fusion!.int8.QLinearConv, 2);
    const [agreement] = report.agreement!;
    assert.ok(agreement.compared === "codes" && agreement.different === 0, JSON.stringify(agreement));
    await assert.rejects(runQat({ ...SMALL, model, backend: "cpu", out: `${dir}/cpu` }), {
      message: 'Cannot train "conv2" on backend "cpu": its dilation rate is [2,2], of which that has no gradient, ' +
        'needed is "onnxruntime"',
    });
  }));

Deno.test("runQat() warns once of a device that cannot be used, goes on without, and reports it", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const log: string[] = [];
    const options = { ...SMALL, model, device: LACKING, out: `${dir}/out` };
    const report = await runQat(options, { log: (line) => log.push(line) });
    assert.deepEqual(log.filter((line) => /warning/i.test(line)), [deviceWarning(chooseDevice(LACKING))]);
    assert.deepEqual(report.device, chooseDevice(LACKING));
    assert.equal(report.device!.ran, "cpu");
  }));

Deno.test("runQat() warns of more threads than the machine has cores, and goes on", () =>
  withFolder(async (dir) => {
    const cores = navigator.hardwareConcurrency;
    const model = await save(tinyModel(), `${dir}/in`);
    const warningsOf = async (threads: number) => {
      const log: string[] = [];
      await runQat({ ...SMALL, model, threads, out: `${dir}/out` }, { log: (line) => log.push(line) });
      return log.filter((line) => /warning/i.test(line));
    };
    assert.deepEqual(await warningsOf(cores), []);
    assert.deepEqual(await warningsOf(cores + 1), [
      `Warning: --threads ${cores + 1} is more than this machine's ${cores} cores, which slows everything down.`,
    ]);
  }));

Deno.test("runQat() refuses backends and devices that do not exist", async () => {
  const bad = { backend: "torch", device: "gpu" } as Record<string, string> as { backend: "cpu"; device: "cpu" };
  await assert.rejects(runQat({ backend: bad.backend }), {
    message: 'Cannot use --backend "torch": needed is one of auto, onnxruntime, tensorflow, cpu',
  });
  await assert.rejects(runQat({ device: bad.device }), {
    message: 'Cannot use --device "gpu": needed is one of cpu, webgpu, cuda, coreml (did you mean "cpu"?)',
  });
});

Deno.test("inTrainingArithmetic() computes without integer kernels for a while, where they are used at all", async () => {
  const backend = await registerBackend();
  const device = { asked: "cpu", ran: "cpu" } as const;
  // Sessions that were made with other kernels are forgotten.
  const sessionsAfter = () => {
    tf.tidy(() => tf.add(tf.tensor1d([1, 2]), 1).dataSync());
    return backend.stats().sessions;
  };
  const before = sessionsAfter();
  assert.ok(before > 0);
  const within = await inTrainingArithmetic({ backend: "onnxruntime", device }, () => {
    const { sessions } = backend.stats();
    return Promise.resolve([sessions, sessionsAfter()]);
  });
  assert.deepEqual(within, [0, 1]);
  assert.equal(backend.stats().sessions, 0);
  sessionsAfter();
  const failing = inTrainingArithmetic({ backend: "onnxruntime", device }, () => Promise.reject(new Error("no")));
  await assert.rejects(failing, /^Error: no$/);
  sessionsAfter();
  const never = () => Promise.reject(new Error("it is so anyway"));
  assert.equal(await inTrainingArithmetic({ backend: "cpu", device }, never), undefined);
  const gpu = { asked: "webgpu", ran: "webgpu" } as const;
  assert.equal(await inTrainingArithmetic({ backend: "onnxruntime", device: gpu }, never), undefined);
  assert.equal(backend.stats().sessions, 1);
});

Deno.test("reportDevice() runs nothing to know of the cpu", () => {
  assert.deepEqual(reportDevice({ asked: "cpu", ran: "cpu" }, Uint8Array.of()), { asked: "cpu", ran: "cpu" });
});

Deno.test("reportDevice() counts operators by what runs them, where a GPU can be had", {
  // Needs a GPU, or a Vulkan driver in software: on the cpu alone there is nothing to tell apart.
  ignore: chooseDevice("webgpu").ran !== "webgpu",
}, () => {
  const b = new GraphBuilder();
  const x = b.input("float32", [4], "x");
  // Of float64 no GPU's provider has an addition.
  const wide = b.node("Cast", [b.node("Sqrt", [x])], { to: 11 });
  const bytes = encodeModel(b.build("test", [b.node("Add", [wide, wide]).name]));
  const { ran, operators } = reportDevice(chooseDevice("webgpu"), bytes);
  assert.equal(ran, "webgpu");
  assert.ok(operators!.WebGpuExecutionProvider >= 1 && operators!.CPUExecutionProvider >= 1, JSON.stringify(operators));
});

Deno.test("countOperators() calls a device that ran nothing the cpu", () => {
  const choice = { asked: "cuda", ran: "cuda" } as const;
  const operators = { CUDAExecutionProvider: 1, CPUExecutionProvider: 20 };
  assert.deepEqual(countOperators(choice, operators), { ...choice, operators });
  assert.deepEqual(countOperators(choice, { CPUExecutionProvider: 20 }), {
    asked: "cuda",
    ran: "cpu",
    because: "ONNX Runtime gave it none of the int8 model's operators",
  });
});
