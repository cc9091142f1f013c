/** Reductions of values on blocked channels. */
import type { Node } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import type { BlockedRule } from "./_conv_rules.ts";
import type { BlockedForms } from "./_forms.ts";

/** The axes that a reduction sums over; undefined if they are not known. */
function axesOf(node: Node, forms: BlockedForms): readonly number[] | undefined {
  const rank = forms.shapeOf(node.inputs[0]).length;
  const listed = node.inputs.length > 1 ? forms.out.intsOf(node.inputs[1]) : node.attrs.axes as readonly number[];
  if (listed === undefined) return node.inputs.length > 1 ? undefined : Array.from({ length: rank }, (_, i) => i);
  return listed.map((axis) => axis < 0 ? axis + rank : axis).sort((a, b) => a - b);
}

/** Means and sums over the pixels of each channel, of an image or of the batch. */
export const sum: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  const axes = axesOf(node, forms)?.join();
  const factors = factorsOf(node, forms);
  if (factors === undefined && !forms.isBlocked(x)) return false;
  if (axes !== "0,2,3" && axes !== "2,3") return false;
  const { out } = forms;
  const [n, channels, h, w] = forms.blockedShape(x);
  const perImage = factors === undefined ? meanOfPixels(forms, x) : sumOfProducts(forms, factors);
  let result = forms.view(perImage, [n, channels]);
  if (axes === "0,2,3") result = reduceFirst(node, forms, result);
  const isMean = node.op === "ReduceMean";
  if (factors === undefined && !isMean) {
    result = out.emit("Mul", [result, out.constant(`${node.name}_pixels`, "float32", [], Float32Array.of(h * w))]);
  }
  const counted = forms.first(result, { axis: -1, count: forms.shapeOf(x)[1] });
  forms.view(counted, forms.shapeOf(node.outputs[0]), node.outputs[0]);
  return true;
};

function reduceFirst(node: Node, { out }: BlockedForms, name: string): string {
  if (node.op === "ReduceMean") return out.emit("ReduceMean", [name], { attrs: { axes: [0], keepdims: 0 } });
  return out.emit("ReduceSum", [name, out.ints(`${name}_axes`, [0])], { attrs: { keepdims: 0 } });
}

function meanOfPixels(forms: BlockedForms, x: string): string {
  const [n, channels] = forms.blockedShape(x);
  const type = { dtype: "float32", shape: [n, channels, 1, 1] } as const;
  return forms.out.place("GlobalAveragePool", [forms.blocked(x)], { domain: BLOCKED_DOMAIN, type });
}

/** The two pictures whose product `node` sums up, where no other node reads the product. */
function factorsOf(node: Node, forms: BlockedForms): readonly [string, string] | undefined {
  const [x] = node.inputs;
  if (node.op === "ReduceSumSquare") return forms.isBlocked(x) ? [x, x] : undefined;
  const product = forms.index.producer(x);
  if (node.op !== "ReduceSum" || product?.op !== "Mul" || forms.index.soleUse(x) === undefined) return undefined;
  const [a, b] = product.inputs;
  const areBlocked = [a, b].every((name) =>
    forms.isBlocked(name) && forms.shapeOf(name).join() === forms.shapeOf(x).join()
  );
  return areBlocked ? [a, b] : undefined;
}

/** Σ a·b of each image and channel: a depthwise convolution of a with filters b of a's own size, in one pass. */
function sumOfProducts(forms: BlockedForms, [a, b]: readonly [string, string]): string {
  const [n, channels, h, w] = forms.blockedShape(a);
  const groups = n * channels;
  return forms.out.place("Conv", [
    forms.view(forms.blocked(a), [1, groups, h, w]),
    forms.view(forms.blocked(b), [groups, 1, h, w]),
  ], {
    domain: BLOCKED_DOMAIN,
    attrs: { kernel_shape: [h, w], group: groups },
    type: { dtype: "float32", shape: [1, groups, 1, 1] },
  });
}

/** Whether `node` reduces all axes of a value in blocks. */
function isOfAll(node: Node, forms: BlockedForms): boolean {
  return forms.isBlocked(node.inputs[0]) && axesOf(node, forms)?.length === 4;
}

/** The least of all elements, where no channel is one that does not count. */
export const min: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  if (!isOfAll(node, forms) || forms.isPadded(x)) return false;
  return reduceAll(node, forms, forms.blocked(x));
};

/** The greatest of all elements: of each image's channels first, in a third of the time. */
export const max: BlockedRule = (node, forms) => {
  if (!isOfAll(node, forms)) return false;
  const [x] = node.inputs;
  const [n, channels] = forms.blockedShape(x);
  const type = { dtype: "float32", shape: [n, channels, 1, 1] } as const;
  const perImage = forms.out.place("GlobalMaxPool", [forms.blocked(x)], { domain: BLOCKED_DOMAIN, type });
  return reduceAll(node, forms, perChannel(forms, x, perImage));
};

/** A sum of squares, of all elements where it is only asked whether it is NaN: their order does not matter then. */
export const sumSquare: BlockedRule = (node, forms) => {
  const isQuestion = forms.index.soleUse(node.outputs[0])?.op === "IsNaN";
  if (!isQuestion || !isOfAll(node, forms)) return sum(node, forms);
  const [x] = node.inputs;
  // Of numbers that are not negative no mean is NaN unless one of them is; means take a third of the time.
  if (isNonNegative(x, forms)) return reduceAll(node, forms, perChannel(forms, x, meanOfPixels(forms, x)));
  // An infinity leaves NaN in channels that do not count.
  return forms.isPadded(x) ? false : reduceAll(node, forms, forms.blocked(x));
};

function isNonNegative(name: string, { index }: BlockedForms): boolean {
  const made = index.producer(name);
  if (made?.op !== "Clip") return made?.op === "Relu";
  return Number(index.constant(made.inputs[1])?.data[0]) >= 0;
}

/** Leaves the channels that do not count out of blocked `perImage`, one number for each image and channel of `x`. */
function perChannel(forms: BlockedForms, x: string, perImage: string): string {
  const [n, channels] = forms.blockedShape(x);
  return forms.first(forms.view(perImage, [n, channels]), { axis: -1, count: forms.shapeOf(x)[1] });
}

/** Reduces all of `x` as `node` does its input. */
function reduceAll({ op, outputs: [output] }: Node, forms: BlockedForms, x: string): true {
  const shape = forms.shapeOf(output);
  const attrs = { keepdims: 0 };
  if (shape.length === 0) forms.out.emit(op, [x], { attrs, output });
  else forms.view(forms.out.emit(op, [x], { attrs }), shape, output);
  return true;
}
