/**
 * Sessions by graph: each distinct recorded graph is compiled once.
 *
 * One-element inputs that came from JavaScript are taken for constants at first, which lets ONNX Runtime fold them:
 * learning rates, epsilons, loss weights. One that turns out to differ between two runs of the same graph, or to be a
 * run's result, becomes an input for good, at the cost of one more compilation, so a value that changes every step does
 * not make every step a new graph.
 */
import { bytesPerElement, type TypedArray } from "../onnx/dtype.ts";
import { type Attr, type Graph, sizeOf } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/protobuf.ts";
import { type HostTensor, Session, type SessionOptions } from "../runtime/session.ts";
import type { Feed } from "./_recorder.ts";

/**
 * Below this size ONNX Runtime's operators do not split their work, so that a thread pool, which takes longer to make
 * and to end than a small graph takes to compile (1 ms against 0.3), has nothing to do.
 */
const PARALLEL_ELEMENTS = 8192;

/** Plans whose values take more bytes than this hold memory that is worth having back. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** A compiled graph. */
export interface Plan {
  /** The graph that it was compiled from, written down. */
  readonly key: string;
  readonly session: Session;
  /** Whether its session holds much memory between runs. */
  readonly isLarge: boolean;
  /** The inputs compiled as constants, with the value that each was compiled with. */
  readonly constants: ReadonlyMap<string, number | bigint>;
  /** The inputs seen to change. */
  readonly changing: ReadonlySet<string>;
}

/** What the cache did so far. */
export interface PlanStats {
  readonly sessions: number;
  readonly compilations: number;
  readonly compileMs: number;
}

/** Compiles recorded graphs and keeps the most recently used sessions. */
export class PlanCache {
  readonly #plans = new Map<string, Plan>();
  /** Plans asked for once so far. */
  readonly #usedOnce = new Set<Plan>();
  /** Hashes of the graphs whose sessions were given up after one use. */
  readonly #givenUp = new Set<string>();
  #compilations = 0;
  #compileMs = 0;

  /**
   * @param limit Sessions kept alive; each has threads and a memory arena of its own.
   * @param largeBytes Bytes of a graph's values from which on its session is given up if it ran only once.
   */
  constructor(
    private readonly limit: number,
    private readonly optimize: (graph: Graph) => Graph,
    private readonly sessionOptions: () => SessionOptions,
    private readonly largeBytes = LARGE_BYTES,
  ) {}

  /** Number of live sessions, compilations so far and the time that they took. */
  get stats(): PlanStats {
    return { sessions: this.#plans.size, compilations: this.#compilations, compileMs: this.#compileMs };
  }

  /** Whether `plan` can be run: its session was not given up. It counts as used then. */
  isAlive(plan: Plan): boolean {
    if (this.#plans.get(plan.key) !== plan) return false;
    this.#use(plan);
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
    const changing = new Set([...known?.changing ?? [], ...feeds.filter(isChanging).map(({ value }) => value.name)]);
    for (const { value } of differing) changing.add(value.name);
    if (known !== undefined) this.#drop(key, known);
    this.#giveUpLarge();
    const plan = this.#compile({ key, graph, feeds, changing });
    this.#plans.set(key, plan);
    if (known === undefined && !this.#givenUp.has(hashOf(key))) this.#usedOnce.add(plan);
    for (const [oldest, plan] of this.#plans) {
      if (this.#plans.size <= this.limit) break;
      this.#drop(oldest, plan);
    }
    return plan;
  }

  /**
   * Frees the memory of graphs that ran once: a first training step, which makes the optimizer's variables, does not
   * come again. A graph that does is kept from then on.
   */
  #giveUpLarge(): void {
    for (const [key, plan] of this.#plans) {
      if (!plan.isLarge || !this.#usedOnce.has(plan)) continue;
      this.#givenUp.add(hashOf(key));
      this.#drop(key, plan);
    }
  }

  #drop(key: string, plan: Plan): void {
    plan.session.dispose();
    this.#plans.delete(key);
    this.#usedOnce.delete(plan);
  }

  /** Disposes all sessions. */
  clear(): void {
    for (const [key, plan] of this.#plans) this.#drop(key, plan);
  }

  /** The order of the map is that of last use. */
  #use(plan: Plan): void {
    this.#plans.delete(plan.key);
    this.#plans.set(plan.key, plan);
    this.#usedOnce.delete(plan);
  }

  #compile({ key, graph, feeds, changing }: {
    readonly key: string;
    readonly graph: Graph;
    readonly feeds: readonly Feed[];
    readonly changing: ReadonlySet<string>;
  }): Plan {
    const start = performance.now();
    const fixed = feeds.filter(({ value, buffer }) =>
      buffer.data.length === 1 && !buffer.computed && !changing.has(value.name)
    );
    const constants = new Map(fixed.map(({ value, buffer }) => [value.name, buffer.data[0]]));
    const options = isSmall(graph) ? { ...this.sessionOptions(), threads: 1 } : this.sessionOptions();
    const optimized = this.optimize(withConstants(graph, fixed));
    const session = new Session(encodeModel(optimized), options);
    this.#compilations++;
    this.#compileMs += performance.now() - start;
    return { key, session, isLarge: bytesOf(optimized) >= this.largeBytes, constants, changing };
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

/** Bytes of all values that nodes compute. */
function bytesOf({ nodes, types }: Graph): number {
  const values = nodes.flatMap(({ outputs }) => outputs).flatMap((name) => types.get(name) ?? []);
  return values.reduce((sum, { dtype, shape }) => sum + bytesPerElement(dtype) * sizeOf(shape as readonly number[]), 0);
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
