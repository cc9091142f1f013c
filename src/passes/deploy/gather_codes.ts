/**
 * Picks codes of a table and makes those real that were picked: an embedding of many tokens would else be made real as a
 * whole for each sample.
 *
 *     Gather(DequantizeLinear(codes), indices) = DequantizeLinear(Gather(codes, indices))
 *
 * The table is held as codes, a quarter of its bytes.
 */
import { type Attrs, type Graph, type Node, typeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** Moves Gather along the first axis before the DequantizeLinear of a constant, which has no scales along that axis. */
export const gatherCodes: Pass = definePass({ name: "gatherCodes", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const table = tableOf(node, index);
    if (table === undefined) out.push(node);
    else pickCodes(node, table, { graph, out });
  }
  return removeDeadNodes(out.finish());
}

/** Returns what dequantizes the constant that `gather` picks slices of; undefined if it picks anything else. */
function tableOf({ op, inputs, attrs }: Node, { producer, constant }: Index): Node | undefined {
  const table = op === "Gather" && (attrs.axis ?? 0) === 0 ? producer(inputs[0]) : undefined;
  if (table?.op !== "DequantizeLinear" || !table.inputs.every((name) => constant(name) !== undefined)) return undefined;
  return constant(table.inputs[1])?.data.length === 1 || axisOf(table) > 0 ? table : undefined;
}

function axisOf({ attrs }: Node): number {
  return (attrs.axis as number | undefined) ?? 1;
}

function pickCodes(
  gather: Node,
  table: Node,
  { graph, out }: { readonly graph: Graph; readonly out: GraphWriter },
): void {
  const [codes, ...grid] = table.inputs;
  const [, indices] = gather.inputs;
  const picked = out.emit("Gather", [codes, indices], { attrs: gather.attrs, like: gather });
  // The dimensions of the indices come in the place of the first one.
  const moved = typeOf(graph, indices).shape.length - 1;
  const attrs: Attrs = graph.initializers.get(grid[0])?.shape.length === 0 ? {} : { axis: axisOf(table) + moved };
  out.emit("DequantizeLinear", [picked, ...grid], { attrs, output: gather.outputs[0], like: gather });
}
