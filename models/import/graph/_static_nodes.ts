/**
 * Values of a TensorFlow graph that no input decides: what shapes and constants alone compute.
 *
 * Kernels such as Reshape read their elements as they run, which a recorded run cannot give. So they are computed once, for
 * real, and stand in the graph as constants.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import { freeName, giverOf, type GraphNode, type GraphNodes, inOrder, placeOf } from "./_topology.ts";

/** Operations whose results the shapes of what they read decide. */
const OF_SHAPES = new Set(["Shape", "ShapeN", "Size", "Rank"]);

/** Never computed beforehand: what is read, what is random, and what is no tensor. */
const NEVER =
  /^(Placeholder$|Random|Multinomial|Truncated|NoOp|VarHandle|EmptyTensorList|TensorList|TensorArray|HashTable)/;

/** Lists the nodes that are static, constants among them; `ends` are inputs. */
export function staticNodes(nodes: GraphNodes, ends: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const known = new Set<string>();
  for (const { name, op, inputs } of inOrder(nodes, ends)) {
    if (ends.has(name) || NEVER.test(op)) continue;
    const isStatic = op === "Const" || OF_SHAPES.has(op) ||
      (inputs.length > 0 && inputs.every((value) => known.has(giverOf(value))));
    if (isStatic) known.add(name);
  }
  return known;
}

/** Lists the values that are static and no constants yet, and read by nodes that are not static. */
export function staticValues(nodes: GraphNodes, ends: ReadonlySet<string> = new Set()): readonly string[] {
  const known = staticNodes(nodes, ends);
  const wanted = [...nodes.values()].filter(({ name }) => !known.has(name) && !ends.has(name))
    .flatMap(({ inputs }) => inputs)
    .filter((value) => known.has(giverOf(value)) && nodes.get(giverOf(value))?.op !== "Const");
  return [...new Set(wanted)];
}

/** A constant that is added to a model's weights. */
export interface SettledWeight {
  readonly spec: tf.io.WeightsManifestEntry;
  readonly bytes: Uint8Array;
}

/** A graph with constants in the place of some values, and what these hold. */
export interface Settled {
  readonly nodes: GraphNodes;
  readonly weights: readonly SettledWeight[];
}

/** Computes static values on numbers of these shapes, and puts constants in their place. */
export async function settle(
  nodes: GraphNodes,
  { model, feeds }: { readonly model: GraphModel; readonly feeds: Readonly<Record<string, tf.Tensor>> },
): Promise<Settled> {
  const found = compute(staticValues(nodes, new Set(Object.keys(feeds))), { model, feeds });
  const weights: SettledWeight[] = [];
  const constants = new Map<string, string>();
  const added: GraphNode[] = [];
  for (const [value, tensor] of found) {
    const type = TYPES[tensor.dtype];
    if (type === undefined) continue;
    const name = placeOf(value) === 0 ? giverOf(value) : freeName(`${giverOf(value)}/${placeOf(value)}`, nodes);
    const data = await tensor.data();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    // Of the types that are listed.
    weights.push({ spec: { name, shape: tensor.shape, dtype: tensor.dtype } as tf.io.WeightsManifestEntry, bytes });
    constants.set(value, name);
    added.push({
      name,
      op: "Const",
      inputs: [],
      attr: { dtype: { type }, value: { tensor: { dtype: type, tensorShape: {} } } },
    });
  }
  // What passes a weight on gives the weight itself.
  tf.dispose([...found.values()].filter((tensor) => !isKept(tensor)));
  const rest = [...nodes.values()].map((node): [string, GraphNode] => {
    const inputs = node.inputs.map((value) => constants.get(value) ?? value);
    return [node.name, { ...node, inputs }];
  });
  return { nodes: new Map([...rest, ...added.map((node) => [node.name, node] as const)]), weights };
}

/** Computes all values at once, or, where that fails, those that can be computed. */
function compute(
  values: readonly string[],
  { model, feeds }: { readonly model: GraphModel; readonly feeds: Readonly<Record<string, tf.Tensor>> },
): ReadonlyMap<string, tf.Tensor> {
  if (values.length === 0) return new Map();
  const run = (some: readonly string[]) => [model.execute({ ...feeds }, [...some])].flat();
  try {
    const tensors = run(values);
    return new Map(values.map((value, i) => [value, tensors[i]]));
  } catch {
    return new Map(values.flatMap((value) => {
      try {
        return [[value, run([value])[0]] as const];
      } catch {
        // What reads it says so.
        return [];
      }
    }));
  }
}

function isKept(tensor: tf.Tensor): boolean {
  return "kept" in tensor && tensor.kept === true;
}

/** TensorFlow's names of element types. */
const TYPES: Readonly<Record<string, string>> = { float32: "DT_FLOAT", int32: "DT_INT32", bool: "DT_BOOL" };
