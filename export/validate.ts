/** The proof: the exported files against the model that was trained, in the runtime that will run them. */
import type { Device, SessionOptions } from "../src/runtime/session.ts";
import type { Answers } from "../models/answers.ts";
import { AnswersJoin, type Keeping } from "../models/join_answers.ts";
import { keepingOf } from "../tasks/keeping.ts";
import type { BoundTask, TaskAgreement } from "../tasks/task.ts";
import { type Agreement, compareAnswers, type GridAgreement, type OutputAgreement } from "./agreement.ts";
import { DeployedModel, type Samples } from "./deployed.ts";
import { compareLastGrids, type LastGrids, otherFusion } from "./last_grids.ts";
import { atOnce, type Steps } from "../src/events.ts";
import { comparingLatency, type LatencyOptions, type Percentiles, timeDecoding } from "./latency.ts";
import type { OnnxModel } from "./to_onnx.ts";
import { type Fusion, type KnownFloat, verifyFusion } from "./verify.ts";
import { measuringWork, type OfBoth, type Work } from "./work.ts";

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
  /** What else is compared of outputs that are on no grid: see `lastGridsOf`. */
  readonly lastGrids?: LastGridsProof;
  /** Says when answers come to the same, and what is made of them. */
  readonly task?: Pick<BoundTask, "heads" | "agreement" | "decode">;
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

/** The last grids before outputs that are on none, simulated and in a file. */
export interface LastGridsProof extends Pick<LastGrids, "before"> {
  /** The file of `LastGrids.whole`. */
  readonly file: OnnxModel;
  /** What `LastGrids.model` answered to the samples of the first batches. */
  readonly simulated: Answers;
  /** How many batches these are. Default: all. */
  readonly batches?: number;
}

/** What was found. */
export interface Validation {
  /** What the deployed model answered. */
  readonly deployed: Answers;
  readonly agreement: Agreement;
  /** How often both come to the same by what the task is after; absent where it says no more than that. */
  readonly taskAgreement?: TaskAgreement;
  /** Why last grids were not compared: in what the file that shows them runs otherwise than the deployed one. */
  readonly notShown?: string;
  readonly latencyMs: {
    readonly float: Percentiles;
    readonly deployed: Percentiles;
    readonly batch: number;
    /** Threads of each session. */
    readonly threads: number;
    /** Of what the task makes of the deployed model's answer to one sample; absent: nothing. */
    readonly decoding?: Percentiles;
    /** See `LatencyComparison`. */
    readonly unsteady?: string;
  };
  /** What else runs take, on as many samples. */
  readonly work: Work & {
    /** CPU time of the process, user and system, in ms a run, with as many threads as runs are timed with. */
    readonly cpuMs: OfBoth;
  };
  readonly bytes: { readonly float: number; readonly deployed: number };
  readonly fusion: Fusion;
}

/**
 * Runs the exported model on `batches` in ONNX Runtime and compares it with the simulation: answers, codes, speed, size,
 * and which operators really run on integers.
 *
 * @throws {TypeError} If the deployed model has other outputs or gives another number of values than the simulation.
 */
export function validate(options: ValidateOptions): Validation {
  return atOnce(validating(options));
}

