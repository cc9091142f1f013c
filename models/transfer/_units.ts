/**
 * What of a net has weights, in an order that does not depend on who wrote the net down.
 *
 * Nets of different programs name their layers otherwise, add in another order, and fold batch normalization or not. What
 * stays is which layer reads which. A layer with weights and the batch normalization behind it are one unit; units are
 * listed as a walk from the outputs meets them, inputs before their readers, and of the terms of a sum first the one that
 * comes first by what it is made of.
 */
import {
  consumersOf,
  isConstant,
  isInput,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  nodeOf,
  producerOf,
} from "../../src/rewrite/mod.ts";

/** A layer with weights, and the batch normalization that it alone gives values to. */
export interface WeightedUnit {
  readonly layer: LayerSpec;
  readonly norm?: LayerSpec;
}

/** Layers whose one kernel a factor for each output can be multiplied into: it counts outputs last. */
const SCALABLE: ReadonlySet<string> = new Set(["Conv1D", "Conv2D", "Dense", "DepthwiseConv2D", "GroupConv2D"]);

/** Layers to which it makes no difference in which order they are given values. */
const COMMUTATIVE: ReadonlySet<string> = new Set(["Add", "Average", "Maximum", "Minimum", "Multiply"]);

/** Whether a node calls a layer that has learned something. */
export function hasWeights(node: LayerNode): boolean {
  return node.layer.weights.length > 0 && !isConstant(node);
}

/** The numbers of structures that were met: equal ones of two graphs have one number. */
export class Structures {
  readonly #numbers = new Map<string, number>();

  /** Returns the number of a structure that is written as `text`. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, known);
    return known;
  }
}

/**
 * Lists the units of `graph`.
 *
 * @param structures Those of the net that it is compared with, if it is another.
 * @param order "structure": see above. "written": as the graph has them.
 */
export function weightedUnits(
  graph: LayerGraph,
  structures: Structures,
  order: "structure" | "written" = "structure",
): readonly WeightedUnit[] {
  const units = new UnitWalk(graph, structures);
  return order === "structure" ? units.fromOutputs() : units.asWritten();
}

class UnitWalk {
  readonly #graph: LayerGraph;
  readonly #structures: Structures;
  /** Batch normalization by the layer that it belongs to, and those. */
  readonly #norms = new Map<string, LayerSpec>();
  readonly #owned = new Set<string>();
  /** Numbers of what gives a value, by the node. */
  readonly #known = new Map<string, number>();

  constructor(graph: LayerGraph, structures: Structures) {
    this.#graph = graph;
    this.#structures = structures;
    for (const node of graph.nodes) {
      const before = ownerOf(graph, node);
      if (before === undefined) continue;
      this.#norms.set(before.layer.name, node.layer);
      this.#owned.add(node.name);
    }
  }

  asWritten(): readonly WeightedUnit[] {
    return this.#unitsOf(this.#graph.nodes);
  }

  fromOutputs(): readonly WeightedUnit[] {
    const met = new Set<string>();
    const nodes: LayerNode[] = [];
    const visit = (value: string): void => {
      const node = producerOf(this.#graph, value);
      if (met.has(node.name)) return;
      met.add(node.name);
      this.#ordered(node).forEach(visit);
      nodes.push(node);
    };
    this.#graph.outputs.forEach(visit);
    return this.#unitsOf(nodes);
  }

  #unitsOf(nodes: readonly LayerNode[]): readonly WeightedUnit[] {
    const layers = new Map<string, LayerSpec>();
    for (const node of nodes) {
      if (hasWeights(node) && !this.#owned.has(node.name)) layers.set(node.layer.name, node.layer);
    }
    return [...layers.values()].map((layer) => {
      const norm = this.#norms.get(layer.name);
      return norm === undefined ? { layer } : { layer, norm };
    });
  }

  /** What a node reads, in the order in which it is looked at. */
  #ordered({ inbound, layer: { className } }: LayerNode): readonly string[] {
    if (!COMMUTATIVE.has(className)) return inbound;
    return inbound.toSorted((a, b) => this.#structureOf(a) - this.#structureOf(b));
  }

  #structureOf(value: string): number {
    const node = producerOf(this.#graph, value);
    const known = this.#known.get(node.name);
    if (known !== undefined) return known;
    const made = this.#describe(node);
    this.#known.set(node.name, made);
    return made;
  }

  #describe(node: LayerNode): number {
    if (isInput(node)) return this.#structures.numberOf("input");
    const read = this.#ordered(node).map((value) => this.#structureOf(value));
    const isUnit = hasWeights(node) && !this.#owned.has(node.name);
    // What only moves values or bends them is told apart by nothing: programs write it in different ways.
    if (!isUnit && read.length === 1) return read[0];
    const what = isUnit ? `${formOf(node.layer).kind} ${formOf(node.layer).shape}` : "joins";
    return this.#structures.numberOf(`${what} (${read})`);
  }
}

/** Returns the node that a batch normalization can be folded into; undefined if there is none. */
function ownerOf(graph: LayerGraph, { inbound, layer: { className, config } }: LayerNode): LayerNode | undefined {
  if (className !== "BatchNormalization" || (config.axis ?? -1) !== -1) return undefined;
  const before = nodeOf(graph, producerOf(graph, inbound[0]).name);
  const isRead = consumersOf(graph, before.name).length > 1 || isOutput(graph, before.name);
  const isShared = graph.nodes.filter(({ layer }) => layer === before.layer).length > 1;
  const isPlain = ["linear", undefined].includes(before.layer.config.activation as string | undefined);
  return SCALABLE.has(before.layer.className) && isPlain && !isRead && !isShared ? before : undefined;
}

/** What a layer's first weight is, however programs write it. */
export interface WeightForm {
  readonly kind: string;
  readonly shape: readonly number[];
}

/** Returns the form of a layer: a convolution of 1×1 and a dense layer have the same. */
export function formOf({ className, weights: [{ shape }] }: LayerSpec): WeightForm {
  if (className === "Dense" || className === "Conv1D" || className === "Conv2D") {
    const size = shape.slice(0, -2);
    return { kind: "kernel", shape: size.every((side) => side === 1) ? shape.slice(-2) : shape };
  }
  return { kind: className, shape };
}

/** Whether a layer's kernel counts outputs last, so that factors of them can be multiplied into it. */
export function isScalable({ className }: LayerSpec): boolean {
  return SCALABLE.has(className);
}
