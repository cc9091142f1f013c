/**
 * Asks early which elements a gradient passes, while the value that it asks about is at hand.
 *
 * A mask is recorded in the backward pass, where it is used, and its value would be kept or computed again until then.
 * Asked where the value is computed, only the answer is kept: a quarter of its size, and no pass
 * over memory computes the value again.
 *
 * The order of nodes in the file is not the one in which ONNX Runtime runs them: it walks from the nodes that nobody
 * reads towards the inputs, beginning at the last one (core/graph/graph.cc, ReverseDFSFrom; nodes compared by index). So
 * each mask is given a reader that costs nothing, and these stand at the end of the file, the first mask's last.
 */
import { bytesOf, type Graph, type Node, sizeOf } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** What computes a bound from values of at most this size is moved along with the mask. */
const SMALL_BYTES = 1 << 16;

/**
 * Answers about larger values stay where they are. Kept between values that come and go, each takes a hole in ONNX
 * Runtime's arena that the next large value does not fit into: mobilenet_v2's step took 0.98 GB instead of 0.79.
 */
const LARGE_BYTES = 1 << 22;

/** Moves range tests, Equal(Clip(v, low, high), v), to the place where v and its bounds are known. */
export const earlyMasks: Pass = definePass({ name: "earlyMasks", rewrite });

function rewrite(graph: Graph): Graph {
  const context: Context = { graph, index: indexOf(graph), moved: new Set() };
  const tests = graph.nodes.filter((node) => isRangeTest(node, context));
  for (const test of tests) {
    const clip = context.index.producer(test.inputs[0])!;
    for (const node of [test, clip]) context.moved.add(node);
    for (const bound of clip.inputs.slice(1)) addSmall(bound, context);
  }
  if (tests.length === 0) return graph;
  const out = new GraphWriter({ ...graph, nodes: [] });
  const order = placed(graph, context.moved);
  for (const node of order) out.push(node);
  const isTest = new Set(tests);
  for (const test of order.filter((node) => isTest.has(node)).toReversed()) {
    const [mask] = test.outputs;
    out.emit("Reshape", [mask, out.ints(`${mask}_size`, [sizeOf(out.typeOf(mask).shape)])], { like: test });
  }
  return out.finish();
}

interface Context {
  readonly graph: Graph;
  readonly index: Index;
  /** The nodes to place early. */
  readonly moved: Set<Node>;
}

/** Whether `node` asks where a value, of a size that pays, lies in a range. */
function isRangeTest({ op, inputs }: Node, { graph, index }: Context): boolean {
  const clip = op === "Equal" ? index.producer(inputs[0]) : undefined;
  if (clip?.op !== "Clip" || clip.inputs[0] !== inputs[1]) return false;
  const bytes = bytesOf(graph, inputs[0]);
  return index.soleUse(inputs[0]) !== undefined && bytes > SMALL_BYTES && bytes <= LARGE_BYTES;
}

/** Adds what computes `name` from small values. */
function addSmall(name: string, context: Context): void {
  const { graph, index, moved } = context;
  const node = index.producer(name);
  if (node === undefined || moved.has(node) || node.inputs.some((input) => bytesOf(graph, input) > SMALL_BYTES)) return;
  moved.add(node);
  for (const input of node.inputs) addSmall(input, context);
}

/** Returns all nodes in an order in which each of `moved` stands right behind the last that it needs. */
function placed({ nodes, inputs, initializers }: Graph, moved: ReadonlySet<Node>): readonly Node[] {
  const known = new Set(["", ...inputs, ...initializers.keys()]);
  const waiting = new Map<string, Node[]>();
  const order: Node[] = [];
  const place = (node: Node) => {
    order.push(node);
    for (const output of node.outputs) {
      known.add(output);
      const readers = waiting.get(output) ?? [];
      waiting.delete(output);
      for (const reader of readers) placeOrWait(reader);
    }
  };
  const placeOrWait = (node: Node) => {
    const missing = node.inputs.find((name) => !known.has(name));
    if (missing === undefined) place(node);
    else waiting.set(missing, [...waiting.get(missing) ?? [], node]);
  };
  for (const node of nodes) if (moved.has(node)) placeOrWait(node);
  for (const node of nodes) if (!moved.has(node)) place(node);
  return order;
}
