/**
 * Built-in architectures of photographs, detectors and maps, small, from weights to int8 file: which operators ONNX Runtime
 * makes of it, and that it answers as the simulation does.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { ARCH_NAMES, ARCHITECTURES, type ArchName, type ArchOptions, buildArchitecture } from "../models/arch/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { runExported } from "../export/_test_support.ts";
import { predict, randomTensor } from "./_support/small_models.ts";
import { withoutDraws } from "./_support/without_draws.ts";

/** A net, and what is claimed of its file. */
interface Claim {
  readonly side: number;
  readonly head?: ArchOptions["head"];
  /** Operators on integers, how many there are of each. */
  readonly int8: Readonly<Record<string, number>>;
  /** Layers in float. Default: none. */
  readonly float?: readonly string[];
}

const NETS: Readonly<Partial<Record<ArchName, Claim>>> = {
  // The heads are products without a grid behind them: QGemm.
  yolov3_tiny: {
    side: 64,
    head: "boxes",
    int8: { QLinearConv: 11, QGemm: 2, QLinearConcat: 1, Resize: 1, MaxPool: 6 },
  },
  yolov3: { side: 32, head: "boxes", int8: { QLinearConv: 72, QGemm: 3, QLinearConcat: 2, Resize: 2, QLinearAdd: 23 } },
  tiny_yolov2: { side: 32, head: "boxes", int8: { QLinearConv: 8, QGemm: 1, MaxPool: 6 } },
  resnet18: { side: 32, int8: { QLinearConv: 20, QLinearAdd: 8, MaxPool: 1, QGemm: 1 } },
  shufflenet_v2: { side: 32, int8: { QLinearConv: 56, QLinearConcat: 16, QGemm: 1 } },
  shufflenet_v2_x0_5: { side: 32, int8: { QLinearConv: 56, QLinearConcat: 16, QGemm: 1 } },
  // Pools that reach beyond their pictures.
  squeezenet: { side: 32, int8: { QLinearConv: 26, QLinearConcat: 8, MaxPool: 3 } },
  // Hard-swish behind a dense layer alone stays in float: 28 of them are convolutions and products.
  mobilenet_v3_small: {
    side: 32,
    int8: { QLinearConv: 52 + 27, QLinearMul: 28, QLinearGlobalAveragePool: 6, QLinearAdd: 6, QGemm: 2 },
    float: ["hidden_gate"],
  },
  unet: { side: 16, head: "map", int8: { QLinearConv: 18, QLinearConcat: 3, Resize: 3, MaxPool: 3 } },
  unet_transposed: {
    side: 16,
    head: "map",
    int8: { QLinearConv: 15, QLinearConcat: 3 },
    float: ["up3_up", "up2_up", "up1_up"],
  },
};

for (const [name, { side, head = "softmax", int8, float = [] }] of Object.entries(NETS)) {
  Deno.test(`toOnnx() writes ${name} with all convolutions on integers, zeros before them merged`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    const original = buildArchitecture(name, { inputShape: [side, side, 3], outputs: 3, head, seed: 1 });
    const { model, islands } = prepareQat(original);
    original.dispose();
    assert.deepEqual(islands.map(({ layer }) => layer), float);
    await calibrate(model, [randomTensor([2, side, side, 3], 1)]);
    const file = await toOnnx(model);
    const { nodes } = verifyFusion(file.bytes, file.graph, { islands });
    const count = (op: string) => nodes.filter((node) => node.op === op && node.int8).length;
    assert.deepEqual(Object.fromEntries(Object.keys(int8).map((op) => [op, count(op)])), int8);
    assert.deepEqual(nodes.filter(({ op }) => op === "Conv" || op === "Pad" || op === "FusedConv"), []);
    const inputs = [randomTensor([2, side, side, 3], 9)];
    const simulated = predict(model, inputs);
    runExported(file, inputs).forEach((deployed, i) =>
      assertSame(deployed, simulated[i], stepOf(model.getLayer(model.outputNames[i])))
    );
    model.dispose();
  });
}

for (const name of ARCH_NAMES) {
  const { published, leastSide = 32 } = ARCHITECTURES[name];
  if (published === undefined) continue;
  Deno.test(`prepareQat() puts all of ${name} on grids, but for what has no kernel`, () => {
    const side = Math.max(leastSide, 32);
    const original = withoutDraws(() => buildArchitecture(name, { inputShape: [side, side, 3], outputs: 3, seed: 1 }));
    const { model, islands } = prepareQat(original);
    assert.deepEqual(islands.map(({ layer }) => layer), NETS[name]?.float ?? []);
    const unquantized = model.layers.filter((layer) => /Conv2D|Dense/.test(layer.getClassName()));
    assert.deepEqual(unquantized.map((layer) => layer.name), [], "weights that are on no grid");
    model.dispose();
    original.dispose();
  });
}

/** The step of an answer's grid, where there is one. */
function stepOf(layer: ReturnType<ReturnType<typeof buildArchitecture>["getLayer"]>): number | undefined {
  return layer instanceof FakeQuantize ? layer.readGrid().scale : undefined;
}

/** Asserts the same codes; of real numbers the same within float32's sums. */
function assertSame(deployed: ArrayLike<number>, simulated: Float32Array, step: number | undefined): void {
  const bound = step === undefined ? 1e-5 * simulated.reduce((most, x) => Math.max(most, Math.abs(x)), 0) : step / 2;
  assert.equal(deployed.length, simulated.length);
  simulated.forEach((value, i) =>
    assert.ok(Math.abs(value - deployed[i]) <= bound, `${i}: ${deployed[i]}, not ${value}`)
  );
}
