/** Every job with tasks of all kinds: metrics that are better when lower, and models of several outputs. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { attachDetection } from "../models/detection.ts";
import { type ChooseReport, isTried } from "../report/choose_schema.ts";
import type { Report } from "../report/schema.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { apply, randomArray, seedWeights } from "../tests/_support/small_models.ts";
import { save, withFolder } from "./_test_support.ts";
import { chooseQuantization } from "./choose.ts";
import { debugModel } from "./debug.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";

const { layers } = tfl;

/** A model, and what it is to learn. */
interface Case {
  readonly model: () => tfl.LayersModel;
  readonly data: (dir: string) => string;
  readonly task: string;
  /** Names of outputs, where they have to be named. */
  readonly outputs?: readonly string[];
  /** The outputs that a report speaks of. */
  readonly judged: readonly string[];
  readonly better: "higher" | "lower";
  /** What sections of pictures show. */
  readonly pictures: readonly string[];
}

/** Convolutions that halve the sides, each with as many filters. */
function convolutions(x: tfl.SymbolicTensor, filters: readonly number[]): tfl.SymbolicTensor {
  return filters.reduce(
    (y, count, i) =>
      apply(
        layers.conv2d({
          filters: count,
          kernelSize: 3,
          strides: 2,
          padding: "same",
          activation: "relu",
          name: `${x.name.split("/")[0]}_${i}`,
        }),
        y,
      ),
    x,
  );
}

function pictures(side: number): tfl.SymbolicTensor {
  return tfl.input({ shape: [side, side, 3], name: "image" });
}

const CASES: Readonly<Record<string, Case>> = {
  "errors of two outputs": {
    task: "regression",
    outputs: ["near", "far"],
    judged: ["near", "far"],
    better: "lower",
    pictures: [],
    model: () => {
      const input = tfl.input({ shape: [2], name: "numbers" });
      const hidden = apply(layers.dense({ units: 8, activation: "relu", name: "hidden" }), input);
      const outputs = [1, 2].map((units) => apply(layers.dense({ units, name: units === 1 ? "near" : "far" }), hidden));
      return tfl.model({ inputs: input, outputs, name: "two" });
    },
    data: (dir) => {
      const numbers = randomArray(120, 5);
      const lines = Array.from({ length: 60 }, (_, i) => {
        const [a, b] = [100 * numbers[2 * i], numbers[2 * i + 1]];
        return [a, b, b, a / 100, b / 2].join();
      });
      Deno.writeTextFileSync(`${dir}/t.csv`, ["a,b,y1,y2,y3", ...lines].join("\n"));
      return `csv:${dir}/t.csv`;
    },
  },
  "points of faces": {
    task: "landmarks",
    judged: ["points"],
    better: "lower",
    pictures: ["truth", "float", "int8"],
    model: () => {
      const input = pictures(32);
      const flat = apply(layers.flatten({ name: "flat" }), convolutions(input, [4, 8, 8]));
      return tfl.model({
        inputs: input,
        outputs: apply(layers.dense({ units: 44, name: "points" }), flat),
        name: "face",
      });
    },
    data: () => "generated:faces",
  },
  "boxes of two outputs": {
    task: "detection",
    judged: ["boxes_16"],
    better: "higher",
    pictures: ["truth", "float", "deployed"],
    model: () => {
      const input = pictures(32);
      const fine = convolutions(input, [4, 8, 8]);
      const head = (stride: number, x: tfl.SymbolicTensor) =>
        apply(layers.conv2d({ name: `boxes_${stride}`, filters: 8, kernelSize: 1 }), x);
      const outputs = [head(16, convolutions(fine, [8])), head(8, fine)];
      const model = tfl.model({ inputs: input, outputs, name: "finder" });
      attachDetection(model, { kind: "yolov3", anchors: [[[14, 14]], [[8, 8]]], classes: 3 });
      return model;
    },
    data: () => "generated:shapes",
  },
};

const SMALL = { limit: 24, threads: 1, precise: true, overwrite: true } as const;

