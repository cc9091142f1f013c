/** Models that hold constants: values that neither the user gives nor a layer computes. */
import { ConstantValue } from "../../src/rewrite/mod.ts";
import { apply } from "../_support/small_models.ts";
import {
  batchNorm,
  chain,
  conv,
  dense,
  float,
  int8,
  type Layer,
  layers,
  net,
  relu,
  type Symbolic,
  wired,
} from "./net.ts";

const constant = (shape: readonly number[], anchor: Symbolic) => apply(new ConstantValue({ name: "k", shape }), anchor);

/** image → "before", and a constant → the layer of two inputs → "after". */
function joined(make: () => Layer, shape: readonly number[]) {
  return wired((image) => chain(apply(make(), apply(conv("before"), image), constant(shape, image)), conv("after")));
}

/** Nets with a constant, "k". */
export const CONSTANTS = [
  net("constant of one value a channel added", joined(() => layers.add({ name: "x" }), [1, 1, 4]), int8("QLinearAdd")),
  net("constant of one value multiplied", joined(() => layers.multiply({ name: "x" }), [1, 1, 1]), int8("QLinearMul")),
  net("constant of the picture's size added", joined(() => layers.add({ name: "x" }), [8, 8, 4]), int8("QLinearAdd")),
  net("constant channels appended", joined(() => layers.concatenate({ name: "x" }), [8, 8, 2]), int8("QLinearConcat")),
  net(
    "constant rows appended",
    joined(() => layers.concatenate({ name: "x", axis: 1 }), [2, 8, 4]),
    int8("QLinearConcat"),
  ),
  net("maximum with a constant", joined(() => layers.maximum({ name: "x" }), [1, 1, 4]), float(/Max/)),
  net(
    "constant appended to a vector",
    wired(
      (x) => chain(apply(layers.concatenate({ name: "x" }), apply(dense("before"), x), constant([3], x)), dense("c")),
      [6],
    ),
    int8("QLinearConcat"),
  ),
  net(
    "constant convolved, and added to a convolution with ReLU behind",
    wired((image) => {
      const k = apply(conv("of_constant", { kernelSize: 3 }), constant([8, 8, 2], image));
      return chain(
        apply(layers.add({ name: "x" }), apply(conv("before", { kernelSize: 3 }), image), k),
        relu("r"),
        conv("after"),
      );
    }),
    int8("QLinearAdd"),
  ),
  net(
    "constant that two layers read",
    wired((image) => {
      const k = constant([8, 8, 3], image);
      const sum = apply(layers.add({ name: "x" }), image, k);
      return apply(layers.concatenate({ name: "cat" }), chain(sum, conv("a"), batchNorm("bn")), k);
    }),
    int8("QLinearAdd"),
  ),
];
