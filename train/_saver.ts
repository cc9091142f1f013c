/** Writes the state of a training, and reads it back. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { PlanMemory } from "../src/backend/mod.ts";
import { CheckpointError, OutputError } from "../src/io/errors.ts";
import { writeJson } from "../src/io/json.ts";
import { type Snapshot, Snapshots } from "../src/io/snapshots.ts";
import type { BestWeights } from "./_best_weights.ts";
import type { WeightAverage } from "./_weight_average.ts";
import type { EpochLogState, EpochRecord } from "./_epoch_log.ts";
import { readOptimizer, restoreOptimizer } from "./_optimizer_state.ts";
import { engineHistory, type NamedTensor, packTensors, type TensorInfo, unpackTensor } from "./_tensor_blobs.ts";
import { CHECKPOINT_MINUTES, type CheckpointOptions, type CheckpointPlace } from "./checkpoint.ts";
import type { StepPosition } from "./schedule.ts";

/** How far a training has come: plain data that changes with it. */
export interface Progress {
  /** Epochs completed. */
  epoch: number;
  /** The epoch under way; undefined between epochs. */
  log?: { readonly state: EpochLogState };
  /** The step taken last. */
  last?: StepPosition;
  readonly records: EpochRecord[];
  /** Of completed epochs. */
  samples: number;
  /** Time spent in completed epochs, callbacks after them not included. */
  elapsedMs: number;
  /** Of all steps, in ms. */
  stepTimes: number[];
  peakRssMb: number;
  isFinished: boolean;
}

/** What is saved and restored. */
interface Parts {
  readonly model: tfl.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly best: BestWeights;
  /** Absent where weights are not averaged. */
  readonly average: WeightAverage | undefined;
  readonly progress: Progress;
}

/** What must be as it was. */
type Identity = Readonly<Record<string, string | number>>;

/** A state without its bytes. */
interface State {
  readonly identity: Identity;
  readonly progress: Omit<Progress, "stepTimes">;
  readonly tensors: readonly TensorInfo[];
  readonly optimizer: Readonly<Record<string, number>>;
  readonly best?: { readonly score: number; readonly epoch: number };
  readonly engine?: PlanMemory;
  readonly own?: unknown;
}

/** Keeps the newest state of one training. */
export class Saver {
  readonly #snapshots: Snapshots;
  readonly #waitMs: number;
  #wroteAt = performance.now();

  private constructor(
    private readonly options: CheckpointOptions,
    private readonly parts: Parts,
    private readonly identity: Identity,
  ) {
    this.#waitMs = 60_000 * (options.minutes ?? CHECKPOINT_MINUTES);
    this.#snapshots = Snapshots.open(options.dir);
  }

  /**
   * Opens the folder and, if it holds a state, restores it.
   *
   * @param given What the training is of, besides model and optimizer; a state of another is refused.
   * @throws {CheckpointError} If the state is damaged, or of another training.
   * @throws {OutputError} If the folder cannot be written to.
   * @throws {TypeError} If the optimizer's state cannot be saved.
   */
  static async open(options: CheckpointOptions, parts: Parts, given: Identity): Promise<Saver> {
    const { minutes } = options;
    if (minutes !== undefined && !(minutes > 0)) {
      throw new RangeError(`Cannot write checkpoints: minutes are ${minutes}, needed is a number above 0`);
    }
    tf.dispose([...(await readOptimizer(parts.optimizer)).made]); // an error now is better than one after hours
    const saver = new Saver(options, parts, { ...given, ...identityOf(parts) });
    try {
      await saver.#restore();
      return saver;
    } catch (error) {
      saver.close();
      throw error;
    }
  }

  /** Whether so much time has passed that a state is to be written. */
  get isDue(): boolean {
    return performance.now() - this.#wroteAt >= this.#waitMs;
  }

  /**
   * Writes the state.
   *
   * @param engine What the engine had seen, where that is not what it has seen now.
   */
  async write(engine: PlanMemory | undefined = engineHistory()?.read()): Promise<void> {
    const start = performance.now();
    try {
      const bytes = this.#snapshots.write(await this.#snapshot(engine));
      this.options.onWrite?.({ ...placeOf(this.parts.progress), bytes, ms: performance.now() - start });
    } catch (error) {
      if (!(error instanceof OutputError) || this.options.onFailure === undefined) throw error;
      this.options.onFailure(error);
    }
    this.#wroteAt = performance.now();
  }

  /** Lets another process go on. */
  close(): void {
    this.#snapshots.close();
  }

