/** Keeps weights in half precision and computes in float32: half the bytes, and the same speed once a file is loaded. */
import { codeOf } from "../../../numbers/dtype.ts";
import { lossesOfHalf, toHalf } from "../../../numbers/half.ts";
import type { Graph, Tensor } from "../../../onnx/graph.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { describeLosses } from "./_half_plan.ts";
import { finiteElements } from "./_weights.ts";

/** Puts a Cast behind every matrix, kernel and table, which runtimes compute as they load the file. */
export const halfWeights: Pass = definePass({ name: "halfWeights", rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const out = new GraphWriter(graph);
  const cast = new Map<string, string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      const tensor = graph.initializers.get(name);
      if (tensor === undefined || !isWeights(tensor)) return name;
      const { beyond } = lossesOfHalf(finiteElements(name, tensor));
      const loss = beyond > 0 ? `its weights reach ${beyond}, beyond 65504` : describeLosses(tensor);
      if (loss !== undefined) decline(node, loss);
      if (beyond > 0) return name;
      const half = cast.get(name) ?? castOf(name, tensor, out);
      cast.set(name, half);
      return half;
    });
    out.push({ ...node, inputs });
  }
  return out.finish();
}

/** Vectors are biases and scales: they weigh nothing. */
function isWeights({ dtype, shape, data }: Tensor): boolean {
  return dtype === "float32" && shape.length >= 2 && data.length >= 16;
}

function castOf(name: string, tensor: Tensor, out: GraphWriter): string {
  const half = out.constant(`${name}_half`, "float16", tensor.shape, toHalf(tensor.data as Float32Array));
  return out.emit("Cast", [half], { attrs: { to: codeOf("float32") } });
}
