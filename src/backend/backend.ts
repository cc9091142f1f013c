/**
 * A TF.js backend whose kernels do not compute but record.
 *
 * When a value is read, or at the end of the current task (a microtask after the first record, which in a training
 * loop is the end of the step), the recorded graph becomes an ONNX model and all tensors that are still alive come out
 * of one run. What `tf.tidy` has dropped by then never leaves ONNX Runtime.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TypedArray } from "../numbers/dtype.ts";
import type { Value } from "../onnx/writer.ts";
import type { Graph } from "../onnx/graph.ts";
import type { HostTensor } from "../runtime/session.ts";
import { type Buffer, release } from "./_buffer.ts";
import type { BackendOptions, BackendStats, TraceInput, TraceOptions } from "./options.ts";
import { DTYPES, type Entry, sameShape, toElements } from "./_entry.ts";
import { type Port, type RepeatedStep, Repeater, type RepeatHost, type RunRecord } from "./_repeat.ts";
import type { DeviceChoice } from "./device.ts";
import { feedsOf, type Plan, PlanCache } from "./_plan_cache.ts";
import { EngineHistory } from "./_history.ts";
import { Recorder } from "./_recorder.ts";
import { checkOptions, Settings } from "./_settings.ts";

/** Runs TF.js on ONNX Runtime. Made by {@linkcode registerBackend}. */
export class OnnxRuntimeBackend extends tf.KernelBackend {
  /** What it has seen so far, and what decides the last bit of results. */
  readonly history: EngineHistory;
  readonly #data: tf.DataStorage<Entry>;
  readonly #pending = new Set<Entry>();
  readonly #settings = new Settings();
  readonly #plans: PlanCache;
  readonly #fallbacks = new Map<string, number>();
  readonly #repeater = new Repeater(this.#repeatHost());
  #recorder = new Recorder();
  #tracing: TraceOptions | undefined;
  #flushScheduled = false;
  /** @internal Set by `asOneStep`. */
  isInStep = false;
  #nextId = 0;
  #complexIds = 0;
  #runs = 0;
  #runMs = 0;

  constructor(options: BackendOptions = {}) {
    super();
    this.#data = new tf.DataStorage(this, tf.engine());
    this.#plans = new PlanCache(
      this.#settings.maxSessions,
      (graph) => this.#settings.optimize(graph),
      () => this.#settings.sessionOptions(),
    );
    const bufferOf = (dataId: object) => this.#data.get(dataId)?.buffer;
    this.history = new EngineHistory({ plans: this.#plans, flush: () => this.flush(), bufferOf });
    this.change(options);
  }

  // What the engine of TF.js asks of a backend.

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = this.#newId();
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    if (dtype === "complex64") this.#complexIds++;
    this.#data.set(dataId, { dtype, refCount, buffer: { data: toElements(values, dtype), exposed: true } });
  }

  override readSync(dataId: object): tf.BackendValues {
    const { data } = this.#bufferOf(dataId, "read");
    return data as tf.BackendValues;
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override refCount(dataId: object): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: object): void {
    this.#data.get(dataId).refCount++;
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const entry = this.#data.get(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    this.#pending.delete(entry);
    this.#data.delete(dataId);
    if (entry.dtype === "complex64") this.#complexIds--;
    // A recorded node may still read the buffer: it is free once the recording has run.
    if (entry.buffer !== undefined) this.#released.push(entry);
    return true;
  }
  #released: Entry[] = [];

  override numDataIds(): number {
    // TF.js's check for leaks counts a complex tensor and its two halves.
    return this.#data.numDataIds() + 2 * this.#complexIds;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: true, reasons: ["Memory inside ONNX Runtime's arenas is not counted."] };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override time(query: () => void): Promise<tf.BackendTimingInfo> {
    this.flush();
    const start = performance.now();
    query();
    this.flush();
    return Promise.resolve({ kernelMs: performance.now() - start });
  }

  override dispose(): void {
    this.#repeater.clear();
    this.#plans.clear();
  }

  // What kernels ask of it.

  /** @internal Returns the graph value of a kernel's input, making it an input of the recording where it is in memory. */
  valueFor(info: tf.TensorInfo): Value {
    const entry = this.#data.get(info.dataId);
    let value = entry.recording === this.#recorder.id ? entry.value : undefined;
    value ??= this.#bring(entry, info);
    return sameShape(value.shape, info.shape) ? value : this.#reshape(value, info.shape);
  }

