/**
 * Keeps a ReLU in float that is to stay there.
 *
 * Before a QuantizeLinear that saturates where it clips, ONNX Runtime (1.30, CPU) drops it, and runs the operator before it
 * on integers (as `dropRedundant` drops a Clip); between two grids it would become a table (`requantize`). A Max of one value, which changes nothing and
 * which no optimization removes, stands between it and its quantization.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";
import { pushGuarded } from "./_guard.ts";
import { isRedundant } from "./to_qoperators.ts";

/** What stays in float. */
export interface GuardReluOptions {
  /** Names of layers. Default: none. */
  readonly float?: ReadonlySet<string>;
}

/** Puts a Max behind every Relu and Clip of the layers `float` that would become part of the grid behind it. */
export function guardRelu({ float = new Set() }: GuardReluOptions): Pass {
  return definePass({
    name: "guardRelu",
    requires: [holds.equalGrids],
    rewrite(graph: Graph) {
      const index = indexOf(graph);
      const out = new GraphWriter(graph);
      for (const node of graph.nodes) {
        if (float.has(node.layer ?? "") && isAbsorbed(node, index)) pushGuarded(node, out);
        else out.push(node);
      }
      return out.finish();
    },
  });
}

function isAbsorbed(node: Node, index: Index): boolean {
  if (node.op !== "Relu" && node.op !== "Clip") return false;
  return index.uses(node.outputs[0]).some((reader) =>
    reader.op === "QuantizeLinear" && (node.op === "Relu" || isRedundant(node, reader, index))
  );
}