  async #snapshot(engine: PlanMemory | undefined): Promise<Snapshot> {
    const { model, optimizer, best, average, progress: { stepTimes, log, ...progress } } = this.parts;
    const { tensors, numbers, made } = await readOptimizer(optimizer);
    const { infos, blobs } = await packTensors([
      ...numbered("weight", model.weights.map((weight) => weight.read())),
      ...tensors.map((entry) => ({ ...entry, name: `optimizer/${entry.name}` })),
      ...numbered("best", progress.isFinished ? [] : best.kept?.values ?? []),
      ...numbered("average", progress.isFinished ? [] : average?.state ?? []),
    ]);
    tf.dispose([...made]);
    const kept = best.kept;
    const state: State = {
      identity: this.identity,
      progress: { ...progress, ...(log === undefined ? {} : { log: { state: log.state } }) },
      tensors: infos,
      optimizer: numbers,
      ...(kept === undefined ? {} : { best: { score: kept.score, epoch: kept.epoch } }),
      ...(engine === undefined ? {} : { engine }),
      ...(this.options.own === undefined ? {} : { own: this.options.own.save() }),
    };
    return { state, blobs: { ...blobs, stepTimes: new Uint8Array(Float64Array.from(stepTimes).buffer) } };
  }

  async #restore(): Promise<void> {
    const snapshot = this.#snapshots.read();
    if (snapshot === undefined) return;
    // Its hash says that we wrote it, its version that it is of this form.
    const state = snapshot.state as State;
    refuseOther(this.options.dir, state.identity, this.identity);
    const { model, optimizer, best, average, progress } = this.parts;
    const all = state.tensors.map((info) => ({ info, tensor: unpackTensor(info, snapshot.blobs) }));
    const under = (kind: string) => all.filter(({ info }) => info.name.startsWith(`${kind}/`));
    under("weight").forEach(({ tensor }, i) => assign(model.weights[i], tensor));
    await restoreOptimizer(optimizer, {
      made: [],
      tensors: under("optimizer").map(({ info, tensor }) => ({ ...info, name: info.name.slice(10), tensor })),
      numbers: state.optimizer,
    });
    if (state.best !== undefined) best.adopt({ ...state.best, values: under("best").map(({ tensor }) => tensor) });
    if (!state.progress.isFinished) average?.restore(under("average").map(({ tensor }) => tensor));
    const passed = ["weight", "optimizer", "average"].flatMap(under);
    tf.dispose(passed.map(({ tensor }) => tensor));
    if (state.engine !== undefined) engineHistory()?.restore(state.engine);
    this.options.own?.restore(state.own);
    Object.assign(progress, state.progress, { stepTimes: [...new Float64Array(snapshot.blobs.stepTimes.buffer)] });
    this.options.onResume?.(placeOf(progress));
  }
}

function placeOf({ epoch, log, isFinished }: Progress): CheckpointPlace {
  return { epochs: epoch, steps: log?.state.times.length ?? 0, isFinished };
}

function numbered(kind: string, tensors: readonly tf.Tensor[]): readonly NamedTensor[] {
  return tensors.map((tensor, i) => ({ name: `${kind}/${i}`, tensor }));
}

/** Not by `write`, which applies the weight's constraint once more. */
function assign(weight: tfl.LayerVariable, tensor: tf.Tensor): void {
  const variable = weight.read();
  if (variable instanceof tf.Variable) variable.assign(tensor);
  else weight.write(tensor);
}

/** Names of layers and variables may differ from process to process; shapes do not. */
function identityOf({ model, optimizer }: Parts): Identity {
  const { learningRate: _, ...config } = optimizer.getConfig();
  const shapes = model.weights.map((weight) => `${weight.dtype}[${weight.shape}]`);
  return {
    optimizer: `${optimizer.getClassName()} ${writeJson(config)}`,
    weights: shapes.join(" "),
    backend: tf.getBackend(),
  };
}

/** @throws {CheckpointError} If the state is of a training that was told something else. */
function refuseOther(dir: string, before: Identity, now: Identity): void {
  for (const name of new Set([...Object.keys(now), ...Object.keys(before)])) {
    if (before[name] === now[name]) continue;
    const what = name === "weights"
      ? "its model has other weights"
      : `its training had the ${name} ${before[name] ?? "none"}, this one has ${now[name] ?? "none"}`;
    throw new CheckpointError(`Cannot go on from "${dir}": ${what}`);
  }
}
