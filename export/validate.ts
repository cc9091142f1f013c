/** The proof: the exported files against the model that was trained, in the runtime that will run them. */
import type { Device, SessionOptions } from "../src/runtime/session.ts";
import { type Answers, joinAnswers } from "../models/answers.ts";
import type { BoundTask } from "../tasks/task.ts";
import { type Agreement, compareAnswers } from "./agreement.ts";
import { DeployedModel, type Samples } from "./deployed.ts";
import { compareLatency, type LatencyOptions, type Percentiles } from "./latency.ts";
import type { OnnxModel } from "./to_onnx.ts";
import { type Fusion, type KnownFloat, verifyFusion } from "./verify.ts";

/** What is validated, and against what. */
export interface ValidateOptions {
  /** The int8 model that is deployed. */
  readonly int8: OnnxModel;
  /** The float model of the same weights. */
  readonly float: OnnxModel;
  /** Samples to answer, in batches, as the file's inputs want them. */
  readonly batches: Iterable<Samples>;
  /** What the trained model itself answered to the same samples, in the same order. */
  readonly simulated: Answers;
  /** Says when two answers come to the same. */
  readonly task?: Pick<BoundTask, "heads">;
  /** Layers that were left in float on purpose, and why. */
  readonly islands?: readonly KnownFloat[];
  /** Where the files run. Default "cpu". */
  readonly device?: Device;
  /** Whether answers come from exact int8 kernels, see `SessionOptions`; latency does not. Default false. */
  readonly precise?: boolean;
  /** As `SessionOptions` has it: how files for ARM run on x86. Default false. */
  readonly int8Activations?: boolean;
  /** How latency is measured. Threads default to the machine's hardware threads. */
  readonly latency?: Omit<LatencyOptions, "device" | "int8Activations">;
}

/** What was found. */
export interface Validation {
  /** What the deployed model answered. */
  readonly deployed: Answers;
  readonly agreement: Agreement;
  readonly latencyMs: {
    readonly float: Percentiles;
    readonly int8: Percentiles;
    readonly batch: number;
    /** Threads of each session. */
    readonly threads: number;
  };
  readonly bytes: { readonly float: number; readonly int8: number };
  readonly fusion: Fusion;
}

/**
 * Runs the exported model on `batches` in ONNX Runtime and compares it with the simulation: answers, codes, speed, size,
 * and which operators really run on integers.
 *
 * @throws {TypeError} If the deployed model has other outputs or gives another number of values than the simulation.
 */
export function validate(options: ValidateOptions): Validation {
  const { int8, float, islands = [], device = "cpu", precise = false, int8Activations = false } = options;
  const latency = { batch: 1, threads: navigator.hardwareConcurrency, ...options.latency };
  const { batch, threads } = latency;
  const deployed = predictAll(int8.bytes, options.batches, { threads, device, precise, int8Activations });
  const agreement = compareAnswers(options.simulated, deployed, options.task);
  const [floatMs, int8Ms] = compareLatency([float.bytes, int8.bytes], { ...latency, device, int8Activations });
  return {
    deployed,
    agreement,
    latencyMs: { float: floatMs, int8: int8Ms, batch, threads },
    bytes: { float: float.bytes.length, int8: int8.bytes.length },
    fusion: verifyFusion(int8.bytes, int8.graph, { islands, declined: int8.declined, int8Activations }),
  };
}

/** Returns an ONNX file's answers to all samples of `batches`. */
export function predictAll(bytes: Uint8Array, batches: Iterable<Samples>, options: SessionOptions = {}): Answers {
  const model = new DeployedModel(bytes, options);
  try {
    return joinAnswers(Array.from(batches, (batch) => model.predict(batch)));
  } finally {
    model.dispose();
  }
}
