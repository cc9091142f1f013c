/**
 * Removes what the engine asks about NaN and a deployed graph does not need to.
 *
 * TF.js's Max and Min keep NaN, its ArgMax and ArgMin pass over it; ONNX Runtime's do neither. `src/ops` guards them
 * for training, where no NaN may go unseen. Integers have none, and the guards would come between Q and DQ.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { ofNodes } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces Where(IsNaN(sum of squares of x), NaN, ReduceMax(x)) and the Where(IsNaN(x), -∞, x) before ArgMax. */
export const dropNanGuards: Pass = definePass({
  name: "dropNanGuards",
  ensures: [ofNodes("no NaN is asked for", isGuard)],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const nodes = graph.nodes.map((node) => isGuard(node, index) ? passOn(node) : node);
  return removeDeadNodes({ ...graph, nodes });
}

/** The later passes remove Identity, and know what to do where it makes a graph output. */
function passOn(guard: Node): Node {
  return { ...guard, op: "Identity", inputs: [guard.inputs[2]], attrs: {} };
}

function isGuard({ op, inputs, outputs }: Node, { producer, constant, uses }: Index): boolean {
  if (op !== "Where") return false;
  const [asked, instead, guarded] = [producer(inputs[0]), constant(inputs[1]), producer(inputs[2])];
  if (asked?.op !== "IsNaN" || instead?.data.length !== 1) return false;
  const chosen = Number(instead.data[0]);
  const [subject] = asked.inputs;
  if (Math.abs(chosen) === Infinity && subject === inputs[2]) {
    const readers = uses(outputs[0]);
    return readers.length > 0 && readers.every((use) => use.op === (chosen < 0 ? "ArgMax" : "ArgMin"));
  }
  const sum = producer(subject);
  return Number.isNaN(chosen) && sum?.op === "ReduceSumSquare" && sum.inputs[0] === guarded?.inputs[0] &&
    (guarded.op === "ReduceMax" || guarded.op === "ReduceMin");
}
