/** Layers of several inputs, and models that are more than a row. */
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../_support/small_models.ts";
import {
  batchNorm,
  between,
  chain,
  conv,
  conv1d,
  dense,
  float,
  IMAGE,
  int8,
  type Layer,
  layers,
  net,
  relu,
  row,
  wired,
} from "./net.ts";

/** image → convolutions, one an entry of `branches` → merge → after. */
function merged(make: () => Layer, branches: readonly Parameters<typeof conv>[1][] = [{}, {}]) {
  return wired((image) => {
    const parts = branches.map((args, i) => apply(conv(`branch${i}`, args), image));
    return chain(apply(make(), ...parts), conv("after"));
  });
}

/** Layers of several inputs. */
export const MERGES = [
  net("Add", merged(() => layers.add({ name: "x" })), int8("QLinearAdd")),
  net("Add of 3", merged(() => layers.add({ name: "x" }), [{}, {}, {}]), {
    int8: { x: "QLinearAdd", x_1: "QLinearAdd" },
  }),
  net("Add, broadcast", merged(() => layers.add({ name: "x" }), [{}, { kernelSize: 8 }]), int8("QLinearAdd")),
  net("Multiply", merged(() => layers.multiply({ name: "x" })), int8("QLinearMul")),
  net("Multiply of 3", merged(() => layers.multiply({ name: "x" }), [{}, {}, {}]), {
    int8: { x: "QLinearMul", x_1: "QLinearMul" },
  }),
  net("Multiply, broadcast", merged(() => layers.multiply({ name: "x" }), [{}, { kernelSize: 8 }]), int8("QLinearMul")),
  net("Concatenate", merged(() => layers.concatenate({ name: "x" }), [{}, { filters: 3 }]), int8("QLinearConcat")),
  net("Concatenate of 3", merged(() => layers.concatenate({ name: "x" }), [{}, {}, {}]), int8("QLinearConcat")),
  net(
    "Concatenate, axis 1",
    merged(() => layers.concatenate({ name: "x", axis: 1 }), [{}, { kernelSize: [3, 1] }]),
    int8("QLinearConcat"),
  ),
  net(
    "Concatenate, axis 2",
    merged(() => layers.concatenate({ name: "x", axis: 2 }), [{}, { kernelSize: [1, 3] }]),
    int8("QLinearConcat"),
  ),
  net(
    "Concatenate of vectors",
    wired(
      (x) => chain(apply(layers.concatenate({ name: "x" }), apply(dense("a"), x), apply(dense("b"), x)), dense("c")),
      [6],
    ),
    int8("QLinearConcat"),
  ),
  net("Average", merged(() => layers.average({ name: "x" })), float(/Average/)),
  net("Maximum", merged(() => layers.maximum({ name: "x" })), float(/Max/)),
  net("Minimum", merged(() => layers.minimum({ name: "x" })), float(/Min/)),
  net(
    "Dot",
    wired(
      (x) =>
        apply(dense("after"), apply(layers.dot({ axes: 1, name: "x" }), apply(dense("a"), x), apply(dense("b"), x))),
      [
        6,
      ],
    ),
    float(/Dot/),
  ),
];

/** Two inputs. */
function twoInputs(): tfl.LayersModel {
  const inputs = ["image", "other"].map((name) => tfl.input({ shape: [...IMAGE], name }));
  const [a, b] = inputs.map((input, i) => apply(conv(`branch${i}`), input));
  return seedWeights(tfl.model({ inputs, outputs: apply(layers.add({ name: "x" }), a, b) }));
}

const sum = (a: tfl.SymbolicTensor, b: tfl.SymbolicTensor, name = "sum") => apply(layers.add({ name }), a, b);

