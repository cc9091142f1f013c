/** Random numbers that a graph can be fed with. */
import { allocate, bytesPerElement, type DType } from "../../../src/numbers/dtype.ts";
import { Random } from "../../../src/numbers/random.ts";
import { type Graph, type Node, sizeOf, type Tensor } from "../../../src/onnx/graph.ts";
import { rowsFor } from "../_rows.ts";

/** Operators that hand on some of the numbers that they read first. */
const HANDS_ON: ReadonlySet<string> = new Set(
  "Cast Identity Unsqueeze Squeeze Reshape Flatten Transpose Expand Tile Slice Split".split(" "),
);
const JOINS: ReadonlySet<string> = new Set(["Concat"]);
/** Operators whose second input says which rows of the first are taken. */
const LOOKS_UP: ReadonlySet<string> = new Set(["Gather", "GatherElements"]);

/** One more than the largest whole number where nothing is looked up: bytes are as of pictures, others as of masks. */
const OF_BYTES = 100;
const OF_OTHERS = 2;

/**
 * Draws numbers for each input, the same at each call: real ones from 0 to 1, whole ones that are rows of the tables in
 * which they are looked up.
 *
 * @param shapes The shape of each input.
 */
export function randomFeeds(
  graph: Graph,
  shapes: Readonly<Record<string, readonly number[]>>,
): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(graph.inputs.map((name, i) => {
    const dtype = graph.types.get(name)?.dtype ?? "float32";
    const random = new Random(0, [i]);
    const shape = shapes[name];
    const data = allocate(dtype, sizeOf(shape));
    const rows = rowsFor(name, graph.nodes, {
      rowsOf: (node) => rowsOf(node, graph),
      handsOn: HANDS_ON,
      joins: JOINS,
    });
    const draw = drawOf(random, { dtype, rows });
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      data.forEach((_, k) => data[k] = BigInt(draw()));
    } else data.forEach((_, k) => data[k] = draw());
    return [name, { dtype, shape, data }];
  }));
}

function drawOf(random: Random, { dtype, rows }: { readonly dtype: DType; readonly rows: number }): () => number {
  if (dtype.startsWith("float")) return () => random.between(0, 1);
  const free = dtype !== "bool" && bytesPerElement(dtype) === 1 ? OF_BYTES : OF_OTHERS;
  const limit = Number.isFinite(rows) ? rows : free;
  return () => random.below(limit);
}

/** Says which row of a table may be looked up; of one that is computed the first alone. */
function rowsOf({ op, inputs, attrs }: Node, { initializers }: Graph): number | undefined {
  if (!LOOKS_UP.has(op)) return undefined;
  return initializers.get(inputs[0])?.shape.at(Number(attrs.axis ?? 0)) ?? 1;
}
