/**
 * Takes a step again without TF.js: the graph recorded once is fed with the variables as they are now.
 *
 * Recording a training step costs TF.js 10 to 25 µs a node, 15 % of the step and more; the numbers that come out are the
 * same. A step can be repeated if all that it reads is known: variables, the arrays that it is given, scalars that are a
 * given number or its negative (a learning rate), and zeros or ones; and if all that it leaves is variables and results.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { DType, TypedArray } from "../numbers/dtype.ts";
import type { HostTensor } from "../runtime/session.ts";
import type { Buffer } from "./_buffer.ts";
import type { Entry } from "./_entry.ts";
import type { Plan } from "./_plan_cache.ts";
import type { Feed } from "./_recorder.ts";

/** A step that may be taken many times. */
export interface RepeatedStep {
  /**
   * Says which step it is. The caller promises that two steps of one key compute the same from their arrays, their
   * numbers and TF.js's variables, whatever else JavaScript holds.
   */
  readonly key: string;
  /** Arrays that `take` makes tensors of, as they are: inputs, targets. */
  readonly arrays: readonly TypedArray[];
  /** Numbers that `take` makes scalars of, as they are or negated: a learning rate. */
  readonly numbers: readonly number[];
  /** Takes the step with TF.js. Returns its results; all other effects that matter are in variables. */
  readonly take: () => tf.Tensor[];
  /** Called when the step was taken without `take`, to do what `take` does outside of tensors. */
  readonly onRepeat?: () => void;
}

/** What a run was made of. */
export interface RunRecord {
  readonly plan: Plan;
  readonly feeds: readonly Feed[];
  /** The values that came out, by the tensors' entries. */
  readonly outputs: ReadonlyMap<Entry, Port>;
}

/** A value that goes into a run or comes out of it. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What repeating needs of the backend. */
export interface RepeatHost {
  /** Number of runs so far. */
  runs(): number;
  /**
   * Runs what was recorded. Returns undefined if there was nothing to run.
   *
   * @param isInput Says of a feed that it is to be an input of the compiled graph, even of one element.
   */
  flush(isInput: (buffer: Buffer) => boolean): RunRecord | undefined;
  /** Returns what is kept of a tensor, or undefined if it is no tensor of the backend's. */
  entryOf(dataId: object): Entry | undefined;
  /** Whether `plan` can still be run. */
  isAlive(plan: Plan): boolean;
  /** Runs `plan` and returns its values by name. */
  run(plan: Plan, feeds: Readonly<Record<string, HostTensor>>): ReadonlyMap<string, Buffer>;
  /** Gives a tensor, of which nobody else has a reference, new elements. */
  replace(entry: Entry, buffer: Buffer): void;
  /** Makes a tensor of elements in memory. */
  adopt(buffer: Buffer, type: { readonly dtype: tf.DataType; readonly shape: readonly number[] }): tf.Tensor;
}

/** Where a graph's input comes from: a variable, an array of the step, ± a number of it, or the same one every time. */
type Source =
  | { readonly kind: "constant"; readonly data: TypedArray }
  | { readonly kind: "variable"; readonly variable: tf.Variable }
  | { readonly kind: "array"; readonly index: number }
  | { readonly kind: "number"; readonly index: number; readonly sign: 1 | -1 };

interface Program {
  readonly plan: Plan;
  readonly inputs: readonly { readonly port: Port; readonly source: Source }[];
  readonly writes: readonly { readonly variable: tf.Variable; readonly port: Port }[];
  readonly results: readonly { readonly dtype: tf.DataType; readonly port: Port }[];
  /** Values that more than one tensor has. */
  readonly shared: readonly string[];
  readonly lengths: readonly number[];
  readonly numbers: readonly number[];
  /** Whether the inputs that equal ± a number did so when it was another one, too. */
  readonly followsNumbers: boolean;
}

const NO_INPUT = (): boolean => false;

/** Records steps, and repeats those that can be. */
export class Repeater {
  readonly #programs = new Map<string, Program>();
  #repeats = 0;