/** Models whose values are read more than once. */
export const WIRING = [
  net("input that two Conv2D read", wired((image) => ["a", "b"].map((name) => apply(conv(name), image)))),
  net("two inputs", twoInputs, int8("QLinearAdd")),
  net(
    "input and Conv2D added",
    wired((image) => sum(apply(conv("a", { filters: 3 }), image), image, "x")),
    int8("QLinearAdd"),
  ),
  net(
    "two heads on one body",
    wired((image) => {
      const body = apply(conv("body", { activation: "relu" }), image);
      const score = [
        layers.globalAveragePooling2d({ name: "gap" }),
        layers.dense({ units: 3, activation: "softmax", name: "score" }),
      ];
      return [apply(conv("map", { activation: "sigmoid" }), body), chain(body, ...score)];
    }),
  ),
  net(
    "Conv2D that is an output and feeds another",
    wired((image) => {
      const x = apply(conv("x"), image);
      return [x, apply(conv("after"), x)];
    }),
    int8("QLinearConv"),
  ),
  net(
    "Conv2D with ReLU and without, both convolved",
    wired((image) => {
      const x = apply(conv("x"), image);
      return sum(chain(x, relu("r"), conv("a")), apply(conv("b"), x));
    }),
    { int8: { x: "QLinearConv", r: "QLinearLeakyRelu" } },
  ),
  net(
    "Conv2D with ReLU6 and without, added",
    wired((image) => {
      const x = apply(conv("x"), image);
      return sum(x, apply(layers.reLU({ name: "r", maxValue: 6 }), x));
    }),
    { int8: { x: "QLinearConv", r: "QLinearLeakyRelu" } },
  ),
  net(
    "residual block, ReLU behind",
    wired((image) => {
      const x = apply(conv("stem", { activation: "relu" }), image);
      const y = chain(
        x,
        conv("a", { activation: "relu" }),
        conv("b", { kernelSize: 3, padding: "same" }),
        batchNorm("bn"),
      );
      return chain(sum(x, y), relu("r"), conv("after"));
    }),
  ),
  net(
    "residual blocks, BatchNormalization and ReLU before",
    wired((image) => {
      const x = apply(conv("stem"), image);
      const y = sum(chain(x, batchNorm("bn1"), relu("r1"), conv("a", { kernelSize: 3, padding: "same" })), x, "sum1");
      return sum(chain(y, batchNorm("bn2"), relu("r2"), conv("b")), y, "sum2");
    }),
  ),
  net(
    "dense block",
    wired((image) => {
      const x = apply(conv("stem"), image);
      const cat = apply(layers.concatenate({ name: "cat" }), x, chain(x, batchNorm("bn1"), relu("r1"), conv("a")));
      return chain(cat, batchNorm("bn2"), relu("r2"), conv("b"));
    }),
  ),
  net(
    "squeeze and excitation",
    wired((image) => {
      const x = apply(conv("stem", { activation: "relu" }), image);
      const squeeze = [
        layers.globalAveragePooling2d({ name: "gap" }),
        layers.reshape({ targetShape: [1, 1, 4], name: "shape" }),
      ];
      const gate = chain(x, ...squeeze, conv("gate", { activation: "sigmoid" }));
      return chain(apply(layers.multiply({ name: "x" }), x, gate), conv("after"));
    }),
    int8("QLinearMul"),
  ),
  net(
    "nested models",
    wired((image) => {
      const x = apply(conv("stem"), image);
      const block = (name: string) =>
        tfl.sequential({
          name,
          layers: [conv(`${name}_conv`, { inputShape: [8, 8, 4] }), batchNorm(`${name}_bn`), relu(`${name}_relu`)],
        });
      return sum(apply(block("left"), x), apply(block("right"), x));
    }),
  ),
  net(
    "upsampling with a skip connection",
    wired((image) => {
      const x = apply(conv("stem", { activation: "relu" }), image);
      const low = chain(x, layers.maxPooling2d({ poolSize: 2, name: "pool" }), conv("low", { activation: "relu" }));
      return chain(
        apply(layers.concatenate({ name: "cat" }), apply(layers.upSampling2d({ size: [2, 2], name: "up" }), low), x),
        conv("after"),
      );
    }),
  ),
  net(
    "Dropout and noise",
    between(
      () => [
        layers.dropout({ rate: 0.5 }),
        layers.gaussianNoise({ stddev: 1 }),
        layers.gaussianDropout({ rate: 0.3 }),
        layers.alphaDropout({ rate: 0.3 }),
      ],
    ),
  ),
  ...[layers.add, layers.multiply].flatMap((merge) => {
    const read = (order: string) =>
      wired((image) => {
        const values = new Map([..."ab"].map((name) => [name, apply(conv(name, { filters: 3 }), image)]));
        return apply(merge({ name: "x" }), ...[...order].map((name) => values.get(name)!));
      });
    return ["aaa", "aaba"].map((order) => net(`${merge({}).getClassName()} of ${[...order]}`, read(order)));
  }),
  net(
    "one value read twice by a layer and by one behind it",
    wired((image) => {
      const x = apply(conv("x"), image);
      return apply(
        conv("after"),
        sum(apply(layers.concatenate({ name: "cat" }), x, x), apply(conv("y", { filters: 8 }), x)),
      );
    }),
  ),
  net(
    "two outputs that are one value at inference",
    wired((image) => {
      const x = apply(conv("x"), image);
      return [x, apply(layers.dropout({ rate: 0.5 }), x), chain(x, layers.gaussianNoise({ stddev: 1 }))];
    }),
  ),
  net("input that is an output", wired((image) => [apply(conv("x"), image), image])),
  net(
    "input and its dropout as outputs",
    wired((image) => [apply(layers.dropout({ rate: 0.5 }), image), image, apply(conv("x"), image)]),
  ),
  net("SpatialDropout1D", row([8, 3], () => [conv1d("a"), layers.spatialDropout1d({ rate: 0.5 }), conv1d("b")])),
];
