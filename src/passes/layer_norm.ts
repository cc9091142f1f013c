/**
 * Writes layer normalization as the one operator that it is: TF.js computes it in a dozen.
 *
 *     m = mean(x);  v = mean((x − m)²);  (x − m) / √(v + ε) · γ + β
 *
 * Means are over the last axes. TF.js spreads all four over x's shape first, some in a shape with a 1 before; so values are
 * followed through Expand and Reshape.
 */
import { type Graph, type Node, sizeOf, typeOf } from "../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../onnx/index.ts";
import { GraphWriter } from "../onnx/writer.ts";
import { definePass, type Pass } from "./pass.ts";

/** The opset from which on ONNX has the operator. */
const SINCE = 17;

/**
 * Replaces the operators of a layer normalization by LayerNormalization, if nothing else reads what is between them.
 *
 * @param opset Of the file; below 17, where there is no such operator, by the eight that compute it without spreading
 *   anything. Default: 17.
 */
export function recognizeLayerNorm(opset: number = SINCE): Pass {
  return definePass({
    name: "recognizeLayerNorm",
    rewrite: (graph) => rewrite(graph, opset < SINCE ? emitSteps : emitOperator),
  });
}

/** Writes what a layer normalization gives of x, γ and β; in x's shape. */
type EmitNorm = (norm: Norm, out: GraphWriter, options: Options) => string;

/** Of the node that gives its result. */
interface Options {
  readonly like: Node;
  readonly output?: string;
}

function rewrite(graph: Graph, emit: EmitNorm): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const found = new Map(graph.nodes.flatMap((node) => {
    const norm = normAt(node, { graph, index });
    return norm === undefined ? [] : [[norm.last, norm] as const];
  }));
  for (const node of graph.nodes) {
    const norm = found.get(node);
    if (norm === undefined) out.push(node);
    else emitShaped(norm, out, emit);
  }
  return removeDeadNodes(out.finish());
}

/** A layer normalization. */
interface Norm {
  /** The node that gives its result. */
  readonly last: Node;
  readonly x: string;
  readonly axis: number;
  readonly epsilon: number;
  readonly gamma?: string;
  readonly beta?: string;
}

interface Place {
  readonly graph: Graph;
  readonly index: Index;
}

/** Returns the layer normalization whose division is `div`; undefined if it is none. */
function normAt(div: Node, place: Place): Norm | undefined {
  const { graph, index } = place;
  if (div.op !== "Div") return undefined;
  const [numerator, deviation] = div.inputs.map(index.producer);
  const sum = deviation?.op === "Sqrt" ? index.producer(deviation.inputs[0]) : undefined;
  if (numerator?.op !== "Sub" || sum?.op !== "Add") return undefined;
  const epsilon = sum.inputs.map(index.constant).find((tensor) => tensor !== undefined && sizeOf(tensor.shape) === 1);
  const variance = sum.inputs.map((name) => sourceOf(name, place)).find((node) => node?.op === "ReduceMean");
  const mean = sourceOf(numerator.inputs[1], place);
  if (epsilon === undefined || variance === undefined || mean?.op !== "ReduceMean") return undefined;
  const x = rootOf(numerator.inputs[0], place);
  const count = lastAxes(mean, place);
  const areOfX = rootOf(mean.inputs[0], place) === x && isSquareOf(variance.inputs[0], { x, mean }, place);
  if (!areOfX || count === undefined || count !== lastAxes(variance, place) || !isAlone(div, x, place)) {
    return undefined;
  }
  const shape = typeOf(graph, x).shape.map(Number);
  const axis = shape.length - count;
  return withFactors({ last: div, x, axis, epsilon: Number(epsilon.data[0]) }, shape.slice(axis), place);
}

/** Follows a value up through what spreads it, and what puts dimensions of 1 before its own. */
function rootOf(name: string, place: Place): string {
  const { graph, index } = place;
  const node = index.producer(name);
  if (node === undefined) return name;
  const [source] = node.inputs;
  const isSame = () =>
    [source, name].map((value) => withoutOnes(typeOf(graph, value).shape)).every((s, _, all) => s === all[0]);
  return node.op === "Expand" || (node.op === "Reshape" && isSame()) ? rootOf(source, place) : name;
}

/** Writes a shape without the dimensions of 1 that it begins with. */
function withoutOnes(shape: readonly (number | string)[]): string {
  const first = shape.findIndex((dim) => dim !== 1);
  return first < 0 ? "" : shape.slice(first).join();
}

function sourceOf(name: string, place: Place): Node | undefined {
  return place.index.producer(rootOf(name, place));
}