  constructor(private readonly host: RepeatHost) {}

  /** Takes `step` and returns its results. */
  take(step: RepeatedStep): tf.Tensor[] {
    const program = this.#programs.get(step.key);
    const results = program === undefined ? undefined : this.#repeat(program, step);
    if (results === undefined) return this.#record(step);
    this.#repeats++;
    step.onRepeat?.();
    return results;
  }

  /** Steps taken without recording them. */
  get repeats(): number {
    return this.#repeats;
  }

  /** Forgets all steps. */
  clear(): void {
    this.#programs.clear();
  }

  #record(step: RepeatedStep): tf.Tensor[] {
    this.host.flush(NO_INPUT);
    const variables = Object.values(tf.engine().registeredVariables);
    const before = new Map(variables.map((variable) => [variable, variable.dataId]));
    const sources = new Map<Buffer, Source>();
    for (const variable of variables) {
      const buffer = this.host.entryOf(variable.dataId)?.buffer;
      if (buffer !== undefined) sources.set(buffer, { kind: "variable", variable });
    }
    const runs = this.host.runs();
    const results = step.take();
    // A value that was read in between took a run of its own, and JavaScript may have acted on it.
    const isInput = (buffer: Buffer) => sources.has(buffer) || numberSource(buffer, step.numbers) !== undefined;
    const record = this.host.runs() === runs ? this.host.flush(isInput) : undefined;
    const program = record && this.#read(step, { record, before, sources, results });
    if (program === undefined) this.#programs.delete(step.key);
    else this.#programs.set(step.key, program);
    return results;
  }

  /** Finds out where all inputs of a run come from and where all outputs go; undefined if one is not known. */
  #read(step: RepeatedStep, { record, before, sources, results }: {
    readonly record: RunRecord;
    readonly before: ReadonlyMap<tf.Variable, object>;
    readonly sources: ReadonlyMap<Buffer, Source>;
    readonly results: readonly tf.Tensor[];
  }): Program | undefined {
    const { plan, feeds, outputs } = record;
    // The first step makes the optimizer's variables.
    if (Object.keys(tf.engine().registeredVariables).length !== before.size) return undefined;
    const inputs = feeds.filter(({ value }) => !plan.constants.has(value.name))
      .map((feed) => ({ port: portOfFeed(feed), source: sourceOf(feed, step, sources) }));
    if (!inputs.every(isKnown)) return undefined;
    const claimed = new Set<Entry>();
    const portOf = (dataId: object) => {
      const entry = this.host.entryOf(dataId);
      const port = entry && outputs.get(entry);
      if (entry !== undefined && port !== undefined) claimed.add(entry);
      return port;
    };
    const writes = [...before].filter(([variable, dataId]) => variable.dataId !== dataId)
      .map(([variable]) => ({ variable, port: portOf(variable.dataId) }));
    const read = results.map(({ dtype, dataId }) => ({ dtype, port: portOf(dataId) }));
    if (!writes.every(hasPort) || !read.every(hasPort) || claimed.size !== outputs.size) return undefined;
    const known = this.#programs.get(step.key);
    const names = [...writes, ...read].map(({ port }) => port.name);
    return {
      plan,
      inputs,
      writes,
      results: read,
      shared: names.filter((name, i) => names.indexOf(name) !== i),
      lengths: step.arrays.map(({ length }) => length),
      numbers: step.numbers,
      followsNumbers: known !== undefined && followsNumbers(known, { inputs, numbers: step.numbers, plan }),
    };
  }

  /** Takes the step as `program` says; undefined if it does not fit. */
  #repeat(program: Program, { arrays, numbers }: RepeatedStep): tf.Tensor[] | undefined {
    const { plan, inputs, writes, results, lengths } = program;
    const areSame = program.followsNumbers || numbers.every((number, i) => number === program.numbers[i]);
    if (!areSame || !arrays.every(({ length }, i) => length === lengths[i])) return undefined;
    this.host.flush(NO_INPUT);
    if (!this.host.isAlive(plan)) return undefined;
    const feeds: Record<string, HostTensor> = {};
    for (const { port: { name, dtype, shape }, source } of inputs) {
      const data = this.#dataOf(source, { arrays, numbers });
      if (data === undefined) return undefined;
      feeds[name] = { dtype, shape, data };
    }
    const buffers = this.host.run(plan, feeds);
    // Two tensors of one value share its array, which then is nobody's to free.
    for (const name of program.shared) buffers.get(name)!.exposed = true;
    for (const { variable, port } of writes) this.#write(variable, buffers.get(port.name)!);
    return results.map(({ dtype, port }) => this.host.adopt(buffers.get(port.name)!, { dtype, shape: port.shape }));
  }

  #dataOf(
    source: Source,
    { arrays, numbers }: Pick<RepeatedStep, "arrays" | "numbers">,
  ): TypedArray | undefined {
    if (source.kind === "constant") return source.data;
    if (source.kind === "array") return arrays[source.index];
    if (source.kind === "number") return Float32Array.of(source.sign * numbers[source.index]);
    const entry = this.host.entryOf(source.variable.dataId);
    return entry?.error === undefined ? entry?.buffer?.data : undefined;
  }

  #write(variable: tf.Variable, buffer: Buffer): void {
    const entry = this.host.entryOf(variable.dataId)!;
    if (entry.refCount === 1) return this.host.replace(entry, buffer);
    // Somebody else holds the old value.
    const value = this.host.adopt(buffer, variable);
    variable.assign(value);
    value.dispose();
  }
}

