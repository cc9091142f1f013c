/** Convolves and pools sequences as such: TF.js makes them pictures of height or width 1. */
import { type Graph, type Node, sizeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { emitQuantized, quantizedConstant } from "./_quantized_constant.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

const WINDOWED: ReadonlySet<string> = new Set(["Conv", "MaxPool", "AveragePool"]);

/**
 * Replaces Reshape(to a picture of height or width 1) → Conv, MaxPool or AveragePool → Reshape by the operator over one axis.
 *
 * Without the Reshapes the bias is seen right behind its convolution, and the quantizer right behind both.
 */
export const oneDimension: Pass = definePass({ name: "oneDimension", requires: [holds.weightCodes], rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const replaced = new Set<Node>();
  for (const node of graph.nodes) {
    const back = WINDOWED.has(node.op) ? index.soleUse(node.outputs[0]) : undefined;
    if (back?.op === "Reshape" && narrow(node, back, { index, out, replaced })) replaced.add(back);
    else if (!replaced.has(node)) out.push(node);
  }
  return removeDeadNodes(out.finish());
}

interface Narrowing {
  readonly index: Index;
  readonly out: GraphWriter;
  /** Reshapes that were the back of an operator before. */
  readonly replaced: ReadonlySet<Node>;
}

/** Appends `node` over one axis, and what `back` gives under its output's name. Returns whether it could. */
function narrow(node: Node, back: Node, { index, out, replaced }: Narrowing): boolean {
  const there = index.producer(node.inputs[0]);
  if (there?.op !== "Reshape") return false;
  const [picture, result] = [there, node].map(({ outputs }) => out.typeOf(outputs[0]).shape);
  const gone = [2, 3].find((axis) => picture.length === 4 && picture[axis] === 1 && result[axis] === 1);
  if (gone === undefined || !leavesAlone(node, gone - 2)) return false;
  const weights = node.inputs.length < 2 ? [] : [narrowWeights(node.inputs[1], gone, { index, out })];
  if (weights.includes(undefined)) return false;
  // Behind another such operator, what that one's picture was made of is gone.
  const source = replaced.has(there) ? there.outputs[0] : there.inputs[0];
  const x = reshaped(source, picture.toSpliced(gone, 1), { out, like: node });
  const inputs = [x, ...weights.map(String), ...node.inputs.slice(2)];
  const attrs = narrowAttrs(node.attrs, gone - 2);
  const [output] = back.outputs;
  if (isSame(out.typeOf(output).shape, result.toSpliced(gone, 1))) {
    out.push({ ...node, inputs, outputs: [output], attrs });
  } else {
    const y = out.emit(node.op, inputs, { attrs, like: node });
    out.emit("Reshape", [y, back.inputs[1]], { output, like: back });
  }
  return true;
}

function reshaped(x: string, shape: readonly number[], { out, like }: { out: GraphWriter; like: Node }): string {
  if (isSame(out.typeOf(x).shape, shape)) return x;
  return out.emit("Reshape", [x, out.ints(`${x}_shape`, shape)], { like });
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.join() === b.join();
}

/** Whether the window is 1 long along spatial axis `i`, without padding: then strides do not matter either. */
function leavesAlone({ attrs }: Node, i: number): boolean {
  const kernel = attrs.kernel_shape as readonly number[] | undefined;
  const pads = (attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  return kernel?.[i] === 1 && pads[i] === 0 && pads[i + 2] === 0 && (attrs.auto_pad ?? "NOTSET") === "NOTSET";
}

function narrowWeights(
  name: string,
  axis: number,
  { index, out }: { readonly index: Index; readonly out: GraphWriter },
): string | undefined {
  const { shape } = out.typeOf(name);
  if (shape.length !== 4) return undefined;
  const target = shape.toSpliced(axis, 1);
  const constant = index.constant(name);
  if (constant !== undefined) return out.constant(`${name}_1d`, constant.dtype, target, constant.data);
  const quantized = quantizedConstant(index.producer(name), index.constant);
  if (quantized === undefined || sizeOf(target) !== quantized.codes.data.length) return undefined;
  const codes = { ...quantized.codes, shape: target };
  return emitQuantized(out, { ...quantized, codes }, { base: `${quantized.node.inputs[0]}_1d` });
}

function narrowAttrs(attrs: Node["attrs"], i: number): Node["attrs"] {
  return Object.fromEntries(
    Object.entries(attrs).map(([key, value]) => {
      if (!Array.isArray(value)) return [key, value];
      return [key, key === "pads" ? [value[1 - i], value[3 - i]] : value.toSpliced(i, 1)];
    }),
  );
}
