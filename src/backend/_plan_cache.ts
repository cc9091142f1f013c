/**
 * Sessions by graph: each distinct recorded graph is compiled once.
 *
 * One-element inputs that came from JavaScript are taken for constants at first, which lets ONNX Runtime fold them:
 * learning rates, epsilons, loss weights. One that turns out to differ between two runs of the same graph, or to be a
 * run's result, becomes an input for good, at the cost of one more compilation, so a value that changes every step does
 * not make every step a new graph.
 */
import type { TypedArray } from "../onnx/dtype.ts";
import type { Attr, Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/protobuf.ts";
import { type HostTensor, Session, type SessionOptions } from "../runtime/session.ts";
import type { Feed } from "./_recorder.ts";

/**
 * Below this size ONNX Runtime's operators do not split their work, so that a thread pool, which takes longer to make
 * and to end than a small graph takes to compile (1 ms against 0.3), has nothing to do.
 */
const PARALLEL_ELEMENTS = 8192;

/** A compiled graph. */
export interface Plan {
  readonly session: Session;
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
  #compilations = 0;
  #compileMs = 0;

  /** @param limit Sessions kept alive; each has threads and a memory arena of its own. */
  constructor(
    private readonly limit: number,
    private readonly optimize: (graph: Graph) => Graph,
    private readonly sessionOptions: () => SessionOptions,
  ) {}

  /** Number of live sessions, compilations so far and the time that they took. */
  get stats(): PlanStats {
    return { sessions: this.#plans.size, compilations: this.#compilations, compileMs: this.#compileMs };
  }

  /** Returns a session that computes `graph` from `feeds`. */
  planFor(graph: Graph, feeds: readonly Feed[]): Plan {
    const key = keyOf(graph);
    const known = this.#plans.get(key);
    const differing = feeds.filter(({ value, buffer }) =>
      known?.constants.has(value.name) &&
      (buffer.computed || !Object.is(known.constants.get(value.name), buffer.data[0]))
    );
    if (known !== undefined && differing.length === 0) {
      this.#plans.delete(key);
      this.#plans.set(key, known);
      return known;
    }
    const changing = new Set(known?.changing);
    for (const { value } of differing) changing.add(value.name);
    known?.session.dispose();
    this.#plans.delete(key);
    const plan = this.#compile(graph, feeds, changing);
    this.#plans.set(key, plan);
    for (const [oldest, { session }] of this.#plans) {
      if (this.#plans.size <= this.limit) break;
      session.dispose();
      this.#plans.delete(oldest);
    }
    return plan;
  }

  /** Disposes all sessions. */
  clear(): void {
    for (const { session } of this.#plans.values()) session.dispose();
    this.#plans.clear();
  }

  #compile(graph: Graph, feeds: readonly Feed[], changing: ReadonlySet<string>): Plan {
    const start = performance.now();
    const fixed = feeds.filter(({ value, buffer }) =>
      buffer.data.length === 1 && !buffer.computed && !changing.has(value.name)
    );
    const constants = new Map(fixed.map(({ value, buffer }) => [value.name, buffer.data[0]]));
    const options = isSmall(graph) ? { ...this.sessionOptions(), threads: 1 } : this.sessionOptions();
    const session = new Session(encodeModel(this.optimize(withConstants(graph, fixed))), options);
    this.#compilations++;
    this.#compileMs += performance.now() - start;
    return { session, constants, changing };
  }
}

/** Runs `plan` on `feeds`, writing outputs into the arrays of `into`. */
export function runPlan(plan: Plan, feeds: readonly Feed[], into: Readonly<Record<string, HostTensor>>): void {
  const inputs: Record<string, HostTensor> = {};
  for (const { value, buffer } of feeds) {
    if (!plan.constants.has(value.name)) {
      inputs[value.name] = { dtype: value.dtype, shape: value.shape, data: buffer.data };
    }
  }
  plan.session.run(inputs, into);
}

/** Whether no operator of `graph` has enough elements to be worth a second thread. */
function isSmall({ inputs, initializers, nodes, types }: Graph): boolean {
  const names = [...inputs, ...nodes.flatMap((node) => node.outputs)];
  const shapes = [...names.map((name) => types.get(name)!.shape), ...[...initializers.values()].map((c) => c.shape)];
  // Recorded dimensions are numbers.
  return shapes.every((shape) => shape.reduce((size: number, dim) => size * Number(dim), 1) < PARALLEL_ELEMENTS);
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
