/**
 * Sessions by graph: each distinct recorded graph is compiled once.
 *
 * One-element inputs that came from JavaScript are taken for constants at first, which lets ONNX Runtime fold them:
 * learning rates, epsilons, loss weights. One that turns out to differ between two runs of the same graph, or to be a
 * run's result, becomes an input for good, at the cost of one more compilation, so a value that changes every step does
 * not make every step a new graph.
 *
 * A folded constant rounds otherwise than an input. What is one is therefore remembered by graph, whether its session
 * lives or not, and can be handed to another process (`memory`), which then computes to the same bits.
 */
import type { TypedArray } from "../numbers/dtype.ts";
import type { Attr, Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { type HostTensor, Session, type SessionOptions } from "../runtime/session.ts";
import { collectGarbage } from "./_collect_garbage.ts";
import { encodeHidingShapes } from "./_hide_shapes.ts";
import { peakBytes } from "./_peak_bytes.ts";
import { type HeldMemory, toGiveUp } from "./_plan_memory.ts";
import type { Feed } from "./_recorder.ts";

/**
 * Below this size ONNX Runtime's operators do not split their work, so that a thread pool, which takes longer to make
 * and to end than a small graph takes to compile (1 ms against 0.3), has nothing to do.
 */
const PARALLEL_ELEMENTS = 8192;

/** Sessions whose arenas take more bytes than this hold memory that is worth having back. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** Graphs that are remembered; a job has some hundred, each with some dozen numbers. */
const MOST_GRAPHS = 4096;

/** A compiled graph. */
export interface Plan {
  /** The graph that it was compiled from, written down. */
  readonly key: string;
  readonly session: Session;
  /** The inputs compiled as constants, with the value that each was compiled with. */
  readonly constants: Constants;
}

/** Values of inputs that were compiled as constants, by the inputs' names. */
type Constants = ReadonlyMap<string, number | bigint>;

/** What a cache knows of graphs that it has seen, as plain data: the inputs that never changed, by the graph's hash. */
export type PlanMemory = Readonly<Record<string, Readonly<Record<string, number | bigint>>>>;

/** A plan in the cache, with what its session holds between runs. */
interface Kept extends Plan, HeldMemory {
  usedAt: number;
  ranOnce: boolean;
}

/** What is to be compiled. */
interface Source {
  readonly key: string;
  readonly graph: Graph;
  readonly feeds: readonly Feed[];
  /** Says of a feed that it is a constant. */
  readonly isConstant: (feed: Feed) => boolean;
}

/** What the cache did so far. */
export interface PlanStats {
  readonly sessions: number;
  readonly compilations: number;
  readonly compileMs: number;
}

/** Compiles recorded graphs and keeps the most recently used sessions. */
export class PlanCache {
  /** In the order of last use. */
  readonly #plans = new Map<string, Kept>();
  /** Of all graphs that were compiled, by their hashes, the inputs that have not changed yet. */
  readonly #seen = new Map<string, Constants>();
  /** Hashes of graphs whose sessions were given up for their memory. */
  readonly #givenUp = new Set<string>();
  #compilations = 0;
  #compileMs = 0;

  /**
   * @param limit Sessions kept alive, from the next one made on; each has threads and a memory arena of its own.
   * @param largeBytes Bytes of a session's arena from which on it may be given up for them.
   */
  constructor(
    public limit: number,
    private readonly optimize: (graph: Graph) => Graph,
    private readonly sessionOptions: () => SessionOptions,
    private readonly largeBytes: number = LARGE_BYTES,
  ) {}

  /** Number of live sessions, compilations so far and the time that they took. */
  get stats(): PlanStats {
    return { sessions: this.#plans.size, compilations: this.#compilations, compileMs: this.#compileMs };
  }

  /** Whether `plan` can be run: its session was not given up. It counts as used then. */
  isAlive(plan: Plan): boolean {
    const kept = this.#plans.get(plan.key);
    if (kept === undefined || kept !== plan) return false;
    this.#use(kept);
    return true;
  }

  /**
   * Returns a session that computes `graph` from `feeds`.
   *
   * @param isChanging Says of a feed of one element that it is to be an input even if it was never seen to change.
   */
  planFor(graph: Graph, feeds: readonly Feed[], isChanging: (feed: Feed) => boolean = () => false): Plan {
    const key = keyOf(graph);
    const known = this.#plans.get(key);
    const differing = feeds.filter(({ value, buffer }) =>
      known?.constants.has(value.name) &&
      (buffer.computed || !Object.is(known.constants.get(value.name), buffer.data[0]))
    );
    if (known !== undefined && differing.length === 0) {
      this.#use(known);
      return known;
    }
    const seen = this.#seen.get(hashOf(key));
    const isFirst = seen === undefined;
    const isConstant = (feed: Feed) =>
      isFirst ? !isChanging(feed) : seen.has(feed.value.name) && !(differing.length > 0 && isChanging(feed)) &&
        Object.is(seen.get(feed.value.name), feed.buffer.data[0]);
    if (known !== undefined) this.#drop(known);
    const plan = this.#compile({ key, graph, feeds, isConstant }, isFirst);
    this.#plans.set(key, plan);
    for (const oldest of this.#plans.values()) {
      if (this.#plans.size <= this.limit) break;
      this.#drop(oldest);
    }
    return plan;
  }

  /** Frees memory before a session of `bytes` is made. */
  #giveUp(bytes: number): void {
    const large = [...this.#plans.values()].filter((plan) => plan.bytes >= this.largeBytes);
    for (const plan of toGiveUp(large, { bytes, now: performance.now() })) {
      this.#givenUp.add(hashOf(plan.key));
      this.#drop(plan);
    }
  }

  #drop(plan: Plan): void {
    plan.session.dispose();
    this.#plans.delete(plan.key);
  }

  /** Disposes all sessions. */
  clear(): void {
    for (const plan of this.#plans.values()) this.#drop(plan);
  }

  /** What is known of all graphs so far. */
  get memory(): PlanMemory {
    return Object.fromEntries([...this.#seen].map(([hash, constants]) => [hash, Object.fromEntries(constants)]));
  }

  /** Knows from now on what another cache knew, and nothing else. */
  set memory(memory: PlanMemory) {
    this.clear();
    this.#seen.clear();
    for (const [hash, constants] of Object.entries(memory)) this.#seen.set(hash, new Map(Object.entries(constants)));
  }

  #remember(hash: string, constants: Constants): void {
    // At the end of the order, which is that of the last compilation.
    this.#seen.delete(hash);
    this.#seen.set(hash, constants);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MOST_GRAPHS) break;
      this.#seen.delete(oldest);
    }
  }

  #use(plan: Kept): void {
    this.#plans.delete(plan.key);
    this.#plans.set(plan.key, plan);
    plan.usedAt = performance.now();
    plan.ranOnce = false;
  }

  #compile({ key, graph, feeds, isConstant }: Source, isFirst: boolean): Kept {
    const start = performance.now();
    const fixed = feeds.filter((feed) => feed.buffer.data.length === 1 && !feed.buffer.computed && isConstant(feed));
    const constants = new Map(fixed.map(({ value, buffer }) => [value.name, buffer.data[0]]));
    const options = isSmall(graph) ? { ...this.sessionOptions(), threads: 1 } : this.sessionOptions();
    const optimized = this.optimize(withConstants(graph, fixed));
    const bytes = peakBytes(optimized);
    this.#giveUp(bytes);
    // Other devices may want to know shapes before they take an operator.
    const isCpu = (options.device ?? "cpu") === "cpu";
    const session = new Session(isCpu ? encodeHidingShapes(optimized) : encodeModel(optimized), options);
    if (bytes >= this.largeBytes) collectGarbage();
    const usedAt = performance.now();
    const compileMs = usedAt - start;
    this.#compilations++;
    this.#compileMs += compileMs;
    const hash = hashOf(key);
    this.#remember(hash, constants);
    const cameAgain = this.#givenUp.has(hash);
    return { key, session, constants, bytes, compileMs, usedAt, ranOnce: isFirst, cameAgain };
  }
}

/** Returns what `plan` is to be fed with: all feeds that were not compiled as constants. */
export function feedsOf(plan: Plan, feeds: readonly Feed[]): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const { value, buffer } of feeds) {
    if (!plan.constants.has(value.name)) {
      inputs[value.name] = { dtype: value.dtype, shape: value.shape, data: buffer.data };
    }
  }
  return inputs;
}

