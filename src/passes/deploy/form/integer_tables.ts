/** Keeps tables that rows are looked up in, embeddings, as int8 with one scale a column. */
import type { QuantScheme } from "../../../numbers/scheme.ts";
import type { Graph, Node } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { definePass, type Pass } from "../../pass.ts";
import { IntegerConstants, savesBytes } from "./_weights.ts";

/**
 * Replaces Gather(table) by DequantizeLinear(Gather(codes)), so that only the rows that are read become real numbers.
 *
 * A table whose codes and scales would take as many bytes, and one that something else reads too, stay as they are.
 */
export function integerTables(scheme: QuantScheme): Pass {
  return definePass({ name: "integerTables", rewrite: (graph) => rewrite(graph, scheme) });
}

function rewrite(graph: Graph, scheme: QuantScheme): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const constants = new IntegerConstants(out, scheme);
  for (const node of graph.nodes) {
    if (isLookUp(node, index)) emitLookUp(node, index, constants);
    else out.push(node);
  }
  return removeDeadNodes(out.finish());
}

function isLookUp(node: Node, index: Index): boolean {
  const [name] = node.inputs;
  const table = index.constant(name);
  return takesRows(node) && table?.dtype === "float32" && table.shape.length === 2 && savesBytes(table, 1) &&
    index.uses(name).every((user) => takesRows(user) && user.inputs[1] !== name) && !index.isOutput(name);
}

function takesRows({ op, attrs: { axis = 0 } }: Node): boolean {
  return op === "Gather" && axis === 0;
}

function emitLookUp(node: Node, index: Index, constants: IntegerConstants): void {
  const { out } = constants;
  const [name, indices] = node.inputs;
  const { codes, scale, zeroPoint } = constants.along(1, name, { tensor: index.constant(name)! });
  const rows = out.emit("Gather", [codes, indices], { attrs: { axis: 0 }, like: node });
  const axis = out.typeOf(rows).shape.length - 1;
  out.emit("DequantizeLinear", [rows, scale, zeroPoint], { attrs: { axis }, output: node.outputs[0], like: node });
}
