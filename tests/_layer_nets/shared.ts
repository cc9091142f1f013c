/** Layers that are called several times: on other values, of other sizes and grids, and within other units. */
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../_support/small_models.ts";
import {
  batchNorm,
  chain,
  conv,
  dense,
  IMAGE,
  type Layer,
  type LayerNet,
  layers,
  net,
  relu,
  type Symbolic,
  wired,
} from "./net.ts";

/** Two images, and what `wire` makes of them. */
function pair(
  wire: (a: Symbolic, b: Symbolic) => Symbolic | Symbolic[],
  shapes: readonly (readonly number[])[] = [IMAGE, IMAGE],
): LayerNet["build"] {
  return () => {
    const inputs = shapes.map((shape, i) => tfl.input({ shape: [...shape], name: "ab"[i] }));
    const [a, b] = inputs;
    return seedWeights(tfl.model({ inputs, outputs: wire(a, b) }));
  };
}

/** image → a convolution of it, three channels again: values on another grid than the image's. */
function louder(x: Symbolic): Symbolic {
  return apply(conv("louder", { filters: 3, kernelSize: 5, padding: "same" }), x);
}

const sum = (a: Symbolic, b: Symbolic) => apply(layers.add({ name: "sum" }), a, b);

/** A backbone with all that shares weights. */
function backbone(): tfl.LayersModel {
  return tfl.sequential({
    name: "backbone",
    layers: [
      conv("stem", { kernelSize: 3, inputShape: [...IMAGE] }),
      batchNorm("bn"),
      relu("r"),
      layers.separableConv2d({ filters: 4, kernelSize: 3, name: "sep", activation: "relu6" }),
      layers.globalAveragePooling2d({ name: "gap" }),
      layers.dense({ units: 4, name: "fc", activation: "tanh" }),
    ],
  });
}

/** Layers with weights, called twice. */
export const SHARED = [
  net(
    "Conv2D on two inputs of one model",
    pair((a, b) => {
      const x = conv("x", { kernelSize: 3 });
      return sum(apply(x, a), apply(x, louder(b)));
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Dense on what it gave, with ReLU",
    wired((image) => {
      const x = layers.dense({ units: 6, name: "x", activation: "relu" });
      return chain(image, x, x, dense("after"));
    }, [6]),
    { int8: { x: "QGemm", x_1: "QGemm" } },
  ),
  net(
    "DepthwiseConv2D and Conv1D of two sizes",
    pair(
      (a, b) => {
        const x = layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, name: "x" });
        const gap = layers.globalAveragePooling2d({ name: "gap" });
        return sum(chain(a, x, gap), chain(b, x, gap));
      },
      [[8, 8, 3], [5, 7, 3]],
    ),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Conv2D, batch normalization and ReLU, all shared",
    pair((a, b) => {
      const block = [conv("x"), batchNorm("bn"), relu("r")];
      return sum(chain(a, ...block), chain(louder(b), ...block));
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Conv2D with batch normalization behind one call only",
    pair((a, b) => {
      const x = conv("x");
      return [chain(a, x, batchNorm("bn"), relu("r")), apply(x, louder(b))];
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Conv2D with batch normalization behind the second call only",
    pair((a, b) => {
      const x = conv("x");
      return sum(apply(x, a), chain(louder(b), x, batchNorm("bn"), relu("r")));
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Conv2D with another batch normalization behind each call",
    pair((a, b) => {
      const x = conv("x", { useBias: false });
      return sum(chain(a, x, batchNorm("bn_a")), chain(b, x, batchNorm("bn_b"), relu("r")));
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "batch normalization folded in one call and alone in the other",
    pair((a, b) => {
      const bn = batchNorm("bn");
      const pool = layers.averagePooling2d({ poolSize: 2, strides: 1, padding: "same", name: "pool" });
      return sum(chain(a, conv("c", { filters: 3 }), bn), chain(b, pool, bn));
    }),
  ),
  net(
    "batch normalization alone in the first call and folded in the other",
    pair((a, b) => {
      const bn = batchNorm("bn");
      const pooled = chain(a, layers.averagePooling2d({ poolSize: 2, strides: 1, padding: "same", name: "pool" }), bn);
      return sum(pooled, chain(b, conv("c", { filters: 3 }), bn));
    }),
  ),
  net(
    "Conv2D that reads its own pooled answer",
    wired((image) => {
      const x = conv("x", { filters: 3, kernelSize: 3, padding: "same", activation: "relu" });
      return chain(image, x, layers.maxPooling2d({ poolSize: 2, name: "pool" }), x, conv("after"));
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv" } },
  ),
  net(
    "Conv2D called three times, once as an output",
    wired((image) => {
      const x = conv("x", { filters: 3 });
      const first = apply(x, image);
      const second = apply(x, first);
      return [first, sum(second, apply(x, second))];
    }),
    { int8: { x: "QLinearConv", x_1: "QLinearConv", x_2: "QLinearConv" } },
  ),
  net(
    "a backbone called twice",
    pair((a, b) => {
      const model = backbone();
      return apply(
        layers.dense({ units: 3, name: "score", activation: "softmax" }),
        sum(apply(model, a), apply(model, b)),
      );
    }),
  ),
  net(
    "activations without weights, shared",
    pair((a, b) => {
      const act: Layer = layers.activation({ activation: "tanh", name: "act" });
      const rect = relu("r");
      return sum(chain(a, conv("c"), act, conv("d"), rect), chain(b, conv("e"), act, conv("f"), rect));
    }),
  ),
  net(
    "PReLU, which stays in float, shared",
    pair((a, b) => {
      const x = layers.prelu({ name: "x", sharedAxes: [1, 2] });
      return sum(chain(a, conv("c"), x), chain(b, conv("d"), x));
    }),
    { float: { x: /PRelu/, x_1: /PRelu/ } },
  ),
  net(
    "Conv2DTranspose, which stays in float, shared by two sizes",
    pair(
      (a, b) => {
        const x = layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 2, name: "x" });
        const gap = layers.globalAveragePooling2d({ name: "gap" });
        return sum(chain(a, conv("c"), x, gap), chain(b, conv("d"), x, gap));
      },
      [[8, 8, 3], [5, 7, 3]],
    ),
    { float: { x: /ConvTranspose/, x_1: /ConvTranspose/ } },
  ),
];
