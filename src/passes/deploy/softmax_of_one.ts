/**
 * Keeps softmax over one value from ONNX Runtime's int8 kernel, which answers 0 there.
 *
 * QLinearSoftmax (1.30, CPU) looks up e^x in tables of 256 entries and divides by their sum. Of one value it makes 256 steps
 * of 1/256, one code too many, and that code wraps to 0. By definition the answer is 1, whatever the value: x^0 is 1 as well,
 * of the same shape, and has no int8 kernel that could be wrong.
 */
import { type Graph, type Node, typeOf } from "../../onnx/graph.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { ofNodes } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces every Softmax along an axis of length 1 by a power of 0. */
export const softmaxOfOne: Pass = definePass({
  name: "softmaxOfOne",
  ensures: [
    ofNodes("no Softmax has an axis of length 1", (node, _, graph) => isOfOne(node, graph)),
  ],
  rewrite(graph, decline) {
    const out = new GraphWriter(graph);
    for (const node of graph.nodes) {
      if (!isOfOne(node, graph)) {
        out.push(node);
        continue;
      }
      const zero = out.constant(`${node.outputs[0]}_exponent`, "float32", [], Float32Array.of(0));
      const power: Node = { ...node, op: "Pow", inputs: [node.inputs[0], zero], attrs: {} };
      out.push(power);
      decline(power, "it is a softmax of one value, 1 by definition, of which ONNX Runtime's int8 kernel makes 0");
    }
    return out.finish();
  },
});

function isOfOne({ op, inputs, attrs }: Node, graph: Graph): boolean {
  return op === "Softmax" && typeOf(graph, inputs[0]).shape.at((attrs.axis as number | undefined) ?? -1) === 1;
}
