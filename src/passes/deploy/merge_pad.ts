/** Merges zero padding into the operator after it: a Pad between quantized values stays in float in ONNX Runtime. */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/**
 * Merges Pad → Conv into the Conv's pads.
 *
 * Pad → MaxPool merges where the padded values cannot be negative (a grid whose zero point is its lowest code), since
 * MaxPool's own padding never wins and a padding of 0 then wins only in windows that hold nothing greater.
 */
export const mergePad: Pass = definePass({ name: "mergePad", requires: [holds.foldedConstants], rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) out.push(merged(node, index, out) ?? node);
  return removeDeadNodes(out.finish());
}

function merged(node: Node, index: Index, out: GraphWriter): Node | undefined {
  if (node.op !== "Conv" && node.op !== "MaxPool") return undefined;
  const pad = index.producer(node.inputs[0]);
  if (pad?.op !== "Pad" || ((pad.attrs.mode as string | undefined) ?? "constant") !== "constant") return undefined;
  const value = index.constant(pad.inputs[2]);
  if (pad.inputs[2] !== undefined && pad.inputs[2] !== "" && Number(value?.data[0]) !== 0) return undefined;
  const amounts = out.intsOf(pad.inputs[1]);
  if (amounts?.length !== 8 || amounts.some((a, i) => a < 0 || (i % 4 < 2 && a !== 0))) return undefined;
  const [top, left, bottom, right] = [amounts[2], amounts[3], amounts[6], amounts[7]];
  if (
    node.op === "MaxPool" &&
    !(isNonNegative(pad.inputs[0], index) && everyWindowIsInhabited(node, [top, left, bottom, right]))
  ) {
    return undefined;
  }
  const own = (node.attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  const pads = [own[0] + top, own[1] + left, own[2] + bottom, own[3] + right];
  return { ...node, inputs: [pad.inputs[0], ...node.inputs.slice(1)], attrs: { ...node.attrs, pads } };
}

/** Whether the value is dequantized from a grid that starts at 0. */
function isNonNegative(name: string, index: Index): boolean {
  const dq = index.producer(name);
  if (dq?.op === "Relu") return true;
  const zeroPoint = dq?.op === "DequantizeLinear" ? index.constant(dq.inputs[2]) : undefined;
  return zeroPoint?.dtype === "uint8" && Number(zeroPoint.data[0]) === 0;
}

function everyWindowIsInhabited({ attrs }: Node, pads: readonly number[]): boolean {
  const [kh, kw] = attrs.kernel_shape as readonly number[];
  const own = (attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  return own.every((p, i) => p + pads[i] < (i % 2 === 0 ? kh : kw));
}
