import type { BroadCastToAttrs, BroadcastToInputs } from "@tensorflow/tfjs-core";
import { sameShape, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x, repeated along the dimensions in which it has 1. Shapes: x any that broadcasts to `shape` → `shape`. */
export const broadcastTo = defineOp<BroadcastToInputs, BroadCastToAttrs>({
  kernel: "BroadcastTo",
  lower: (emit, { x }, { shape }) => sameShape(x.shape, shape) ? x : emit.node("Expand", [x, vector(emit, shape)]),
});