  /** @internal Returns a new tensor that stands for a value of the recording. */
  tensorOf(value: Value, dtype: tf.DataType): tf.TensorInfo {
    const dataId = this.#newId();
    const entry: Entry = { dtype, refCount: 1, value, recording: this.#recorder.id };
    this.#data.set(dataId, entry);
    this.#pending.add(entry);
    this.#scheduleFlush();
    return { dataId, shape: [...value.shape], dtype };
  }

  /** @internal Whether what is recorded will be written to a file, not run. */
  get isTracing(): boolean {
    return this.#tracing !== undefined;
  }

  /** @internal What lowering functions write nodes with. */
  get emit(): Recorder["builder"] {
    return this.#recorder.builder;
  }

  /**
   * Runs a recording that has grown long, or that a step follows on: the kernel about to be recorded with `inputs` reads
   * a weight that the recording computes. Without that, a loop over steps that waits for nothing would be one graph.
   *
   * Between kernels only: a kernel's values belong to one recording.
   *
   * @internal
   */
  boundRecording(inputs: readonly tf.TensorInfo[]): void {
    const isLong = this.#recorder.builder.size > this.#settings.maxPendingNodes;
    if (isLong || (!this.isInStep && inputs.some((info) => this.#isPendingWeight(info)))) this.flush();
  }

  /** Ranges and moving averages, which are not trained, are read in the step that assigns them. */
  #isPendingWeight(info: tf.TensorInfo): boolean {
    return info instanceof tf.Variable && info.trainable && this.#pending.has(this.#data.get(info.dataId));
  }

  /** Counts a kernel that ran on the cpu backend because no ONNX graph expresses it. */
  countFallback(kernel: string): void {
    this.#fallbacks.set(kernel, (this.#fallbacks.get(kernel) ?? 0) + 1);
  }

  // What users ask of it.

  /** Returns the kernels that ran on the cpu backend so far, with how often. */
  fallbacks(): ReadonlyMap<string, number> {
    return this.#fallbacks;
  }

  /** The device that was asked for, and the one that is used. */
  get device(): DeviceChoice {
    return this.#settings.device;
  }

  /**
   * Takes over the options that are named; the rest stays as it is. Compiled graphs that do not fit are forgotten.
   *
   * @throws {RangeError} If a number is not an integer, or too small.
   */
  change(options: BackendOptions): void {
    checkOptions(options);
    if (this.#settings.needNewSessions(options)) {
      this.flush();
      this.#plans.clear();
    }
    this.#settings.change(options);
    this.#plans.limit = this.#settings.maxSessions;
  }

  /** Returns what compiling and running took so far. */
  stats(): BackendStats {
    const { repeats } = this.#repeater;
    return { ...this.#plans.stats, runs: this.#runs, repeats, runMs: this.#runMs };
  }

  /**
   * Computes everything recorded so far that is still alive.
   *
   * Where ONNX Runtime refuses the graph, nobody may be there to catch it: the tensors throw the error when they are
   * read.
   */
  flush(): void {
    this.#flush();
  }

  /**
   * Takes a step, from the second or third time on without recording it again where that makes no difference.
   *
   * @returns The step's results.
   */
  repeat(step: RepeatedStep): tf.Tensor[] {
    return this.#repeater.take(step);
  }

  /** @param isInput Says of a feed that it is to be an input of the compiled graph, even of one element. */
  #flush(isInput: (buffer: Buffer) => boolean = () => false): RunRecord | undefined {
    if (this.#tracing !== undefined) return undefined;
    let record: RunRecord | undefined;
    const alive = [...this.#pending];
    const recorder = this.#recorder;
    this.#pending.clear();
    this.#recorder = new Recorder();
    try {
      if (alive.length > 0) record = this.#run(recorder, { alive, isInput });
    } catch (error) {
      for (const entry of alive) entry.error = error;
    }
    for (const { buffer } of this.#released) release(buffer!);
    this.#released = [];
    return record;
  }

  /**
   * Records what `fn` computes, without running it.
   *
   * @param inputs Names, shapes and dtypes of the graph's inputs.
   * @param fn Computes the outputs from the inputs. What it reads of other tensors become initializers.
   * @returns The graph, in TF.js's layouts, its outputs in the order of `fn`'s, with static shapes.
   * @throws {TypeError} If `fn` reads the elements of a tensor that depends on the inputs.
   */
  trace(
    inputs: readonly TraceInput[],
    fn: (inputs: tf.Tensor[]) => readonly tf.Tensor[],
    options: TraceOptions = {},
  ): Graph {
    this.flush();
    const outer = this.#recorder;
    const recorder = this.#recorder = new Recorder();
    this.#tracing = { ...options };
    try {
      let names: string[] = [];
      tf.tidy(() => {
        const values = inputs.map(({ name, shape, dtype }) => recorder.builder.input(DTYPES[dtype]!, shape, name));
        const tensors = values.map((value, i) =>
          tf.engine().makeTensorFromTensorInfo(this.tensorOf(value, inputs[i].dtype))
        );
        names = fn(tensors).map((output) => this.valueFor(output).name);
      });
      return recorder.build(names).graph;
    } finally {
      this.#tracing = undefined;
      this.#recorder = outer;
      const error = new TypeError("Cannot use a tensor that a traced function left behind: it was never computed");
      for (const entry of this.#pending) entry.error = error;
      this.#pending.clear();
      this.#released = [];
    }
  }

  #run(
    recorder: Recorder,
    { alive, isInput }: { readonly alive: readonly Entry[]; readonly isInput: (buffer: Buffer) => boolean },
  ): RunRecord {
    const outputs = new Map(alive.map((entry): [Entry, Port] => [entry, entry.value!]));
    const ports = [...new Map([...outputs.values()].map((port) => [port.name, port])).values()];
    const { graph, feeds } = recorder.build(ports.map(({ name }) => name));
    const plan = this.#plans.planFor(graph, feeds, ({ buffer }) => isInput(buffer));
    const buffers = this.#runPlan(plan, feedsOf(plan, feeds));
    const seen = new Set<Buffer>();
    for (const [entry, { name }] of outputs) {
      const buffer = entry.buffer = buffers.get(name)!;
      // Two tensors of one value share its array, which then is nobody's to free.
      if (seen.has(buffer)) buffer.exposed = true;
      seen.add(buffer);
      entry.value = undefined;
    }
    return { plan, feeds, outputs };
  }

  #runPlan(plan: Plan, feeds: Readonly<Record<string, HostTensor>>): Map<string, Buffer> {
    const start = performance.now();
    const outputs = plan.session.run(feeds);
    this.#runs++;
    this.#runMs += performance.now() - start;
    const computed = ({ data }: HostTensor): Buffer => ({ data: data as TypedArray, exposed: false, computed: true });
    return new Map(Object.entries(outputs).map(([name, tensor]) => [name, computed(tensor)]));
  }

  #repeatHost(): RepeatHost {
    return {
      runs: () => this.#runs,
      flush: (isInput) => this.#flush(isInput),
      entryOf: (dataId) => this.#data.has(dataId) ? this.#data.get(dataId) : undefined,
      isAlive: (plan) => this.#plans.isAlive(plan),
      run: (plan, feeds) => this.#runPlan(plan, feeds),
      replace: (entry, buffer) => {
        if (entry.buffer !== undefined) release(entry.buffer);
        entry.buffer = buffer;
      },
      adopt: (buffer, { dtype, shape }) => {
        const dataId = this.#newId();
        this.#data.set(dataId, { dtype, refCount: 1, buffer });
        return tf.engine().makeTensorFromTensorInfo({ dataId, dtype, shape: [...shape] });
      },
    };
  }

  #bring(entry: Entry, info: tf.TensorInfo): Value {
    if (entry.error !== undefined) throw entry.error;
    const dtype = DTYPES[entry.dtype];
    if (dtype === undefined || entry.buffer === undefined) {
      throw new TypeError(`Cannot record a tensor of dtype "${entry.dtype}": ONNX Runtime computes with numbers only`);
    }
    const { data } = entry.buffer;
    const value = this.#tracing === undefined
      ? this.#recorder.feed(entry.buffer, dtype, info.shape)
      : this.#recorder.builder.constant(dtype, info.shape, data.slice(), this.#tracing.nameOf?.(info.dataId));
    entry.value = value;
    entry.recording = this.#recorder.id;
    return value;
  }

  #reshape(value: Value, shape: readonly number[]): Value {
    const target = this.emit.constant("int64", [shape.length], shape);
    return this.emit.node("Reshape", [value, target]);
  }

  #bufferOf(dataId: object, verb: string): Buffer {
    const entry = this.#data.get(dataId);
    if (entry.buffer === undefined) {
      if (this.#tracing !== undefined) {
        throw new TypeError(`Cannot ${verb} a tensor while a graph is traced: its elements are not known yet`);
      }
      this.flush();
    }
    if (entry.error !== undefined) throw entry.error;
    entry.buffer!.exposed = true;
    return entry.buffer!;
  }

  #scheduleFlush(): void {
    if (this.isTracing || this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #newId(): object {
    return { id: this.#nextId++ };
  }
}