/** Whether no operator of `graph` has enough elements to be worth a second thread. */
function isSmall({ inputs, initializers, nodes, types }: Graph): boolean {
  const names = [...inputs, ...nodes.flatMap((node) => node.outputs)];
  const shapes = [...names.map((name) => types.get(name)!.shape), ...[...initializers.values()].map((c) => c.shape)];
  // Recorded dimensions are numbers.
  return shapes.every((shape) => shape.reduce((size: number, dim) => size * Number(dim), 1) < PARALLEL_ELEMENTS);
}

/** Hashes a key to 64 bits (FNV-1a, twice 32 bits, over UTF-16 code units); of a graph given up only this is kept. */
function hashOf(key: string): string {
  let [a, b] = [0x811c9dc5, 0x9dc5811c];
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return `${a >>> 0}/${b >>> 0}`;
}

function withConstants(graph: Graph, fixed: readonly Feed[]): Graph {
  const initializers = new Map(graph.initializers);
  for (const { value, buffer } of fixed) {
    initializers.set(value.name, { dtype: value.dtype, shape: value.shape, data: buffer.data.slice() });
  }
  return { ...graph, initializers, inputs: graph.inputs.filter((name) => !initializers.has(name)) };
}

/** Writes down everything that the compiled form depends on: operators, wiring, attributes, constants, input types. */
function keyOf(graph: Graph): string {
  const parts: string[] = [];
  for (const name of graph.inputs) {
    const { dtype, shape } = graph.types.get(name)!;
    parts.push(`${name}:${dtype}[${shape}]`);
  }
  for (const [name, { dtype, shape, data }] of graph.initializers) {
    parts.push(`${name}=${dtype}[${shape}]${dataKey(data)}`);
  }
  for (const { op, domain, inputs, outputs, attrs } of graph.nodes) {
    parts.push(`${outputs}=${domain ?? ""}${op}(${inputs})${attrsKey(attrs)}`);
  }
  parts.push(graph.outputs.join());
  return parts.join("\n");
}

function attrsKey(attrs: Graph["nodes"][number]["attrs"]): string {
  let key = "";
  for (const name in attrs) key += ` ${name}=${attrKey(attrs[name])}`;
  return key;
}

function attrKey(value: Attr): string {
  if (typeof value !== "object" || !("data" in value)) return String(value);
  return `${value.dtype}[${value.shape}]${dataKey(value.data)}`;
}

/** Any byte is a character of Latin-1. */
const LATIN_1 = new TextDecoder("latin1");

/** Writes elements bit by bit, so that 0 and -0 differ; 5 to 17 times as fast as writing numbers. */
function dataKey({ buffer, byteOffset, byteLength }: TypedArray): string {
  return LATIN_1.decode(new Uint8Array(buffer, byteOffset, byteLength));
}
