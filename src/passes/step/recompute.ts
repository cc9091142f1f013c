/**
 * Computes again, where the backward pass reads them, activations that are cheap to have from what is kept anyway.
 *
 * A dequantized activation is read by the next layer and then, much later, by that layer's gradient: in between its codes
 * are a quarter of its size. What batch normalization gives takes one multiplication and addition of what it was given,
 * which its own gradient needs as well. A border of zeros is written once more, and weights are rounded once more: the
 * weights themselves are there all the time. The numbers are the same, the memory of a step is half.
 */
import { bytesOf, type Graph, type Node, sizeOf, typeOf } from "../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../onnx/schema/mod.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { definePass, type Pass } from "../pass.ts";

/** Smaller values are not worth a node. */
const LEAST_BYTES = 1 << 16;

/** Readers further apart than this share of the graph are taken for the forward and the backward pass's. */
const FAR = 1 / 50;

/** What rounds weights: operators that work on each element alone. */
const ROUNDING: ReadonlySet<string> = new Set(["Clip", "Div", "Mul", "Round"]);

/** Gives readers of such values that come much later than the first ones nodes of their own. */
export const recompute: Pass = definePass({ name: "recompute", rewrite: (graph) => new Recomputation(graph).result() });

/** A node of the graph, or its copy, and what it reads instead of what the graph says. */
interface Item {
  readonly node: Node;
  /** Where in the graph's order it stands; a copy stands right before its first reader. */
  readonly at: number;
  readonly renamed: Map<string, string>;
  /** Copies that stand right before it. */
  readonly before: Item[];
}

class Recomputation {
  readonly #graph: Graph;
  readonly #index: Index;
  readonly #items: readonly Item[];
  /** What reads each value, in order. */
  readonly #readers = new Map<string, Item[]>();
  readonly #types: Map<string, ReturnType<typeof typeOf>>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#index = indexOf(graph);
    this.#types = new Map(graph.types);
    this.#items = graph.nodes.map((node, at) => ({ node, at, renamed: new Map(), before: [] }));
    for (const item of this.#items) this.#addReader(item);
  }

  result(): Graph {
    // From the end: what a copy reads has a late reader.
    for (const { node } of this.#items.toReversed()) {
      const late = this.#lateReaders(node);
      if (late.length > 0) this.#copy(node, late);
    }
    const nodes: Node[] = [];
    const push = ({ node, renamed, before }: Item): void => {
      for (const copy of before) push(copy);
      nodes.push({ ...node, inputs: node.inputs.map((name) => renamed.get(name) ?? name) });
    };
    for (const item of this.#items) push(item);
    return { ...this.#graph, nodes, types: this.#types };
  }

  #addReader(item: Item): void {
    for (const name of new Set(item.node.inputs)) {
      const readers = this.#readers.get(name) ?? [];
      readers.push(item);
      this.#readers.set(name, readers);
    }
  }

  #copy(node: Node, late: readonly Item[]): void {
    const [value] = node.outputs;
    const copy = `${value}_again`;
    this.#types.set(copy, typeOf(this.#graph, value));
    for (const reader of late) reader.renamed.set(value, copy);
    const again = { ...node, name: `${node.name}_again`, outputs: [copy] };
    const item: Item = { node: again, at: late[0].at, renamed: new Map(), before: [] };
    late[0].before.unshift(item);
    this.#addReader(item);
  }

  /** Returns the readers behind the widest gap between one and the next, in order, if copying pays for them. */
  #lateReaders(node: Node): readonly Item[] {
    const [value] = node.outputs;
    if (!this.#isCheap(node) || this.#index.isOutput(value)) return [];
    const bytes = bytesOf(this.#graph, value);
    if (bytes < LEAST_BYTES) return [];
    const sorted = [...this.#readers.get(value) ?? []].sort((a, b) => a.at - b.at);
    const gaps = sorted.slice(1).map((reader, i) => reader.at - sorted[i].at);
    const widest = Math.max(0, ...gaps);
    if (widest < FAR * this.#items.length) return [];
    const late = sorted.slice(gaps.indexOf(widest) + 1);
    return this.#bytesFor(node, late[0].at) <= bytes / 2 ? late : [];
  }

  /** The bytes that would have to be kept until `at` for `node` to be computed there. */
  #bytesFor({ inputs }: Node, at: number): number {
    return inputs.reduce((sum, name) => sum + this.#bytesUntil(name, at), 0);
  }

  #bytesUntil(name: string, at: number): number {
    const producer = this.#index.producer(name);
    if (producer === undefined || this.#isKept(name, at)) return 0;
    const bytes = bytesOf(this.#graph, name);
    if (bytes < LEAST_BYTES || !this.#isCheap(producer)) return bytes;
    return Math.min(bytes, this.#bytesFor(producer, at));
  }

  /** Whether a value is there at `at` anyway. */
  #isKept(name: string, at: number): boolean {
    return this.#index.producer(name) === undefined || this.#index.isOutput(name) ||
      (this.#readers.get(name) ?? []).some((reader) => reader.at >= at);
  }

  /** Whether `node` is one pass over memory, or none. */
  #isCheap(node: Node): boolean {
    const { op, domain, inputs, attrs } = node;
    if (op === "DequantizeLinear" || op === "BatchNormalization" || op === "Pad") return true;
    if (op === "Reshape") return this.#isViewOfCheap(inputs[0]);
    if (ROUNDING.has(op)) return inputs.every((name) => this.#isOfWeights(name));
    if (op !== "Conv" || domain !== BLOCKED_DOMAIN || inputs.length > 3) return false;
    const isDepthwise = Number(attrs.group) > 1 && typeOf(this.#graph, inputs[1]).shape[1] === 1;
    return isDepthwise && sizeOf(attrs.kernel_shape as readonly number[]) === 1;
  }

  /** Whether what a view shows can be computed again: a view that is read late keeps all of it. */
  #isViewOfCheap(name: string): boolean {
    const producer = this.#index.producer(name);
    return producer !== undefined && this.#isCheap(producer);
  }

  /** Whether a value is small, or what rounding makes of one that is given. */
  #isOfWeights(name: string): boolean {
    const producer = this.#index.producer(name);
    if (producer === undefined || bytesOf(this.#graph, name) < LEAST_BYTES) return true;
    return ROUNDING.has(producer.op) && producer.inputs.every((input) => this.#isOfWeights(input));
  }
}
