/**
 * Nodes of a TensorFlow graph that no input decides: what shapes and constants alone compute.
 *
 * Kernels such as Reshape read their elements as they run, which a recorded run cannot give. So they are computed once, for
 * real, and stand in the graph as constants.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import type { GraphJson } from "./_model_json.ts";

interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes, without which of their outputs is read. */
  readonly reads: readonly string[];
}

/** Operations whose results the shapes of what they read decide. */
const OF_SHAPES = new Set(["Shape", "ShapeN", "Size", "Rank"]);

/** Never computed beforehand: what is read, and what is random. */
const NEVER = /^(Placeholder|Random|Multinomial|Truncated|NoOp|VarHandle)/;

/** Lists the nodes that are static and read by others that are not. */
export function staticNodes({ topology }: Pick<GraphJson, "topology">): readonly string[] {
  const nodes = topology.node.map(readNode);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const known = new Map<string, boolean>();
  // Graphs may list nodes in any order, and may be damaged: each is looked at once, a circle is not static.
  const isStatic = (name: string): boolean => {
    const seen = known.get(name);
    if (seen !== undefined) return seen;
    known.set(name, false);
    const node = byName.get(name);
    const found = node !== undefined && !NEVER.test(node.op) &&
      (node.op === "Const" || OF_SHAPES.has(node.op) || (node.reads.length > 0 && node.reads.every(isStatic)));
    known.set(name, found);
    return found;
  };
  const wanted = nodes.filter((node) => !isStatic(node.name)).flatMap(({ reads }) => reads)
    .filter((name) => isStatic(name) && byName.get(name)?.op !== "Const");
  return [...new Set(wanted)];
}

function readNode(node: unknown): GraphNode {
  const { name, op, input } = Object(node);
  const reads = (Array.isArray(input) ? input : []).map(String).filter((read) => !read.startsWith("^"))
    .map((read) => read.replace(/:\d+$/, ""));
  return { name: String(name), op: String(op), reads };
}

/** A graph with constants in the place of some nodes, and what these hold. */
export interface Settled {
  readonly topology: GraphJson["topology"];
  readonly weights: readonly { readonly spec: tf.io.WeightsManifestEntry; readonly bytes: Uint8Array }[];
}

/** Computes static nodes on zeros of these shapes, and puts constants in their place. */
export async function settle(
  json: Pick<GraphJson, "topology">,
  { model, feeds }: { readonly model: GraphModel; readonly feeds: Readonly<Record<string, tf.Tensor>> },
): Promise<Settled | undefined> {
  const names = staticNodes(json);
  if (names.length === 0) return undefined;
  const values = [model.execute({ ...feeds }, [...names])].flat();
  const weights: Settled["weights"][number][] = [];
  for (const [i, value] of values.entries()) {
    const data = await value.data();
    const spec = { name: names[i], shape: value.shape, dtype: value.dtype } as tf.io.WeightsManifestEntry;
    weights.push({ spec, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() });
  }
  tf.dispose(values);
  const settled = new Set(names);
  const node = json.topology.node.map((given) => {
    const name = String(Object(given).name);
    if (!settled.has(name)) return given;
    const { dtype } = weights[names.indexOf(name)].spec;
    return {
      name,
      op: "Const",
      attr: { dtype: { type: TYPES[dtype] }, value: { tensor: { dtype: TYPES[dtype], tensorShape: {} } } },
    };
  });
  return { topology: { ...json.topology, node }, weights };
}

/** TensorFlow's names of element types. */
const TYPES: Readonly<Record<string, string>> = { float32: "DT_FLOAT", int32: "DT_INT32", bool: "DT_BOOL" };
