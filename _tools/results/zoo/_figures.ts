/** What is kept of an architecture. */
import type { Report } from "../../../mod.ts";
import type { Origin } from "../_origin.ts";

/** What the files of an architecture are. */
export interface FileFigures {
  readonly parameters: number;
  readonly trainable: number;
  readonly bytes: { readonly float: number; readonly int8: number };
  /** Median times of a run on one sample, in ms; null where the machine did something else meanwhile. */
  readonly latencyMs: { readonly float: number; readonly int8: number } | null;
  /** Operators that compute on integers, by name. */
  readonly int8: Readonly<Record<string, number>>;
  /** Operators that compute in float, by name, and why; as many as there are of each. */
  readonly float: readonly { readonly op: string; readonly because: string; readonly count: number }[];
}

/** What a step of quantization-aware training takes. */
export interface StepFigures {
  readonly batch: number;
  /** Median, in ms; null where the machine did something else meanwhile. */
  readonly stepMs: number | null;
  /** The most that the process had in memory, in MB of 2^20 bytes. */
  readonly peakMb: number;
}

/** What a short training, or quantization without training, came to. */
export interface TrainedFigures {
  readonly command: string;
  readonly metric: { readonly name: string; readonly unit: string; readonly better: "higher" | "lower" };
  readonly float: number | null;
  readonly int8: number | null;
  /** Share of samples that the simulated model and the file answer alike; null where nobody can say. */
  readonly alike: number | null;
  /** Signal to noise of the file against the float model, in dB; null where it was not measured. */
  readonly sqnrDb: number | null;
}

/** The parts of a row, each measured by itself. */
export interface ZooParts {
  readonly file: FileFigures;
  readonly step: StepFigures;
  readonly qat: TrainedFigures;
  readonly static: TrainedFigures;
}

/** Name of a part. */
export type PartName = keyof ZooParts;

/** A part of a row that was measured. */
export type ZooResult = { [Part in PartName]: ZooResultOf<Part> }[PartName];

/** A part of a row of one kind. */
export interface ZooResultOf<Part extends PartName> extends Origin {
  readonly arch: string;
  readonly part: Part;
  readonly seconds: number;
  readonly figures: ZooParts[Part];
}

/** Returns what was measured of a part of an architecture; undefined where it was not. */
export function partOf<Part extends PartName>(
  results: readonly ZooResult[],
  arch: string,
  part: Part,
): ZooResultOf<Part> | undefined {
  const isIt = (result: ZooResult): result is Extract<ZooResult, { part: Part }> =>
    result.arch === arch && result.part === part;
  // A result of a part is what is kept of that part.
  return results.find(isIt) as ZooResultOf<Part> | undefined;
}

/** Reads what the job in `dir` came to. */
export async function trainedFigures(dir: string, command: string): Promise<TrainedFigures> {
  const report: Report = JSON.parse(await Deno.readTextFile(`${dir}/report.json`));
  const [{ name, unit, better, float, deployed, simulated }] = report.metrics;
  return {
    command,
    metric: { name, unit, better },
    float,
    int8: deployed ?? simulated ?? null,
    alike: report.agreement?.[0]?.alike ?? null,
    sqnrDb: report.sqnr?.[0]?.deployed ?? null,
  };
}
