/**
 * Gives operators that only move values (or choose among them) Q/DQ pairs of one grid on both sides.
 *
 * ONNX Runtime runs MaxPool, Reshape, Transpose and their like on codes only between equal pairs. Their results lie on
 * the grid of their input already, so the repeated pair changes no number. Pad between pairs stays in float, whatever
 * they are (B.2): it is written as what it is to be, a Pad of codes by the zero point.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";

/** Operators whose output values are all among their first input's values. */
const MOVEMENT = new Set(
  "MaxPool Reshape Flatten Transpose Squeeze Unsqueeze Slice Gather Expand Tile DepthToSpace Identity ReduceMax ReduceMin"
    .split(" "),
);

function isMovement({ op, attrs }: Node): boolean {
  return MOVEMENT.has(op) || (op === "Resize" && attrs.mode === "nearest");
}

/** Repeats pairs after operators that move dequantized values, and before those that move values about to be quantized. */
export function placeQdq(graph: Graph): Graph {
  return repeatAfter(repeatBefore(graph));
}

/** The scale and zero point of a QuantizeLinear or DequantizeLinear of activations. */
function gridOf({ inputs }: Node): readonly string[] {
  return inputs.slice(1);
}

/** Whether the node has one scale: a movement takes channels elsewhere, and their scales with them. */
function isPerTensor(node: Node, index: Index): boolean {
  return index.constant(node.inputs[1])?.data.length === 1;
}

/** compute → move … → Q becomes compute → Q → DQ → move … → Q. */
function repeatBefore(graph: Graph): Graph {
  const index = indexOf(graph);
  const grids = new Map<string, Node>();
  for (const node of graph.nodes) {
    if (node.op !== "QuantizeLinear" || !isPerTensor(node, index)) continue;
    const source = sourceOf(node.inputs[0], index);
    if (source !== undefined && source !== node.inputs[0]) grids.set(source, node);
  }
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const quantize = grids.get(node.outputs[0]);
    if (quantize === undefined) out.push(node);
    else pushWithPair(out, node, quantize);
  }
  return out.finish();
}

/** Follows single-use movements up to the value that they move, if an operator computes it. */
function sourceOf(name: string, index: Index): string | undefined {
  let value = name;
  for (;;) {
    const node = index.producer(value);
    if (node === undefined || node.op === "DequantizeLinear") return undefined;
    if (!isMovement(node)) return value;
    if (index.soleUse(value) === undefined || index.soleUse(node.inputs[0]) === undefined) return undefined;
    value = node.inputs[0];
  }
}

/** DQ → move → anything but Q becomes DQ → move → Q → DQ → anything. */
function repeatAfter(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const grids = new Map<string, Node>();
  for (const node of graph.nodes) {
    const grid = isMovement(node) || padsByZero(node, index) ? grids.get(node.inputs[0]) : undefined;
    if (grid !== undefined && node.op === "Pad") {
      padCodes(out, node, grid);
      grids.set(node.outputs[0], grid);
      continue;
    }
    const uses = index.uses(node.outputs[0]);
    const isQuantized = uses.length > 0 && uses.every(({ op }) => op === "QuantizeLinear");
    if (node.op === "DequantizeLinear" && index.constant(node.inputs[0]) === undefined && isPerTensor(node, index)) {
      grids.set(node.outputs[0], node);
    }
    if (grid === undefined || isQuantized) out.push(node);
    else {
      pushWithPair(out, node, grid);
      grids.set(node.outputs[0], grid);
    }
  }
  return out.finish();
}

/** Appends `node` with a Q/DQ pair on the grid of `like` behind it; the pair's output takes over its output's name. */
function pushWithPair(out: GraphWriter, node: Node, like: Node): void {
  const [name, ...rest] = node.outputs;
  const bare = out.fresh(`${name}_real`);
  out.types.set(bare, out.typeOf(name));
  out.push({ ...node, outputs: [bare, ...rest] });
  const codes = out.emit("QuantizeLinear", [bare, ...gridOf(like)], { like: node });
  out.emit("DequantizeLinear", [codes, ...gridOf(like)], { output: name, like: node });
}

function padsByZero({ op, inputs, attrs }: Node, index: Index): boolean {
  if (op !== "Pad" || (attrs.mode ?? "constant") !== "constant") return false;
  return inputs[2] === undefined || inputs[2] === "" || Number(index.constant(inputs[2])?.data[0]) === 0;
}

/** Appends a Pad of what `node` pads, as codes on the grid of `like`; 0 is the zero point. */
function padCodes(out: GraphWriter, node: Node, like: Node): void {
  const [, zeroPoint] = gridOf(like);
  const codes = out.emit("QuantizeLinear", [node.inputs[0], ...gridOf(like)], { like: node });
  const padded = out.emit("Pad", [codes, node.inputs[1], zeroPoint, ...node.inputs.slice(3)], {
    attrs: node.attrs,
    like: node,
  });
  out.emit("DequantizeLinear", [padded, ...gridOf(like)], { output: node.outputs[0], like: node });
}
