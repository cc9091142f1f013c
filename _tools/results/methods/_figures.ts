/** What is kept of a row of the table of methods. */
import type { MetricChange } from "../../../tasks/uncertainty/interval.ts";
import type { Report } from "../../../mod.ts";
import type { Origin } from "../_origin.ts";

/** A row that was run. */
export interface MethodResult extends Origin {
  readonly net: string;
  readonly row: string;
  /** As a user would type it; what is cached is in a folder of the tool's. */
  readonly command: string;
  /** Of the whole command. */
  readonly seconds: number;
  readonly figures: MethodFigures;
}

/** What a row came to. */
export interface MethodFigures {
  /** The metric's name and unit. */
  readonly metric: string;
  readonly unit: string;
  readonly count: number;
  /** The float model that the change is against. */
  readonly float: number | null;
  /** What that is: "original", or "control", which was trained on for as long. */
  readonly reference: string;
  /** The float model before any training, where the reference is another. */
  readonly original: number | null;
  /** Of the file, in the runtime; of the simulation where there is none. */
  readonly reached: number | null;
  readonly isSimulated: boolean;
  readonly change: Pick<MetricChange, "low" | "high" | "p"> | null;
  /** Of the outputs against those of the float model, in dB. */
  readonly sqnrDb: number | null;
  /** Median time of a run on one sample, in ms. */
  readonly latencyMs: { readonly float: number; readonly deployed: number; readonly unsteady: boolean } | null;
  readonly bytes: { readonly float: number; readonly deployed: number } | null;
  /** Of quantization alone, calibration and steps included; null of a trained row. */
  readonly seconds: number | null;
  /** Of a peer's file: our file's time over its, in one run. */
  readonly ours?: { readonly latencyRatio: number; readonly change: Pick<MetricChange, "low" | "high" | "p"> };
}

/** Reads the figures of a job's report. */
export function figuresOf(report: Report): MethodFigures {
  const { metrics: [metric], sqnr, floatBefore = [], latencyMs, bytes, ptq } = report;
  const valueOf = (step: string) =>
    floatBefore.find((one) => one.step === step)?.metrics.find(({ name }) => name === metric.name)?.value ?? null;
  const reference = floatBefore.find(({ isReference }) => isReference)?.step ?? "original";
  const { low, high, p } = metric.change ?? {};
  return {
    metric: metric.name,
    unit: metric.unit,
    count: metric.count,
    float: metric.float,
    reference,
    original: valueOf("original"),
    reached: metric.deployed ?? metric.simulated ?? null,
    isSimulated: metric.deployed === undefined,
    change: low === undefined || high === undefined || p === undefined ? null : { low, high, p },
    sqnrDb: sqnr?.[0]?.deployed ?? sqnr?.[0]?.simulated ?? null,
    latencyMs: latencyMs === undefined ? null : {
      float: latencyMs.float.p50,
      deployed: latencyMs.deployed.p50,
      unsteady: latencyMs.unsteady !== undefined,
    },
    bytes: bytes ?? null,
    seconds: ptq?.seconds ?? null,
  };
}

/** Times of our int8 files against those of ONNX Runtime's quantizer, of nets with random weights. */
export interface Speed extends Origin {
  readonly nets: Readonly<Record<string, SpeedFigures>>;
}

/** Median times of a run, in ms, and the median of the ratios of paired rounds. */
export interface SpeedFigures {
  readonly oursMs: number;
  readonly peerMs: number;
  /** Ours over the peer's. */
  readonly ratio: number;
}
