/** What a report says of the cost of a run: time, CPU time, energy. */
import type { Percentiles } from "../export/latency.ts";
import type { OfBoth } from "../export/work.ts";

export type { OfBoth, Percentiles };

/** Time of one warm run in ONNX Runtime. */
export interface LatencyReport {
  /** Of model.float.onnx. */
  readonly float: Percentiles;
  /** Of the file that is deployed. */
  readonly deployed: Percentiles;
  /** Samples a run. */
  readonly batch: number;
  /** Threads that ONNX Runtime was given. */
  readonly threads: number;
  /**
   * Of what the task makes of the deployed file's answer to one sample, such as boxes; not within the times above. Absent
   * where answers are read as they are.
   */
  readonly decoding?: Percentiles;
  /** What betrays that the machine did something else meanwhile, so that the times say little; absent: nothing does. */
  readonly unsteady?: string;
}

/** What a run takes of the machine besides time, on as many samples as the runs of `LatencyReport`. */
export interface WorkReport {
  /** CPU time of the process, user and system, in ms a run, with as many threads as `LatencyReport` has. */
  readonly cpuMs: OfBoth;
  /** The same on one thread. */
  readonly singleCpuMs: OfBoth;
  /** Energy that all packages of the processor used meanwhile, in joules a run; absent where nobody can tell. */
  readonly joules?: OfBoth;
  /** Why nobody can tell. */
  readonly noJoules?: string;
}
