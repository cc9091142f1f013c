/** What the backend is told: how it is made, and what it traces. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Device } from "./device.ts";
import type { PlanStats } from "./_plan_cache.ts";

/** What a backend is made with; all of it can be changed later. */
export interface BackendOptions {
  /** Threads inside one operator. Default: ONNX Runtime's choice, the number of physical cores. */
  readonly threads?: number;
  /** Where ONNX Runtime runs; where it cannot, the CPU is used, and `onWarning` is told. Default "cpu". */
  readonly device?: Device;
  /** Called with one line if the device of the same call cannot be used. */
  readonly onWarning?: (line: string) => void;
  /** Sessions kept alive for graphs that may come again. Default 32. */
  readonly maxSessions?: number;
  /** Prefix of the profiles that ONNX Runtime writes, one a session, when the backend is disposed. Default: none. */
  readonly profilePrefix?: string;
  /** A recording with no read for this many nodes is run all the same, to bound memory. Default 50,000. */
  readonly maxPendingNodes?: number;
  /**
   * Whether what is computed without gradients, between grids, has the arithmetic of the integer kernels that ONNX Runtime
   * makes of it in the exported file (docs/quantization.md, section 9), or that of float operators, as training has. On the
   * CPU only. Default: true.
   */
  readonly integerKernels?: boolean;
  /** Whether each pass over a recording is held to its word, which takes longer than the passes do. Default: false. */
  readonly debug?: boolean;
}

/** What the backend did so far. */
export interface BackendStats extends PlanStats {
  /** Runs of sessions. */
  readonly runs: number;
  /** Runs of steps that were not recorded again. */
  readonly repeats: number;
  /** Time in ONNX Runtime. */
  readonly runMs: number;
}

/** An input of a traced graph. */
export interface TraceInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

/** How a graph is traced. */
export interface TraceOptions {
  /** Names the initializer made of a tensor, by its data id. */
  readonly nameOf?: (dataId: object) => string | undefined;
}
