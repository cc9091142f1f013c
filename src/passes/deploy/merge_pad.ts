/** Merges zero padding into the operator after it: a Pad between quantized values stays in float in ONNX Runtime. */
import { codeRangeOf, isCodeType } from "../../numbers/codes.ts";
import type { Attrs, Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/**
 * Merges Pad → Conv into the Conv's pads.
 *
 * Pad → MaxPool merges where the padded values cannot be negative (a grid whose zero point is its lowest code), since
 * MaxPool's own padding never wins and a padding of 0 then wins only in windows that hold nothing greater. Pad → AveragePool
 * merges where all zeros around a picture count: it counts its own padding then.
 */
export const mergePad: Pass = definePass({ name: "mergePad", requires: [holds.foldedConstants], rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const pad = WINDOWED.has(node.op) ? index.producer(node.inputs[0]) : undefined;
    const because = pad?.op === "Pad" ? whyApart(node, pad, { index, out }) : undefined;
    if (pad?.op === "Pad" && because === undefined) out.push(withPads(node, pad, out));
    else out.push(node);
    if (pad !== undefined && because !== undefined) decline(pad, because);
    const reader = node.op === "Pad" ? index.uses(node.outputs[0]).find(({ op }) => !WINDOWED.has(op)) : undefined;
    if (reader !== undefined) decline(node, `"${reader.name}" (${reader.op}) has no padding of its own`);
  }
  return removeDeadNodes(out.finish());
}

/** Operators that pad by themselves. */
const WINDOWED = new Set(["AveragePool", "Conv", "MaxPool"]);

interface Surroundings {
  readonly index: Index;
  readonly out: GraphWriter;
}

/** Says why `node` cannot do what `pad` does before it; undefined if it can. */
function whyApart(node: Node, pad: Node, { index, out }: Surroundings): string | undefined {
  const [x, , value] = pad.inputs;
  const mode = (pad.attrs.mode as string | undefined) ?? "constant";
  if (mode !== "constant") return `its mode is "${mode}", needed is "constant"`;
  const filling = value === undefined || value === "" ? 0 : index.constant(value)?.data[0];
  if (filling === undefined || Number(filling) !== 0) {
    return `it pads with ${filling ?? "what is computed"}, needed is 0`;
  }
  const amounts = out.intsOf(pad.inputs[1]);
  if (amounts?.length !== 8 || amounts.some((a, i) => a < 0 || (i % 4 < 2 && a !== 0))) {
    return `its amounts are [${amounts ?? "computed"}], needed are ones of rows and columns, not below 0`;
  }
  if (node.op === "Conv") return undefined;
  const pool = `"${node.name}" (${node.op})`;
  if (node.op === "MaxPool" && !isNonNegative(x, index)) return `0 would lose against what ${pool} pads with`;
  if (node.op === "AveragePool" && !countsAll(node)) return `${pool} pads by itself, and does not count that`;
  const isInhabited = everyWindowIsInhabited(node, added(amounts));
  return isInhabited ? undefined : `windows of ${pool} would hold nothing but padding`;
}

/** Whether an AveragePool divides all sums by the size of its windows. */
function countsAll({ attrs }: Node): boolean {
  const own = (attrs.pads as readonly number[] | undefined) ?? [];
  // With ceil mode the last windows reach beyond a picture, where nothing counts.
  return (attrs.ceil_mode ?? 0) === 0 && (attrs.count_include_pad === 1 || own.every((pad) => pad === 0));
}

/** Top, left, bottom, right. */
function added(amounts: readonly number[]): readonly number[] {
  return [amounts[2], amounts[3], amounts[6], amounts[7]];
}

function withPads(node: Node, pad: Node, out: GraphWriter): Node {
  const own = (node.attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  const pads = added(out.intsOf(pad.inputs[1])!).map((amount, i) => own[i] + amount);
  const counts: Attrs = node.op === "AveragePool" ? { count_include_pad: 1 } : {};
  return { ...node, inputs: [pad.inputs[0], ...node.inputs.slice(1)], attrs: { ...node.attrs, ...counts, pads } };
}

/** Whether the value is dequantized from a grid that starts at 0. */
function isNonNegative(name: string, index: Index): boolean {
  const dq = index.producer(name);
  if (dq?.op === "Relu") return true;
  const zeroPoint = dq?.op === "DequantizeLinear" ? index.constant(dq.inputs[2]) : undefined;
  if (zeroPoint === undefined || !isCodeType(zeroPoint.dtype)) return false;
  return Number(zeroPoint.data[0]) === codeRangeOf(zeroPoint.dtype).qmin;
}

function everyWindowIsInhabited({ attrs }: Node, pads: readonly number[]): boolean {
  const [kh, kw] = attrs.kernel_shape as readonly number[];
  const own = (attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  return own.every((p, i) => p + pads[i] < (i % 2 === 0 ? kh : kw));
}
