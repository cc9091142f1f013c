import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../_test_support.ts";
import { runPtq } from "../ptq.ts";
import type { PtqOptions } from "../ptq_options.ts";

const QUICK = { samples: 16, precise: true, threads: 1, overwrite: true } satisfies PtqOptions;

Deno.test("runPtq() finds each range by the observer that a rule names, else by the one that is asked for", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const recipe = `${dir}/recipe.json`;
    Deno.writeTextFileSync(
      recipe,
      JSON.stringify({ rules: [{ match: { name: "conv2" }, then: { observer: "min-max" } }] }),
    );
    const rangesOf = async (options: PtqOptions) => {
      const { layers, ptq } = await runPtq({ ...QUICK, model, calibrate: "generated", out: `${dir}/out`, ...options });
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
    // Presets name the moving average, which is for training.
    assert.deepEqual((await rangesOf({ recipe: "x86", observer: "min-max" })).observers, ["min-max"]);
  }));
