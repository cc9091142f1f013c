/**
 * Bounds as files write them in parts: minima and maxima with numbers, one after another, are one Clip, or a Relu.
 *
 * ReLU6 is min(max(x, 0), 6), in either order, and often behind a ReLU.
 */
import { type Node, sizeOf, type Tensor } from "../../../src/onnx/graph.ts";
import { realsOf } from "./_call.ts";

/** What is known of nodes. */
interface Known {
  readonly producers: ReadonlyMap<string, Node>;
  readonly statics: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

interface Flow extends Omit<Known, "producers"> {
  readonly nodes: readonly Node[];
}

/** A value between bounds. */
interface Bounded {
  readonly x: string;
  readonly low: number;
  readonly high: number;
}

/** Puts one operator in the place of the last of each chain of bounds, with the constants that it reads. */
export function recognizeBounds<T extends Flow>(flow: T): T {
  const producers = new Map(flow.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const known = { producers, statics: flow.statics, shapes: flow.shapes };
  const statics = new Map(flow.statics);
  const nodes = flow.nodes.map((node): Node => {
    const step = boundOf(node, known);
    if (step === undefined) return node;
    const { x, low, high } = boundedBy(node.outputs[0], known);
    // One that has its operator already stays.
    if (x === step.x && (node.op === "Relu" || node.op === "Clip")) return node;
    if (low === 0 && high === Infinity) return { ...node, op: "Relu", inputs: [x], attrs: {} };
    const names = [low, high].map((bound, i) => {
      if (!Number.isFinite(bound)) return "";
      const name = `${node.outputs[0]}/${i === 0 ? "low" : "high"}`;
      statics.set(name, { dtype: "float32", shape: [], data: Float32Array.of(bound) });
      return name;
    });
    return { ...node, op: "Clip", inputs: [x, ...names], attrs: {} };
  });
  return { ...flow, nodes, statics };
}

/** Follows bounds to the value that they are of. */
function boundedBy(name: string, known: Known): Bounded {
  const node = known.producers.get(name);
  const step = node && boundOf(node, known);
  if (step === undefined) return { x: name, low: -Infinity, high: Infinity };
  const inner = boundedBy(step.x, known);
  const within = (value: number) => Math.min(step.high, Math.max(step.low, value));
  return { x: inner.x, low: within(inner.low), high: within(inner.high) };
}

/** The bounds that a node alone puts a value between. */
function boundOf({ op, domain, inputs, outputs }: Node, { statics, shapes }: Known): Bounded | undefined {
  if (domain !== undefined) return undefined;
  const numberOf = (name = "") => {
    const tensor = statics.get(name);
    return tensor !== undefined && sizeOf(tensor.shape) === 1 ? realsOf(tensor)[0] : undefined;
  };
  const [x, a = "", b = ""] = inputs;
  if (op === "Relu") return { x, low: 0, high: Infinity };
  if (op === "Clip") {
    const [low, high] = [a === "" ? -Infinity : numberOf(a), b === "" ? Infinity : numberOf(b)];
    return low === undefined || high === undefined || low > high ? undefined : { x, low, high };
  }
  if ((op !== "Max" && op !== "Min") || inputs.length !== 2) return undefined;
  const place = inputs.findIndex((name) => numberOf(name) !== undefined);
  const bound = numberOf(inputs[place]);
  const of = inputs[1 - place];
  if (bound === undefined || statics.has(of) || shapes.get(of)?.join() !== shapes.get(outputs[0])?.join()) {
    return undefined;
  }
  return op === "Max" ? { x: of, low: bound, high: Infinity } : { x: of, low: -Infinity, high: bound };
}