/** Does what `validate` does in steps of a batch or a turn of runs, between which events can be handled. */
export function* validating(options: ValidateOptions): Steps<Validation> {
  const { int8, float, device = "cpu", int8Activations = false, lastGrids } = options;
  const latency = { batch: batchOf(int8), threads: navigator.hardwareConcurrency, ...options.latency };
  const { batch, threads } = latency;
  // Integer weights become float32 as the session loads: there are no integer products.
  const keepQdq = int8.precision === "weights8" || int8.precision === "weights4";
  const { precise = false } = options;
  const session = { threads, device, precise, int8Activations, keepQdq };
  const files = [int8, ...(lastGrids === undefined ? [] : [lastGrids.file])];
  const most = [Infinity, lastGrids?.batches ?? Infinity];
  const keeping = keepingOf(options.task?.heads ?? {});
  const [deployed, shown] = yield* predictEach(
    files.map(({ bytes }, i) => ({ bytes, most: most[i] })),
    options.batches,
    {
      ...session,
      keeping,
    },
  );
  const [fusion, shownFusion] = files.map((file) => verify(file, options));
  const notShown = shownFusion && otherFusion(fusion, shownFusion);
  const codes = lastGrids !== undefined && notShown === undefined
    ? compareLastGrids(lastGrids, { simulated: lastGrids.simulated, deployed: shown })
    : {};
  const running = { ...latency, device, int8Activations, keepQdq };
  const pair = [float.bytes, int8.bytes] as const;
  const { times, cpuMs, ...doubt } = yield* comparingLatency(pair, running);
  const work = yield* measuringWork(pair, running);
  const { task } = options;
  return {
    deployed,
    agreement: compareAnswers(options.simulated, deployed, task)
      .map((entry) => withLastGrids(entry, codes[entry.output])),
    ...(task?.agreement === undefined ? {} : { taskAgreement: task.agreement(options.simulated, deployed) }),
    ...(notShown === undefined ? {} : { notShown }),
    latencyMs: {
      float: times[0],
      deployed: times[1],
      batch,
      threads,
      ...(task?.decode === undefined ? {} : { decoding: timeDecoding(task.decode, deployed) }),
      ...doubt,
    },
    work: { cpuMs: { float: cpuMs[0], deployed: cpuMs[1] }, ...work },
    bytes: { float: float.bytes.length, deployed: int8.bytes.length },
    fusion,
  };
}

/** Samples that latency is measured with: as many as the file takes at once, else 1. */
function batchOf({ graph: { inputs: [input], types } }: OnnxModel): number {
  const batch = types.get(input)?.shape[0];
  return typeof batch === "number" ? batch : 1;
}

function verify(file: OnnxModel, { islands = [], int8Activations = false }: ValidateOptions) {
  const { bytes, graph, declined, precision } = file;
  return verifyFusion(bytes, graph, { islands, declined, int8Activations, precision });
}

function withLastGrids(entry: OutputAgreement, lastGrids: readonly GridAgreement[] | undefined): OutputAgreement {
  const { compared } = entry;
  return lastGrids === undefined || compared.kind === "codes"
    ? entry
    : { ...entry, compared: { ...compared, lastGrids } };
}

/** How answers are asked for. */
export interface PredictOptions extends SessionOptions {
  /** What is kept of them. Default: all. */
  readonly keeping?: Keeping;
}

/** Returns an ONNX file's answers to all samples of `batches`. */
export function predictAll(bytes: Uint8Array, batches: Iterable<Samples>, options: PredictOptions = {}): Answers {
  return atOnce(predicting(bytes, batches, options));
}

/** Does what `predictAll` does, a batch a step. */
export function* predicting(
  bytes: Uint8Array,
  batches: Iterable<Samples>,
  options: PredictOptions = {},
): Steps<Answers> {
  return (yield* predictEach([{ bytes }], batches, options))[0];
}

/** Returns the answers of each of several files to their first `most` batches, going through `batches` once. */
function* predictEach(
  files: readonly { readonly bytes: Uint8Array; readonly most?: number }[],
  batches: Iterable<Samples>,
  { keeping = {}, ...options }: PredictOptions,
): Steps<readonly Answers[]> {
  using opened = new DisposableStack();
  const models = files.map(({ bytes }) => opened.adopt(new DeployedModel(bytes, options), (model) => model.dispose()));
  const joins = models.map(() => new AnswersJoin(keeping));
  let count = 0;
  for (const batch of batches) {
    yield;
    models.forEach((model, i) => count < (files[i].most ?? Infinity) && joins[i].add(model.predict(batch)));
    count++;
  }
  return joins.map(({ answers }) => answers);
}
