/**
 * Gives operators that only move values (or choose among them) Q/DQ pairs of one grid on both sides.
 *
 * ONNX Runtime runs MaxPool, Reshape, Transpose and their like on codes only between equal pairs. Their results lie on
 * the grid of their input already, so the repeated pair changes no number. Pad between pairs stays in float, whatever
 * they are (docs/quantization.md, section 7): it is written as what it is to be, a Pad of codes by the zero point.
 */
import type { Attrs, Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds, isActivation } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** Repeats pairs after operators that move dequantized values, and before those that move values about to be quantized. */
export const placeQdq: Pass = definePass({
  name: "placeQdq",
  requires: [holds.foldedConstants],
  ensures: [holds.equalGrids],
  rewrite,
});

function rewrite(graph: Graph, decline: Decline): Graph {
  return repeatAfter(repeatBefore(graph), decline);
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
  for (const node of graph.nodes) pushWithPairs(out, node, (output) => grids.get(output));
  return out.finish();
}

/** Follows single-use movements up to the value that they move, if an operator computes it. */
function sourceOf(name: string, index: Index): string | undefined {
  let value = name;
  for (;;) {
    const node = index.producer(value);
    if (node === undefined || node.op === "DequantizeLinear") return undefined;
    if (!traitsOf(node).movement || node.outputs.length > 1) return value;
    if (index.soleUse(value) === undefined || index.soleUse(node.inputs[0]) === undefined) return undefined;
    value = node.inputs[0];
  }
}

/** DQ → move → anything but Q becomes DQ → move → Q → DQ → anything. */
function repeatAfter(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const grids = new Map<string, Node>();
  for (const node of graph.nodes) {
    const grid = staysOnGrid(node, index) ? grids.get(node.inputs[0]) : undefined;
    if (grid !== undefined && node.op === "Pad") {
      padCodes(out, node, grid);
      grids.set(node.outputs[0], grid);
      continue;
    }
    if (grid !== undefined && node.outputs.some((output) => isRequantized(output, grid, index))) {
      decline(node, "the grids before and behind it differ, needed is one");
    }
    if (isActivation(node, index)) grids.set(node.outputs[0], node);
    pushWithPairs(out, node, (output) => {
      if (grid === undefined || !isReadInFloat(output, index) || out.typeOf(output).dtype !== "float32") {
        return undefined;
      }
      grids.set(output, grid);
      return grid;
    });
  }
  return out.finish();
}

/** Whether a QuantizeLinear of another grid than `grid`'s reads `value`. */
function isRequantized(value: string, grid: Node, { uses, constant }: Index): boolean {
  return uses(value).some(({ op, inputs }) =>
    op === "QuantizeLinear" && [1, 2].some((i) => constant(inputs[i])?.data[0] !== constant(grid.inputs[i])?.data[0])
  );
}

/** Whether anything but a QuantizeLinear reads `value`. */
function isReadInFloat(value: string, index: Index): boolean {
  return index.isOutput(value) || index.uses(value).some(({ op }) => op !== "QuantizeLinear");
}

/** Appends `node` with a Q/DQ pair behind each output that has a grid; the pair takes over the output's name. */
function pushWithPairs(out: GraphWriter, node: Node, gridFor: (output: string) => Node | undefined): void {
  const paired = node.outputs.map((name) => ({ name, like: name === "" ? undefined : gridFor(name) }));
  const outputs = paired.map(({ name, like }) => {
    if (like === undefined) return name;
    const bare = out.fresh(`${name}_real`);
    out.types.set(bare, out.typeOf(name));
    return bare;
  });
  out.push({ ...node, outputs });
  paired.forEach(({ name, like }, i) => {
    if (like === undefined) return;
    const codes = out.emit("QuantizeLinear", [outputs[i], ...gridOf(like)], { like: node });
    out.emit("DequantizeLinear", [codes, ...gridOf(like)], { output: name, like: node });
  });
}

/** Whether the values that `node` gives are on the grid of its first input: all are its own, or 0, which every grid has. */
export function staysOnGrid(node: Node, index: Index): boolean {
  return traitsOf(node).movement === true || padsOnGrid(node, index);
}

function padsOnGrid({ op, inputs, attrs }: Node, index: Index): boolean {
  if (op !== "Pad") return false;
  if (!padsByConstant(attrs)) return true;
  return inputs[2] === undefined || inputs[2] === "" || Number(index.constant(inputs[2])?.data[0]) === 0;
}

/** Whether what is added is one number, not what is there already. */
function padsByConstant({ mode = "constant" }: Attrs): boolean {
  return mode === "constant";
}

/** Appends a Pad of what `node` pads, as codes on the grid of `like`; 0 is the zero point. */
function padCodes(out: GraphWriter, node: Node, like: Node): void {
  const [, zeroPoint] = gridOf(like);
  const codes = out.emit("QuantizeLinear", [node.inputs[0], ...gridOf(like)], { like: node });
  const value = padsByConstant(node.attrs) ? [zeroPoint, ...node.inputs.slice(3)] : [];
  const padded = out.emit("Pad", [codes, node.inputs[1], ...value], {
    attrs: node.attrs,
    like: node,
  });
  out.emit("DequantizeLinear", [padded, ...gridOf(like)], { output: node.outputs[0], like: node });
}
