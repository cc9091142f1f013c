import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { calibrate } from "../../quantize/calibrate.ts";
import { prepareQat } from "../../quantize/prepare.ts";
import { FakeQuantize } from "../../src/quant/mod.ts";
import { randomTensor } from "../../tests/_support/small_models.ts";
import { save, tinyModel, withFolder } from "../_test_support.ts";
import { runPtq } from "../ptq.ts";
import type { PtqOptions } from "../ptq_options.ts";
import { observersByQuantizer, observersIn } from "./observers.ts";

const QUICK = { samples: 16, precise: true, threads: 1, overwrite: true } satisfies PtqOptions;

Deno.test("observersByQuantizer() follows rules of the recipe, layer by layer, and the job where there is none", async () => {
  tf.env().set("PROD", true);
  const rules = [
    { match: { name: "conv2" }, then: { observer: "min-max" } },
    { match: { name: "conv" }, then: { observer: "percentile", percentile: 50 } },
  ] as const;
  const prepared = prepareQat(tinyModel(), { recipe: { rules } });
  const job = { options: { observer: "octav" } } as const;
  const by = observersByQuantizer(prepared, job);
  const found = prepared.quantizers.map(({ of, name }) => [of, by(name)]);
  const named = new Map(prepared.units.map(({ layer, end }) => [end, layer]));
  for (const [of, observer] of found) {
    const layer = named.get(of) ?? of;
    assert.equal(observer, { conv: "percentile", conv2: "min-max" }[layer] ?? "octav", `${of}, of ${layer}`);
  }
  assert.deepEqual(observersIn(prepared, job), ["octav", "percentile", "min-max"]);
  // And calibration follows it: half of what the first convolution gives is cut off, none of the second's.
  const shape = [8, ...prepared.model.inputs[0].shape.slice(1)].map((dim) => dim ?? 1);
  const x = randomTensor(shape, 5);
  const whole = prepareQat(tinyModel());
  await calibrate(whole.model, [x], { observer: "min-max", values: "float" });
  await calibrate(prepared.model, [x], { observer: by });
  const most = (model: typeof whole, layer: string) => {
    const end = model.units.find((unit) => unit.layer === layer)?.end ?? layer;
    const quantizer = model.model.getLayer(model.quantizers.find(({ of }) => of === end)!.name);
    assert.ok(quantizer instanceof FakeQuantize);
    return quantizer.readRange().max;
  };
  assert.ok(most(prepared, "conv") < 0.8 * most(whole, "conv"));
  assert.ok(Math.abs(most(prepared, "conv2") / most(whole, "conv2") - 1) < 1e-5);
});

Deno.test("runPtq() finds each range by the observer that a rule names, else by the one that is asked for", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const recipe = `${dir}/recipe.json`;
    Deno.writeTextFileSync(
      recipe,
      JSON.stringify({ rules: [{ match: { name: "conv2" }, then: { observer: "min-max" } }] }),
    );
    const rangesOf = async (options: PtqOptions) => {
      const started = performance.now();
      const { layers, ptq } = await runPtq({ ...QUICK, model, calibrate: "generated", out: `${dir}/out`, ...options });
      const { seconds } = ptq!.calibration!;
      assert.ok(seconds > 0 && seconds < (performance.now() - started) / 1000, `${seconds} s`);
      const of = (name: string) => layers?.find((layer) => layer.name === name)?.range;
      return { conv: of("conv"), conv2: of("conv2"), observers: ptq!.calibration!.observers };
    };
    const mixed = await rangesOf({ observer: "histogram", recipe });
    const all = await rangesOf({ observer: "min-max" });
    const none = await rangesOf({ observer: "histogram" });
    assert.deepEqual([mixed.observers, none.observers], [["histogram", "min-max"], ["histogram"]]);
    assert.deepEqual(mixed.conv, none.conv);
    // Alike, not equal: what min-max alone looks at is rounded.
    assert.ok(Math.abs(mixed.conv2!.max / all.conv2!.max - 1) < 0.005, `${mixed.conv2!.max} and ${all.conv2!.max}`);
    assert.notDeepEqual(mixed.conv2, none.conv2);
    const { ptq } = await runPtq({
      ...QUICK,
      model,
      calibrate: "generated",
      out: `${dir}/out`,
      observer: "auto",
      recipe,
    });
    const { trials = [], observers } = ptq!.calibration!;
    // Of two, the one that did better found all ranges for which no rule says.
    assert.deepEqual(trials.map(({ observer }) => observer).toSorted(), ["histogram", "moving-average"]);
    assert.ok(trials[0].sqnrDb > trials[1].sqnrDb);
    assert.deepEqual(observers, [trials[0].observer, "min-max"]);
    // Presets name the moving average, which is for training.
    assert.deepEqual((await rangesOf({ recipe: "x86", observer: "min-max" })).observers, ["min-max"]);
  }));
