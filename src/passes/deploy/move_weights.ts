/** Moves the elements of integer constants to where their user wants them, so that DequantizeLinear comes last. */
import type { Graph } from "../../onnx/graph.ts";
import { emitQuantized, type QuantizedConstant, quantizedConstant, transposed } from "./_quantized_constant.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces DequantizeLinear(codes) → Reshape/Transpose … by DequantizeLinear(moved codes). */
export const moveWeights: Pass = definePass({
  name: "moveWeights",
  requires: [holds.foldedConstants],
  ensures: [holds.weightCodes],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const out = new GraphWriter(graph);
  const constants = new Map<string, QuantizedConstant>();
  const written = new Set<string>();
  const write = (name: string) => {
    const constant = constants.get(name);
    if (constant === undefined || written.has(name)) return;
    written.add(name);
    emitQuantized(out, constant, { base: baseName(constant.node.inputs[0]), output: name });
  };
  for (const node of graph.nodes) {
    const constant = quantizedConstant(node, (name) => graph.initializers.get(name ?? "")) ?? moved(node);
    if (constant !== undefined) constants.set(node.outputs[0], constant);
    else {
      for (const input of node.inputs) write(input);
      out.push(node);
    }
  }
  for (const output of graph.outputs) write(output);
  return out.finish();

  function moved({ op, inputs, attrs, outputs }: Graph["nodes"][number]): QuantizedConstant | undefined {
    const source = constants.get(inputs[0]);
    if (source === undefined) return undefined;
    const { shape } = out.typeOf(outputs[0]);
    const { codes } = source;
    if (op === "Reshape") return { ...source, codes: { ...codes, shape } };
    if (op !== "Transpose") return undefined;
    return transposed(
      source,
      attrs.perm as readonly number[] | undefined ?? codes.shape.map((_, axis) => axis).reverse(),
    );
  }
}

/** "conv1/kernel_codes" and its kin keep the name of the weight that they come from. */
function baseName(name: string): string {
  return name.replace(/_codes$/, "");
}