/** How many axes `mean` is taken over, if they are the last ones and stay as 1; undefined else. */
function lastAxes({ attrs, inputs }: Node, { graph }: Place): number | undefined {
  if (attrs.axes === undefined || attrs.keepdims === 0) return undefined;
  const { length: rank } = typeOf(graph, inputs[0]).shape;
  const axes = (attrs.axes as readonly number[]).map((axis) => (axis + rank) % rank).toSorted((a, b) => a - b);
  return axes.every((axis, i) => axis === rank - axes.length + i) ? axes.length : undefined;
}

/** Whether `name` is (x − mean)². */
function isSquareOf(name: string, { x, mean }: { readonly x: string; readonly mean: Node }, place: Place): boolean {
  const square = sourceOf(name, place);
  if (square?.op !== "Mul" || square.inputs[0] !== square.inputs[1]) return false;
  const difference = sourceOf(square.inputs[0], place);
  return difference?.op === "Sub" && rootOf(difference.inputs[0], place) === x &&
    sourceOf(difference.inputs[1], place) === mean;
}

/** Whether all that is computed of `x` for `div` is read for it alone. */
function isAlone(div: Node, x: string, { index }: Place): boolean {
  const inner = new Set<Node>();
  const visit = (name: string): void => {
    const node = name === x ? undefined : index.producer(name);
    if (node === undefined || inner.has(node)) return;
    inner.add(node);
    node.inputs.forEach(visit);
  };
  div.inputs.forEach(visit);
  return [...inner].every(({ outputs: [output] }) =>
    !index.isOutput(output) && index.uses(output).every((user) => user === div || inner.has(user))
  );
}

/** Takes in a product with γ and a sum with β behind `norm`, where they are one number for each normalized place. */
function withFactors(norm: Norm, shape: readonly number[], place: Place): Norm {
  const scaled = factorBehind(norm.last, { op: "Mul", shape, place });
  const gamma = scaled === undefined ? norm : { ...norm, last: scaled.node, gamma: scaled.factor };
  const shifted = factorBehind(gamma.last, { op: "Add", shape, place });
  return shifted === undefined ? gamma : { ...gamma, last: shifted.node, beta: shifted.factor };
}

interface Wanted {
  readonly op: "Mul" | "Add";
  readonly shape: readonly number[];
  readonly place: Place;
}

function factorBehind({ outputs: [value] }: Node, { op, shape, place }: Wanted) {
  const { graph, index } = place;
  const node = index.soleUse(value);
  const other = node?.op === op ? node.inputs.find((name) => name !== value) : undefined;
  if (node === undefined || other === undefined) return undefined;
  const factor = rootOf(other, place);
  // A weight: what is computed might come later than where the operator goes.
  const isVector = index.producer(factor) === undefined && typeOf(graph, factor).shape.join() === shape.join();
  return isVector ? { node, factor } : undefined;
}

/** Writes a layer normalization, and what restores the shape that TF.js gave it. */
function emitShaped(norm: Norm, out: GraphWriter, emit: EmitNorm): void {
  const { last, x } = norm;
  const [output] = last.outputs;
  const { shape } = out.typeOf(output);
  if (out.typeOf(x).shape.join() === shape.join()) return void emit(norm, out, { like: last, output });
  const normed = emit(norm, out, { like: last });
  out.emit("Reshape", [normed, out.ints(`${output}_shape`, shape)], { output, like: last });
}

const emitOperator: EmitNorm = ({ x, axis, epsilon, gamma, beta }, out, options) => {
  const shape = out.typeOf(x).shape.slice(axis).map(Number);
  const scale = gamma ?? out.constant(`${x}_scale`, "float32", shape, new Float32Array(sizeOf(shape)).fill(1));
  const inputs = beta === undefined ? [x, scale] : [x, scale, beta];
  return out.emit("LayerNormalization", inputs, { ...options, attrs: { axis, epsilon } });
};

const emitSteps: EmitNorm = ({ x, axis, epsilon, gamma, beta }, out, { like, output }) => {
  const { length: rank } = out.typeOf(x).shape;
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const mean = (value: string) => out.emit("ReduceMean", [value], { attrs: { axes, keepdims: 1 }, like });
  const difference = out.emit("Sub", [x, mean(x)], { like });
  const variance = mean(out.emit("Mul", [difference, difference], { like }));
  const least = out.constant(`${x}_epsilon`, "float32", [], Float32Array.of(epsilon));
  const deviation = out.emit("Sqrt", [out.emit("Add", [variance, least], { like })], { like });
  const steps = [
    ["Div", deviation],
    ...(gamma === undefined ? [] : [["Mul", gamma]]),
    ...(beta === undefined ? [] : [["Add", beta]]),
  ];
  return steps.reduce((value, [op, operand], i) => {
    const isLast = i === steps.length - 1 && output !== undefined;
    return out.emit(op, [value, operand], { like, ...(isLast ? { output } : {}) });
  }, difference);
};