/** What a feed goes into, without what it holds: programs outlive the arrays of their first step. */
function portOfFeed({ value: { name, dtype, shape } }: Feed): Port {
  return { name, dtype, shape };
}

function sourceOf(
  { buffer }: Feed,
  { arrays, numbers }: RepeatedStep,
  sources: ReadonlyMap<Buffer, Source>,
): Source | undefined {
  const variable = sources.get(buffer);
  if (variable !== undefined) return variable;
  const index = arrays.indexOf(buffer.data);
  if (index >= 0) return { kind: "array", index };
  return numberSource(buffer, numbers) ?? constantSource(buffer);
}

/** Single numbers, and TF.js's zeros and ones, which are arrays made in JavaScript; a random mask is never all the same. */
function constantSource({ data, computed }: Buffer): Source | undefined {
  const isUniform = !computed && (data as Float32Array).every((element) => element === data[0]);
  return isUniform ? { kind: "constant", data } : undefined;
}

/** Returns the number that `buffer` holds, as it is or negated. */
function numberSource(
  buffer: Buffer,
  numbers: readonly number[],
): Extract<Source, { kind: "number" }> | undefined {
  if (buffer.computed || buffer.data.length !== 1 || !(buffer.data instanceof Float32Array)) return undefined;
  const [value] = buffer.data;
  for (const sign of [1, -1] as const) {
    const index = numbers.findIndex((number) => Math.fround(sign * number) === value);
    if (index >= 0) return { kind: "number", index, sign };
  }
  return undefined;
}

/**
 * Whether each input that equals a number now did so before, when the number was another one.
 *
 * One that did only once is a constant which happened to be equal.
 */
function followsNumbers(
  known: Program,
  { inputs, numbers, plan }: Pick<Program, "inputs" | "numbers" | "plan">,
): boolean {
  // Of another graph, names mean other values.
  if (known.plan.key !== plan.key || !numbers.every((number, i) => number !== known.numbers[i])) return false;
  const before = new Set(linksOf(known.inputs));
  return linksOf(inputs).every((link) => before.has(link));
}

function linksOf(inputs: Program["inputs"]): string[] {
  return inputs.flatMap(({ port, source }) =>
    source.kind === "number" ? [`${port.name}=${source.sign}·${source.index}`] : []
  );
}

function isKnown<T extends { readonly source: Source | undefined }>(
  input: T,
): input is T & { readonly source: Source } {
  return input.source !== undefined;
}

function hasPort<T extends { readonly port: Port | undefined }>(output: T): output is T & { readonly port: Port } {
  return output.port !== undefined;
}
