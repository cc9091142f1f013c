/**
 * Keeps ONNX Runtime from merging zero padding into a max pool.
 *
 * Its PadFusion (1.30, all graph optimization levels from "basic" on) takes Pad(0) → MaxPool for a MaxPool with pads of
 * its own. Those never win, while a padded 0 wins in windows of negative values. A Pad of any other value is left alone:
 * here of the normal float32 next below 0, which stands on the same code of every grid as 0, and which ReLU makes 0.
 */
import { LEAST_NORMAL } from "../numbers/round.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { type Index, indexOf } from "../onnx/index.ts";
import { GraphWriter } from "../onnx/writer.ts";
import { definePass, type Pass } from "./pass.ts";

const NEXT_TO_NOTHING = -LEAST_NORMAL;

/** Replaces the 0 of every Pad of float32 that a MaxPool alone reads. */
export const guardPad: Pass = definePass({ name: "guardPad", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (!isAtRisk(node, index, out)) out.push(node);
    else {
      const value = out.constant(`${node.outputs[0]}_value`, "float32", [], Float32Array.of(NEXT_TO_NOTHING));
      out.push({ ...node, inputs: [node.inputs[0], node.inputs[1], value] });
    }
  }
  return out.finish();
}

function isAtRisk({ op, inputs, outputs, attrs }: Node, index: Index, out: GraphWriter): boolean {
  if (op !== "Pad" || (attrs.mode ?? "constant") !== "constant" || inputs.length > 3) return false;
  if (out.typeOf(inputs[0]).dtype !== "float32") return false;
  const isZero = inputs[2] === undefined || inputs[2] === "" || Number(index.constant(inputs[2])?.data[0]) === 0;
  return isZero && index.soleUse(outputs[0])?.op === "MaxPool";
}
