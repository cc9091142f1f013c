/** Searches the fewest layers to keep in float for a wished quality, and times each choice. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { compareLatency } from "../export/latency.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { searchKept } from "../debug/search.ts";
import { keepInFloat } from "../quantize/keep_float.ts";
import type { NamedBatch } from "../quantize/calibrate.ts";
import { ENOUGH_SAMPLES } from "../report/debug_words.ts";
import type { KeepChoice, KeepReport, PartFacts } from "../report/debug_schema.ts";
import { setQatPhase } from "../src/quant/mod.ts";
import { formatMetric, type MetricValue } from "../tasks/task.ts";
import { type Job, judge, pauseOf, writingOf } from "./_job.ts";
import { threadsOf } from "./_prove.ts";

/** What is searched in. */
export interface FloatSearch {
  readonly job: Job;
  /** In percentage points of a fraction, else in the metric's unit. */
  readonly tolerance: number;
  /** The worst first. */
  readonly candidates: readonly PartFacts[];
  /** Samples that give ranges where grids are new. */
  readonly batches: () => Iterable<NamedBatch>;
}

/** Searches among layers of a prepared model, whose files are timed beside its float file. */
export async function searchFloat(
  model: tfl.LayersModel,
  { job, tolerance, candidates, batches }: FloatSearch,
): Promise<KeepReport> {
  const float = await firstMetric(model, { job, quantized: false });
  const metric = { name: float.name, unit: float.unit, better: float.better, ...basisOf(job) };
  if (metric.count < ENOUGH_SAMPLES) {
    job.log(
      `Warning: --keep-float auto:${tolerance} chooses by ${metric.count} ${metric.part} ${
        metric.count === 1 ? "sample" : "samples"
      }, at least ${ENOUGH_SAMPLES} are needed to tell choices apart: more data, or a larger --limit.`,
    );
  }
  // A target has both files or none.
  const floatFile = job.quantization.target.file && await bytesOf(model, { job, precision: "float32" });
  const attempt = async (layers: readonly string[]): Promise<KeepChoice & Timed> => {
    await pauseOf(job);
    const { model: kept } = await keepInFloat(model, { layers, batches: batches() });
    try {
      const { value } = await firstMetric(kept, { job, quantized: true });
      job.log(
        `  ${layers.length === 0 ? "nothing" : layers.join(", ")} in float: ${float.name} ${
          formatMetric(value, float)
        }`,
      );
      return { layers, value, ...(floatFile === undefined ? {} : await timed(kept, { job, floatFile })) };
    } finally {
      kept.dispose();
    }
  };
  const weighted = candidates.filter(({ weights, output }) => weights !== undefined || output !== undefined);
  const { choices, best } = await searchKept({
    candidates: weighted.filter(({ className }) => className !== "InputLayer").map(({ layer }) => layer),
    attempt,
    isEnough: ({ value }) => lossOf(float, value) <= tolerance + 1e-9,
  });
  const times = choices.flatMap(({ result: { floatMs } }) => floatMs ?? []);
  return {
    metric,
    float: float.value,
    tolerance,
    choices: choices.map(({ result: { floatMs: _, ...choice } }) => choice),
    ...(best === undefined ? {} : { best: choices.indexOf(best) }),
    ...(times.length === 0 ? {} : { floatMs: times[0] }),
  };
}

/** Times of the float file in the same turns. */
type Timed = Pick<KeepReport, "floatMs">;

type Judged = Pick<MetricValue, "name" | "value" | "unit" | "better">;

/** The samples that choices are judged by. */
function basisOf({ data: { validation, test } }: Job): Pick<KeepReport["metric"], "part" | "count"> {
  return validation === undefined
    ? { part: "test", count: test.count }
    : { part: "validation", count: validation.count };
}

async function firstMetric(
  model: tfl.LayersModel,
  { job, quantized }: { readonly job: Job; readonly quantized: boolean },
): Promise<Judged> {
  setQatPhase(model, { fakeQuantizing: quantized });
  try {
    const { part: by } = basisOf(job);
    const [{ name, value, unit, better }] = (await judge(model, { job, by })).metrics;
    return { name, value, unit, better };
  } finally {
    setQatPhase(model, { fakeQuantizing: true });
  }
}

/** How much worse `value` is than float, in percentage points of a fraction, else in the metric's unit. */
function lossOf({ value: float, unit, better }: Judged, value: number | null): number {
  const loss = (float - (value ?? NaN)) * (better === "higher" ? 1 : -1) * (unit === "fraction" ? 100 : 1);
  return Number.isNaN(loss) ? Infinity : loss;
}

async function timed(
  model: tfl.LayersModel,
  { job, floatFile }: { readonly job: Job; readonly floatFile: Uint8Array },
): Promise<Pick<KeepChoice, "latencyMs" | "bytes"> & Timed> {
  const file = await bytesOf(model, { job, precision: "int8" });
  const session = job.quantization.target.file?.session;
  const { times: [latencyMs, floatMs] } = compareLatency([file, floatFile], {
    ...session,
    ...threadsOf(job),
    runs: 50,
  });
  return { latencyMs, floatMs, bytes: file.length };
}

async function bytesOf(
  model: tfl.LayersModel,
  { job, precision }: { readonly job: Job; readonly precision: "int8" | "float32" },
): Promise<Uint8Array> {
  return (await toOnnx(model, { ...writingOf(job), precision })).bytes;
}