for (const [name, { model, data, better, judged, pictures, ...chosen }] of Object.entries(CASES)) {
  Deno.test(`runQat(), runPtq(), debugModel() and chooseQuantization() work with ${name}`, () =>
    withFolder(async (dir) => {
      const given = { ...SMALL, ...chosen, data: data(dir), model: await save(seedWeights(model()), `${dir}/in`) };
      const trained = await runQat({ ...given, epochs: 1, floatEpochs: 0, batchSize: 8, out: `${dir}/qat` });
      const calibrated = await runPtq({ ...given, samples: 8, out: `${dir}/ptq` });
      for (const report of [trained, calibrated]) {
        assertFitsSchema(report, []);
        assert.deepEqual(report.metrics[0].better, better);
        assert.deepEqual([...new Set(report.metrics.map(({ output }) => output))], judged);
        assertShows(report, pictures);
        const { cpuMs, singleCpuMs, noJoules } = report.work!;
        for (const { float, deployed } of [cpuMs, singleCpuMs]) assert.ok(float > 0 && deployed > 0);
        assert.equal(typeof noJoules, "string");
      }
      const { keep, parts } = await debugModel({
        ...given,
        model: `${dir}/ptq`,
        samples: 8,
        keepFloat: "auto:1",
        out: `${dir}/debug`,
      });
      assert.ok(parts.length > 2 && keep?.metric.name === trained.metrics[0].name && keep.metric.better === better);
      assertChosen(await climb({ ...given, samples: 8, tolerance: 0.5, speedup: 0, out: `${dir}/choose` }), better);
    }));
}

/** Asserts which models are seen in pictures, and that a task that counts its answers says how often they are alike. */
function assertShows({ sections = [], taskAgreement, latencyMs, task }: Report, names: readonly string[]): void {
  const panels = sections.flatMap((section) => section.kind === "pictures" ? section.rows[0].panels : []);
  assert.deepEqual([...new Set(panels.map(({ name }) => name))], names);
  assert.equal(taskAgreement !== undefined, names.length > 0);
  assert.ok((taskAgreement?.same ?? 0) <= (taskAgreement?.of ?? 0));
  assert.equal(latencyMs?.decoding !== undefined, task.name === "detection");
}

/** Climbs the first rungs: weights alone, ranges at run time, and the first static ones. */
async function climb(options: Parameters<typeof chooseQuantization>[0]): Promise<ChooseReport> {
  const control = new AbortController();
  let tried = 0;
  const onRung = () => {
    if (++tried === 4) control.abort(new Error("enough"));
  };
  const ended = await chooseQuantization(options, { signal: control.signal, onRung }).catch((error: Error) => error);
  if (!(ended instanceof Error)) return ended;
  assert.equal(ended.message, "enough");
  return JSON.parse(Deno.readTextFileSync(`${options.out}/choose.json`));
}

/** Asserts that no rung counts as good enough that is not, and that the first that is ends the search. */
function assertChosen({ rungs, float, tolerance, metric, chosen }: ChooseReport, better: Case["better"]): void {
  assert.equal(metric.better, better);
  const enough = rungs.map((rung) => {
    assert.ok(isTried(rung), JSON.stringify(rung));
    const loss = (better === "lower" ? rung.value! - float! : float! - rung.value!) *
      (metric.unit === "fraction" ? 100 : 1);
    assert.equal(rung.isEnough, loss <= tolerance + 1e-9, `${rung.name}: ${rung.value} against ${float}`);
    return rung.isEnough;
  });
  assert.equal(chosen ?? -1, enough.indexOf(true));
}

Deno.test("chooseQuantization() goes on with all outputs that are named, up to training", () =>
  withFolder(async (dir) => {
    const { model, data, task, outputs, judged } = CASES["errors of two outputs"];
    const given = { ...SMALL, task, outputs, data: data(dir), model: await save(seedWeights(model()), `${dir}/in`) };
    const { rungs } = await chooseQuantization({ ...given, samples: 8, speedup: 1000, out: `${dir}/choose` });
    const last = rungs.slice(-4);
    assert.deepEqual(last.map(({ name }) => name.replace(/^.*\+/, "")), ["keep-float", "qat-1", "qat-4", "qat-8"]);
    for (const rung of last) {
      // Nothing is left out but the search of layers, and that only where there are none that would do.
      if (!isTried(rung)) assert.match(`${rung.name}: ${rung.because}`, /keep-float: .* none were found/);
      else {
        const { metrics }: Report = JSON.parse(Deno.readTextFileSync(`${dir}/choose/${rung.dir}/report.json`));
        assert.deepEqual([...new Set(metrics.map(({ output }) => output))], judged);
      }
    }
  }));
