/** Writes means over all places of a picture or sequence as GlobalAveragePool, which has an int8 kernel; ReduceMean has none. */
import type { Graph, Node } from "../../onnx/graph.ts";
import { pooledChannels } from "../_pooled_channels.ts";
import { toChannelsFirst, toChannelsLast } from "../layout.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** Replaces ReduceMean over all axes of [n, c, …] or [n, …, c] but batch and channels. */
export const globalAveragePool: Pass = definePass({ name: "globalAveragePool", rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const channels = pooledChannels(node, out);
    if (channels === undefined) out.push(node);
    else emitPool(node, channels, out);
    if (node.op === "ReduceMean" && channels === undefined) {
      decline(
        node,
        `it takes means over axes [${node.attrs.axes ?? "all"}], needed are all but the batch's and the channels'`,
      );
    }
  }
  return out.finish();
}

function emitPool(node: Node, channels: number, out: GraphWriter): void {
  const [output] = node.outputs;
  const { shape } = out.typeOf(node.inputs[0]);
  const isFirst = channels === 1;
  const keeps = node.attrs.keepdims !== 0;
  const transposed = (perm: readonly number[], x: string, as = {}) =>
    out.emit("Transpose", [x], { attrs: { perm }, like: node, ...as });
  const x = isFirst ? node.inputs[0] : transposed(toChannelsFirst(shape.length), node.inputs[0]);
  if (isFirst && keeps) return out.push({ ...node, op: "GlobalAveragePool", inputs: [x], attrs: {} });
  const pooled = out.emit("GlobalAveragePool", [x], { like: node });
  if (keeps) transposed(toChannelsLast(shape.length), pooled, { output });
  else out.emit("Reshape", [pooled, out.ints(`${output}_shape`, [shape[0], shape[channels]])], { output, like: node });
}
