/** Operations of TF.js that its own layers lack. */
import { Operation, type OperationName, type Options } from "../../src/operations/mod.ts";
import { apply } from "../_support/small_models.ts";
import { between, conv, float, int8, type LayerNet, net, wired } from "./net.ts";

/** The operation "x". */
function operation(name: OperationName, options: Options = {}): Operation {
  return new Operation({ name: "x", operation: name, options });
}

/** An operation of one value between two convolutions. */
function one(name: OperationName, options: Options = {}): () => ReturnType<LayerNet["build"]> {
  return between(() => [operation(name, options)]);
}

const SLICE = { begin: [1, 0, 1], end: [7, 8, 3], strides: [1, 2, 1] };

/** Nets around one operation. */
export const OPERATION_NETS: readonly LayerNet[] = [
  net("Operation slice", one("slice", SLICE), int8("Slice")),
  net("Operation gather", one("gather", { axis: 3, indices: [3, 0, 0] }), int8("Gather")),
  ...(["abs", "exp", "erf", "neg"] as const).map((name) =>
    net(`Operation ${name}`, one(name), float(/no int8 kernel/))
  ),
  net("Operation clip", one("clip", { min: -0.5, max: 0.25 })),
  net("Operation hardSigmoid", one("hardSigmoid", { alpha: 1 / 6, beta: 0.5 }), { int8: { x_line: "QLinearConv" } }),
  net("Operation square", one("square"), int8("QLinearMul")),
  net("Operation tile", one("tile", { repeats: [2, 1, 1] })),
  net("Operation reduce", one("reduce", { by: "mean", axes: [3], keepDims: true }), float(/reductions/)),
  net(
    "Operation resize",
    one("resize", { by: "bilinear", size: [12, 5], alignCorners: false, halfPixelCenters: true }),
    float(/resizing/),
  ),
  ...["constant", "edge", "reflect"].map((mode) =>
    net(`Operation pad by ${mode}`, one("pad", { mode, paddings: [[1, 1], [2, 0], [0, 0]], value: 0 }))
  ),
  net(
    "Operation pad by a number",
    one("pad", { mode: "constant", paddings: [[1, 1], [2, 0], [0, 0]], value: 0.5 }),
    float(/padding by a number other than 0/),
  ),
  net("Operation reverse", one("reverse", { axes: [1, 3] }), int8("Slice")),
  net("Operation argument", one("argument", { of: "max", axis: 3, keepDims: true }), float(/no int8 kernel/)),
  net("Operation cumulate", one("cumulate", { axis: 1, exclusive: false, reverse: true }), float(/no int8 kernel/)),
  net("Operation topK", one("topK", { k: 2, of: "min", gives: "values" }), float(/no int8 kernel/)),
  net(
    "Operation blend",
    one("blend", { axis: 1, places: [[0, 1], [2, 3]], factors: [[0.5, 0.5], [2, -1]] }),
    float(/sums of its own/),
  ),
  net("Operation maxDilated", one("maxDilated", { size: [2, 2], dilations: [2, 1] }), float(/no int8 kernel/)),
  net(
    "Operation responseNorm",
    one("responseNorm", { radius: 1, bias: 1, alpha: 0.5, beta: 0.75 }),
    float(/LRN/),
  ),
  net(
    "Operation subtract",
    wired((image) =>
      apply(conv("after"), apply(operation("subtract"), apply(conv("a"), image), apply(conv("b"), image)))
    ),
    float(/no int8 kernel/),
  ),
];
