/** Layer normalization, as files write it before opset 17. */
import type { Node } from "../../../../src/onnx/graph.ts";
import { realsOf } from "../_call.ts";
import { besides, type Known, made, numberOf, type Pattern } from "./_pattern.ts";

/** (x − mean(x)) / √(mean((x − mean(x))²) + ε) over the last axes. */
export function norm(node: Node, known: Known): ReturnType<Pattern> {
  if (node.op !== "Div") return undefined;
  const centred = centredOf(node.inputs[0], known);
  const root = made(node.inputs[1], "Sqrt", known);
  const shifted = root && made(root.inputs[0], "Add", known);
  const sum = shifted && besides(shifted, (name) => numberOf(name, known));
  if (centred === undefined || sum === undefined) return undefined;
  const variance = meanOf(sum.other, known);
  const square = variance && squareOf(variance.x, known);
  const again = square === undefined ? undefined : centredOf(square, known);
  if (again?.x !== centred.x || variance?.axis !== centred.axis || again.axis !== centred.axis) return undefined;
  return { op: "LayerNormalization", inputs: [centred.x], attrs: { axis: centred.axis, epsilon: sum.found } };
}

/** A normalization times a constant, and plus another. */
export function scaledNorm(node: Node, known: Known): ReturnType<Pattern> {
  const isSum = node.op === "Add";
  if (!isSum && node.op !== "Mul") return undefined;
  const inner = besides(node, (name) => {
    const producer = known.producers.get(name);
    return producer && (isSum ? scaledNorm(producer, known) : norm(producer, known));
  });
  if (inner === undefined) return undefined;
  const { found, other } = inner;
  // A bias without a factor is none of a normalization's, nor is a second factor or bias.
  if (found.inputs.length !== (isSum ? 2 : 1)) return undefined;
  const sides = known.shapes.get(found.inputs[0])?.slice(Number(found.attrs.axis));
  if (known.statics.get(other)?.shape.join() !== sides?.join()) return undefined;
  return { ...found, inputs: [...found.inputs, other] };
}

/** x − mean(x) over the last axes. */
function centredOf(name: string, known: Known): { readonly x: string; readonly axis: number } | undefined {
  const node = made(name, "Sub", known);
  const mean = node && meanOf(node.inputs[1], known);
  return node !== undefined && mean?.x === node.inputs[0] ? mean : undefined;
}

/** A mean over the last axes, from `axis` on, counted from the end. */
function meanOf(name: string, known: Known): { readonly x: string; readonly axis: number } | undefined {
  const node = made(name, "ReduceMean", known);
  if (node === undefined || (node.attrs.keepdims ?? 1) !== 1) return undefined;
  const [x, list = ""] = node.inputs;
  const rank = known.shapes.get(x)?.length ?? 0;
  const given = known.statics.get(list);
  if (given === undefined) return undefined;
  const axes = Array.from(realsOf(given), (axis) => axis < 0 ? axis : axis - rank).toSorted((a, b) => a - b);
  const areLast = axes.every((axis, i) => axis === i - axes.length);
  return areLast && axes.length < rank ? { x, axis: axes[0] } : undefined;
}

/** What a value is the square of. */
function squareOf(name: string, known: Known): string | undefined {
  const power = made(name, "Pow", known);
  if (power !== undefined && numberOf(power.inputs[1], known) === 2) return power.inputs[0];
  const product = made(name, "Mul", known);
  return product !== undefined && product.inputs[0] === product.inputs[1] ? product.inputs[0] : undefined;
}
