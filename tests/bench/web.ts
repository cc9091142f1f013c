/**
 * How long files take in onnxruntime-web's wasm, as browsers run it, and natively: int8 beside float, one thread, by turns.
 *
 *     deno task web
 *
 * Deno's V8 is Chromium's. Weights are random, which no time depends on. A line a net: ms, float / int8, and the ratio.
 */
import process from "node:process";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { toOnnx } from "../../export/to_onnx.ts";
import { buildArchitecture } from "../../models/arch/mod.ts";
import { calibrate } from "../../quantize/calibrate.ts";
import { prepareQat } from "../../quantize/prepare.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { Session } from "../../src/runtime/session.ts";
import { randomArray, randomTensor } from "../_support/small_models.ts";

env.wasm.numThreads = 1;

/** Architectures, and the side of their pictures. */
const NETS = [["cifar_cnn", 32], ["resnet20", 32], ["mobilenet_v2", 96], ["mobilenet_v2", 224]] as const;

/** Turns of each file, and runs in each. */
const [TURNS, RUNS] = [5, 8];

type Run = () => void | Promise<unknown>;

/** Makes what runs a file once, in both builds of ONNX Runtime. */
async function runnersOf(bytes: Uint8Array, shape: readonly number[]): Promise<readonly [web: Run, native: Run]> {
  const data = randomArray(shape.reduce((a, b) => a * b, 1), 3);
  const web = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const feeds = { [web.inputNames[0]]: new Tensor("float32", data, shape) };
  const native = new Session(bytes, { threads: 1 });
  const given = { [web.inputNames[0]]: { dtype: "float32", shape, data } as const };
  return [() => web.run(feeds), () => void native.run(given)];
}

/** Processor time of each in ms, the least of several turns: what else the machine does takes turns, and caches, not time. */
async function timesOf(runs: readonly Run[]): Promise<readonly number[]> {
  const least = runs.map(() => Infinity);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [k, run] of runs.entries()) {
      await run();
      const start = process.cpuUsage();
      for (let i = 0; i < RUNS; i++) await run();
      const { user, system } = process.cpuUsage(start);
      least[k] = Math.min(least[k], (user + system) / 1000 / RUNS);
    }
  }
  return least;
}

await registerBackend();
for (const [name, side] of NETS) {
  const float = buildArchitecture(name, { inputShape: [side, side, 3], outputs: 10, head: "softmax", seed: 1 });
  const { model } = prepareQat(float);
  await calibrate(model, [randomTensor([2, side, side, 3], 1)]);
  const files = [await toOnnx(model, { precision: "float32" }), await toOnnx(model)];
  const [[webFloat, nativeFloat], [webInt8, nativeInt8]] = await Promise.all(
    files.map(({ bytes }) => runnersOf(bytes, [1, side, side, 3])),
  );
  const [a, b, c, d] = await timesOf([webFloat, webInt8, nativeFloat, nativeInt8]);
  console.log(
    `${name} ${side}²: wasm ${a.toFixed(2)} / ${b.toFixed(2)} = ${(a / b).toFixed(2)}, ` +
      `native ${c.toFixed(2)} / ${d.toFixed(2)} = ${(c / d).toFixed(2)}`,
  );
  model.dispose();
}
