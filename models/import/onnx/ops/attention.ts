/** Attention of several heads: its two products and the softmax between, as layers that run on codes. */
import { type Call, refuse, type Row } from "../_call.ts";
import { constantAs, join, scale } from "../_constants.ts";
import { operation } from "../_operation.ts";
import type { LayerConfig } from "../../../../src/rewrite/mod.ts";
import { FAR_BELOW } from "../patterns/mod.ts";
import { plainOrder, storedShape, type Value } from "../_value.ts";

/** The rows, of an operator that is put in the place of several. */
export const ATTENTION: Readonly<Record<string, Row>> = { AttentionShares: shares };

/** softmax(scale · q · kᵀ, masked). */
function shares(call: Call): Value {
  const scores = scoresOf(call, { factor: call.number("scale", 1) });
  const isNonNegative = true;
  const give = (name: string) => call.gives(name, plainOrder(4), { isNonNegative });
  const softmax = (x: string) => call.builder.layer({ className: "Softmax", config: { axis: -1 }, inbound: [x] });
  if (!call.has(2)) return give(softmax(scores));
  const mask = maskOf(call);
  if (mask.kind === "added") return give(softmax(join(call, "Add", [scores, mask.name], "_masked")));
  const farBelow = call.number("far_below", 0);
  const config: LayerConfig = farBelow === 0 ? {} : { farBelow };
  return give(call.builder.layer({ className: "AttentionWeights", config, inbound: [scores, mask.name] }));
}

/** The product of queries and keys, stored [heads, t, s]. */
function scoresOf(call: Call, { factor }: { readonly factor: number }): string {
  const [q, k] = [call.value(0), call.value(1)];
  const heads = headsOf(q, k);
  const { builder } = call;
  if (heads === undefined) {
    const product = productOf(call, q, k);
    return scale(call, product, { factor }).read();
  }
  const own = 1 / Math.sqrt(q.shape[3]);
  const isOwn = Math.abs(factor - own) <= 1e-6 * own;
  return builder.layer({
    className: "AttentionScores",
    config: { heads, ...(isOwn ? {} : { scale: factor }) },
    inbound: [q, k].map((value) => sideBySide(call, value)),
  }, "_scores");
}

/** The number of heads, where queries [n, heads, t, d] and keys [n, heads, d, s] are stored with heads side by side. */
function headsOf(q: Value, k: Value): number | undefined {
  const isBeside = q.order.join() === "2,1,3" && k.order.join() === "3,1,2";
  return isBeside && q.shape[1] === k.shape[1] ? q.shape[1] : undefined;
}

/** A value stored [t, heads, d] as [t, heads · d]. */
function sideBySide({ builder }: Call, value: Value): string {
  const stored = storedShape(value);
  return builder.reshape(value.read(), [stored[0], stored[1] * stored[2]], stored);
}

/** The product of two values' last two axes, stored as ONNX has it. */
export function productOf(call: Call, a: Value, b: Value): Value {
  const rank = b.shape.length;
  // A factor that is stored with its sides swapped is multiplied so.
  const swapped = [...plainOrder(rank).slice(0, -2), rank - 1, rank - 2];
  const transposeB = b.order.join() === swapped.join();
  const inbound = [call.builder.stored(a), transposeB ? b.read() : call.builder.stored(b)];
  const name = operation(call, "matMul", { inbound, options: { transposeB }, suffix: "_product" });
  return call.gives(name, plainOrder(rank));
}

/** Means of values [n, heads, s, d], stored with heads side by side, by their shares; undefined if they are not. */
export function contextOf(call: Call, weights: Value, values: Value): Value | undefined {
  if (values.order.join() !== "2,1,3" || weights.shape[1] !== values.shape[1]) return undefined;
  const heads = values.shape[1];
  const { builder } = call;
  const [, , time, width] = call.outputShape();
  const name = builder.layer({
    className: "AttentionContext",
    config: { heads },
    inbound: [builder.stored(weights), sideBySide(call, values)],
  });
  const read = () => builder.reshape(name, [time, heads, width], [time, heads * width]);
  return call.gives("", [2, 1, 3], { read });
}

interface Mask {
  readonly name: string;
  /** Whether it is 1 of keys that count, else 0, or added to scores. */
  readonly kind: "counted" | "added";
}

function maskOf(call: Call): Mask {
  const kind = call.text("mask", "added");
  const like = { shape: call.outputShape(), order: plainOrder(4) };
  const { builder } = call;
  if (!call.isValue(2)) {
    const { shape, data } = constantAs(call, 2, like) ?? refuse("its mask is unknown");
    const isMask = kind !== "added" || data.every((term) => term === 0 || term <= FAR_BELOW);
    if (!isMask) return { name: builder.constant(shape, data), kind: "added" };
    const counts = data.map((value) => Number((value !== 0) === (kind === "counted")));
    return { name: builder.constant(shape, counts), kind: "counted" };
  }
  const mask = call.value(2);
  const padded = [...new Array<number>(4 - mask.shape.length).fill(1), ...mask.shape.slice(1)];
  const stored = builder.reshape(builder.stored(mask), padded, mask.shape.slice(1));
  if (kind === "added" || kind === "counted") return { name: stored, kind };
  return { name: operation(call, "not", { inbound: [stored], suffix: "_counted" }), kind: "counted" };
}
