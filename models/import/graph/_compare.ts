/** Holds what was imported to what TensorFlow.js itself answers. */
import * as tf from "@tensorflow/tfjs-core";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import type * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../../src/numbers/random.ts";
import { reasonOf } from "../../../src/text/plain_errors.ts";
import { cannotLoad } from "../_model_json.ts";
import { type Difference, differenceOf } from "../imported.ts";
import { rowsFor } from "../_rows.ts";
import { giverOf, type GraphNode, type GraphNodes, inOrder } from "./_topology.ts";
import type { GraphInput } from "./_trace.ts";

/** The largest error, relative to the largest answer. */
const TOLERANCE = 1e-4;

/** Operators that hand on some of the numbers that they read first. */
const HANDS_ON: ReadonlySet<string> = new Set(
  "Cast Identity ExpandDims Squeeze Reshape Slice StridedSlice Tile Transpose Split SplitV Unpack BroadcastTo".split(
    " ",
  ),
);
const JOINS: ReadonlySet<string> = new Set(["Concat", "ConcatV2", "Pack"]);
/** Operators whose second input says which rows of the first are taken, along the axis that their third is. */
const LOOKS_UP: ReadonlySet<string> = new Set(["Gather", "GatherV2", "ResourceGather"]);
/** One more than the largest whole number where nothing is looked up. */
const FREE = 100;

/**
 * Makes random numbers for inputs, by their names: real ones from 0 to 1, whole ones that are rows of the tables in which
 * they are looked up.
 */
export function randomFeeds(
  inputs: readonly GraphInput[],
  { nodes, weights }: { readonly nodes: GraphNodes; readonly weights: GraphModel["weights"] },
): Readonly<Record<string, tf.Tensor>> {
  const steps = inOrder(nodes, new Set()).map((node) => ({
    ...node,
    inputs: node.inputs.map(giverOf),
    outputs: [node.name],
  }));
  const weightOf = (value = "") => weights[value]?.[0];
  const rowsOf = ({ op, inputs: [table, , axis] }: Pick<GraphNode, "op" | "inputs">) =>
    LOOKS_UP.has(op) ? weightOf(table)?.shape.at(weightOf(axis)?.dataSync()[0] ?? 0) ?? 1 : undefined;
  return Object.fromEntries(inputs.map(({ name, shape, dtype }, i) => {
    const random = new Random(1, [i]);
    const rows = rowsFor(name, steps, { rowsOf, handsOn: HANDS_ON, joins: JOINS });
    const below = dtype === "bool" ? 2 : Number.isFinite(rows) ? rows : FREE;
    const draw = dtype === "float32" ? () => random.between(0, 1) : () => random.below(below);
    return [name, tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, draw), shape, dtype)];
  }));
}

interface Comparing {
  readonly model: GraphModel;
  readonly feeds: Readonly<Record<string, tf.Tensor>>;
  /** The inputs that the layers have, by the graph's names. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly path: string;
}

/**
 * Compares what layers answer with what the graph-model does, and returns how far they are apart.
 *
 * @throws {ModelFileError} If an output differs.
 */
export async function compareWithTf(
  layers: tfl.LayersModel,
  { model, feeds, inputs, outputs, path }: Comparing,
): Promise<readonly Difference[]> {
  const own = tf.tidy(() => {
    const fed = inputs.map((name) => tf.cast(feeds[name], "float32"));
    return [layers.predict(fed.length === 1 ? fed[0] : fed)].flat();
  });
  let known: tf.Tensor[] = [];
  try {
    known = answersOf(model, { feeds, outputs, path });
    const differences = await Promise.all(
      outputs.map(async (output, i) => ({
        output,
        error: differenceOf(await own[i].data(), await known[i].data()),
      })),
    );
    const wrong = differences.find(({ error }) => !(error <= TOLERANCE));
    if (wrong === undefined) return differences;
    throw cannotLoad(
      path,
      `its output "${wrong.output}" would be wrong by ${wrong.error.toExponential(1)} of its largest number`,
    );
  } finally {
    tf.dispose([own, known]);
  }
}

function answersOf(
  model: GraphModel,
  { feeds, outputs, path }: Pick<Comparing, "feeds" | "outputs" | "path">,
): tf.Tensor[] {
  try {
    return [model.execute({ ...feeds }, [...outputs])].flat();
  } catch (cause) {
    throw cannotLoad(path, `TensorFlow.js cannot run it: ${reasonOf(cause, "it is damaged")}`, cause);
  }
}
