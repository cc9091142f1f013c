/** Layers of several outputs. */
import { apply } from "../_support/small_models.ts";
import { applyBoth, ChannelHalves } from "../_support/channel_halves.ts";
import { type Claims, conv, layers, net, type Symbolic, wired } from "./net.ts";

const split = (x: Symbolic, name = "x") => applyBoth(new ChannelHalves({ name }), x);
const sum = (a: Symbolic, b: Symbolic) => apply(layers.add({ name: "sum" }), a, b);
/** The layer is in float, as the library knows no such class. */
const moved: Claims = { float: { x: /unknown class/ } };

/** Nets around layers of several outputs. */
export const OUTPUTS = [
  net(
    "channels split, both halves convolved",
    wired((image) => {
      const [a, b] = split(apply(conv("before"), image));
      return sum(apply(conv("left"), a), apply(conv("right"), b));
    }),
    moved,
  ),
  net(
    "channels split, one half convolved, the other passed on",
    wired((image) => {
      const [a, b] = split(apply(conv("before", { activation: "relu" }), image));
      const left = apply(conv("left", { filters: 2 }), a);
      return apply(conv("after"), apply(layers.concatenate({ name: "cat" }), left, b));
    }),
    moved,
  ),
  net(
    "channels split, the second half read twice, the first by nobody",
    wired((image) => {
      const [, b] = split(apply(conv("before"), image));
      return [apply(conv("after"), b), apply(layers.globalAveragePooling2d({ name: "gap" }), b)];
    }),
    moved,
  ),
  net(
    "channels of the input split",
    wired((image) => {
      const [a, b] = split(image);
      return sum(apply(conv("left"), a), apply(conv("right"), b));
    }, [8, 8, 4]),
    moved,
  ),
  net(
    "channels split twice by one layer",
    wired((image) => {
      const layer = new ChannelHalves({ name: "x" });
      const [a, b] = applyBoth(layer, apply(conv("before", { filters: 8 }), image));
      const [c, d] = applyBoth(layer, sum(a, b));
      return apply(layers.multiply({ name: "product" }), apply(conv("left"), c), apply(conv("right"), d));
    }),
    { float: { x: /unknown class/, x_1: /unknown class/ } },
  ),
];
