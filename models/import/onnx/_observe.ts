/** What ONNX Runtime finds when it runs a model once: the shape of every value, and the values that no input decides. */
import { joinBytes } from "../../../src/numbers/bytes.ts";
import type { Graph, Node, Tensor } from "../../../src/onnx/graph.ts";
import { type HostTensor, Session } from "../../../src/runtime/session.ts";
import { field, textField } from "../../../src/onnx/file/wire.ts";
import { randomFeeds } from "./_feeds.ts";

/** What is known of a model's values. */
export interface Observed {
  /** Of every value that is there at all. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Constants, and what follows from constants and shapes alone. */
  readonly statics: ReadonlyMap<string, Tensor>;
  /** Values that are whole numbers. */
  readonly integers: ReadonlySet<string>;
  /** What was fed, and what came of it. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly outputs: Readonly<Record<string, HostTensor>>;
}

/** Operators whose results the shapes of what they read decide. */
const OF_SHAPES = new Set(["Shape", "Size"]);

/**
 * Runs a model on random numbers, all its values its outputs.
 *
 * @param inputs The shape of each input.
 * @param outputs The values that are answers.
 * @throws {Error} ONNX Runtime's own error, if it cannot run it.
 */
export function observe(
  file: Uint8Array,
  { graph, inputs, outputs: wanted }: {
    readonly graph: Graph;
    readonly inputs: Readonly<Record<string, readonly number[]>>;
    readonly outputs: readonly string[];
  },
): Observed {
  const seen = graph.nodes.filter(({ op }) => !NO_TENSORS.has(op)).flatMap(({ outputs }) => outputs);
  const names = [...new Set(seen.filter((name) => name !== ""))];
  const session = new Session(withOutputs(file, names.filter((name) => !graph.outputs.includes(name))), {
    optimization: "disabled",
  });
  try {
    const feeds = randomFeeds(graph, inputs);
    const found = session.run(feeds);
    const known: [string, Tensor][] = [...graph.initializers];
    const isStatic = staticNames(graph);
    for (const [name, { dtype, shape, data }] of Object.entries(found)) {
      if (isStatic.has(name)) known.push([name, { dtype, shape, data: data as Tensor["data"] }]);
    }
    const shapes = new Map<string, readonly number[]>([
      ...[...graph.initializers].map(([name, { shape }]) => [name, shape] as const),
      ...Object.entries(feeds).map(([name, { shape }]) => [name, shape] as const),
      ...Object.entries(found).map(([name, { shape }]) => [name, shape] as const),
    ]);
    const integers = new Set(
      [...graph.initializers, ...Object.entries(feeds), ...Object.entries(found)]
        .filter(([, { dtype }]) => /^u?int/.test(dtype)).map(([name]) => name),
    );
    const outputs = Object.fromEntries(wanted.map((name) => [name, found[name]]));
    return { shapes, statics: new Map(known), integers, feeds, outputs };
  } finally {
    session.dispose();
  }
}

/** Lists the values that no number of an input decides. */
function staticNames(graph: Graph): ReadonlySet<string> {
  const known = new Set(graph.initializers.keys());
  const isKnown = (name: string) => name === "" || known.has(name);
  for (const { op, inputs, outputs } of graph.nodes) {
    if (OF_SHAPES.has(op) || (!NEVER_STATIC.has(op) && inputs.every(isKnown))) {
      outputs.forEach((name) => known.add(name));
    }
  }
  return known;
}

/** Operators that hold graphs, which may read any value, and what they give may be a list of tensors. */
const WITH_GRAPHS = ["If", "Loop", "Scan", "SequenceMap"];
/** Operators that give lists of tensors, or none. */
const OF_LISTS = [
  "SequenceConstruct",
  "SequenceEmpty",
  "SequenceErase",
  "SequenceInsert",
  "SplitToSequence",
  "Optional",
];
const RANDOM = ["RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"];
const NEVER_STATIC = new Set([...WITH_GRAPHS, ...OF_LISTS, ...RANDOM]);
const NO_TENSORS = new Set([...WITH_GRAPHS, ...OF_LISTS]);

/** Field numbers of onnx.proto3: ModelProto.graph, GraphProto.output, ValueInfoProto.name. */
const [GRAPH, OUTPUT, NAME] = [7, 12, 1];

/**
 * Adds outputs to a file without reading it: what a message has twice is read as one, and its lists are joined
 * (protobuf's encoding guide, "last one wins").
 */
export function withOutputs(file: Uint8Array, names: readonly string[]): Uint8Array {
  return joinBytes([file, field(GRAPH, joinBytes(names.map((name) => field(OUTPUT, textField(NAME, name)))))]);
}

/** Lists the nodes whose results are needed and not static. */
export function livingNodes(graph: Graph, statics: ReadonlyMap<string, Tensor>): readonly Node[] {
  const needed = new Set(graph.outputs);
  const living: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name) && !statics.has(name))) continue;
    living.unshift(node);
    node.inputs.forEach((name) => needed.add(name));
  }
  return living;
}
