/**
 * A graph-model as an ONNX graph: node by node on the backend that records, so that what cannot be recorded is known by name
 * and the values of the ONNX graph are called as TensorFlow's are.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import type { registerBackend } from "../../../src/backend/mod.ts";
import { reasonOf } from "../../../src/text/plain_errors.ts";
import { type Given, named, type NamedGraph } from "./_names.ts";
import { REFUSED_OPERATORS } from "./operators.ts";
import { freeName, giverOf, type GraphNode, type GraphNodes, inOrder, placeOf, plainName } from "./_topology.ts";

/** An input, as it is recorded. */
export interface GraphInput {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: tf.DataType;
}

/** A node that cannot be recorded. */
export interface Refused {
  readonly node: string;
  readonly op: string;
  readonly because: string;
}

/** What was recorded. */
export interface Traced {
  /** Its outputs are the values that were wanted and could be recorded, then those that refused nodes read. */
  readonly graph: NamedGraph;
  readonly refused: readonly Refused[];
}

interface Tracing {
  /** Of single nodes. */
  readonly model: GraphModel;
  readonly single: SingleNodes;
  readonly backend: Awaited<ReturnType<typeof registerBackend>>;
  readonly inputs: readonly GraphInput[];
  readonly wanted: readonly string[];
}

/** Records all nodes of a graph that can be. */
export function trace(nodes: GraphNodes, { model, single, backend, inputs, wanted }: Tracing): Traced {
  const ends = new Set(inputs.map(({ name }) => name));
  const refused: Refused[] = [];
  const given: Given[] = [];
  let outputs: readonly string[] = [];
  const graph = backend.trace(inputs, (tensors) => {
    const recorder = new NodeRecorder(model, single, new Map(inputs.map(({ name }, i) => [name, [tensors[i]]])));
    const unknown = new Set<string>();
    const ordered = inOrder(nodes, ends);
    for (const node of [...ordered, ...unordered(nodes, ordered)]) {
      if (ends.has(node.name) || node.op === "Const" || node.op === "NoOp") continue;
      const isLost = node.inputs.some((value) => unknown.has(giverOf(value)));
      const because = REFUSED_OPERATORS.get(node.op) ?? (isLost ? "" : recorder.record(node));
      if (because === undefined) continue;
      unknown.add(node.name);
      if (because !== "") refused.push({ node: node.name, op: node.op, because });
    }
    const known = recorder.tensors;
    const readByUnknown = [...unknown].flatMap((name) => nodes.get(name)?.inputs ?? []).map(plainName);
    const isKnown = (value: string) => known.get(giverOf(value))?.[placeOf(value)] !== undefined;
    const read = refused.length === 0 ? [] : readByUnknown.filter((value) => !ends.has(giverOf(value)));
    outputs = [...new Set([...wanted, ...read])].filter(isKnown);
    for (const [node, list] of known) {
      list.forEach((tensor, i) => given.push({ value: i === 0 ? node : `${node}:${i}`, tensor }));
    }
    return given.map(({ tensor }) => tensor);
  });
  return { graph: named(graph, { given, nodes, outputs, inputs: ends }), refused };
}

/** Nodes in circles, and what is behind them. */
function unordered(nodes: GraphNodes, ordered: readonly GraphNode[]): readonly GraphNode[] {
  const seen = new Set(ordered.map(({ name }) => name));
  return [...nodes.values()].filter(({ name }) => !seen.has(name));
}

/** Runs single nodes of a model on what those before gave. */
class NodeRecorder {
  /** What nodes gave, by their names. */
  readonly tensors: Map<string, readonly tf.Tensor[]>;
  readonly #model: GraphModel;
  readonly #single: SingleNodes;
  /** How many outputs of each node are read. */
  readonly #counts = new Map<string, number>();

  constructor(model: GraphModel, single: SingleNodes, inputs: ReadonlyMap<string, readonly tf.Tensor[]>) {
    this.#model = model;
    this.#single = single;
    this.tensors = new Map(inputs);
    for (const value of single.values.keys()) {
      this.#counts.set(giverOf(value), Math.max(this.#counts.get(giverOf(value)) ?? 1, placeOf(value) + 1));
    }
  }

  /** Records a node; says why that cannot be done. */
  record({ name, inputs }: GraphNode): string | undefined {
    const outputs = Array.from({ length: this.#counts.get(name) ?? 1 }, (_, i) => `${name}:${i}`);
    const feeds: Record<string, tf.Tensor> = {};
    for (const value of inputs) {
      const fed = this.#single.values.get(value);
      const tensor = this.tensors.get(giverOf(value))?.[placeOf(value)];
      if (fed !== undefined && tensor !== undefined) feeds[fed] = tensor;
    }
    try {
      this.tensors.set(name, [this.#model.execute(feeds, outputs)].flat());
      return undefined;
    } catch (cause) {
      return becauseOf(cause);
    }
  }
}

/** Nodes that each can be run alone: all that they read of others is fed. */
export interface SingleNodes {
  readonly nodes: GraphNodes;
  /** What stands for a value that is fed. */
  readonly values: ReadonlyMap<string, string>;
}

/** Makes nodes read placeholders, one for each value that is no constant. */
export function singleNodes(nodes: GraphNodes): SingleNodes {
  const values = new Map<string, string>();
  const isConstant = (value: string) => nodes.get(giverOf(value))?.op === "Const";
  for (const value of [...nodes.values()].flatMap(({ inputs }) => inputs)) {
    if (isConstant(value) || values.has(value)) continue;
    values.set(value, freeName(`${giverOf(value)}/fed_${placeOf(value)}`, nodes));
  }
  const single = [...nodes.values()].map((node): GraphNode => ({
    ...node,
    inputs: node.inputs.map((value) => values.get(value) ?? value),
  }));
  const fed = [...values.values()].map((name): GraphNode => ({ name, op: "Placeholder", inputs: [], attr: {} }));
  return { nodes: new Map([...single, ...fed].map((node) => [node.name, node])), values };
}

/** What TensorFlow.js says of a node that it cannot run without knowing its inputs. */
function becauseOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : "";
  if (message.startsWith("Unknown op")) return "TensorFlow.js has no such operator";
  if (/dynamic op|returned a promise/.test(message)) return "how much it gives depends on what it reads";
  if (/while a graph is traced/.test(message)) {
    return "it has no form in ONNX, or reads numbers that are not known before the model runs";
  }
  return reasonOf(cause, "it computes what cannot be recorded");
}
