/**
 * Takes values from one grid to another on integers.
 *
 * A ReLU that reads a grid, because something else does too, has a grid of its own. ONNX Runtime leaves DQ → Relu → Q to
 * float, and merges the two pairs of Q → DQ → Q → DQ where nothing stands between, which changes numbers
 * (DoubleQDQPairsRemover, docs/quantization.md, section 10). LeakyRelu has an int8 kernel for any two grids, a table: with a slope of 0
 * it is ReLU, with a slope of 1 the identity.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds, isActivation } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces DQ → Relu → Q by DQ → LeakyRelu(0) → Q, and DQ → Q by DQ → LeakyRelu(1) → Q, for activations. */
export const requantize: Pass = definePass({
  name: "requantize",
  requires: [holds.equalGrids],
  ensures: [holds.tables],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const table = tableFor(node, index);
    if (table === undefined) {
      out.push(node);
      continue;
    }
    const attrs = { alpha: table.slope };
    const moved = out.emit("LeakyRelu", [table.source], { attrs, like: table.like });
    out.push({ ...node, inputs: [moved, ...node.inputs.slice(1)] });
  }
  return removeDeadNodes(out.finish());
}

interface Table {
  /** The dequantized value. */
  readonly source: string;
  readonly slope: 0 | 1;
  readonly like: Node;
}

function tableFor(node: Node, index: Index): Table | undefined {
  if (node.op !== "QuantizeLinear") return undefined;
  const before = index.producer(node.inputs[0]);
  if (before === undefined) return undefined;
  if (isActivation(before, index)) return { source: before.outputs[0], slope: 1, like: quantized(node) };
  const source = before.op === "Relu" ? index.producer(before.inputs[0]) : undefined;
  return source !== undefined && isActivation(source, index)
    ? { source: source.outputs[0], slope: 0, like: before }
    : undefined;
}

/** The quantizer as part of the layer that it stands behind: a clip that it does anyway is gone. */
function quantized({ layer, ...node }: Node): Node {
  return layer === undefined ? node : { ...node, layer: layer.replace(/_quant$/, "") };
}
