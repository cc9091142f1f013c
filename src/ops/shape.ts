/** The same elements in another shape or order: BroadcastTo, ExpandDims, Identity, Reshape, Tile, Transpose. */
import {
  type BroadCastToAttrs,
  type BroadcastToInputs,
  type ExpandDimsAttrs,
  type ExpandDimsInputs,
  type IdentityInputs,
  type ReshapeAttrs,
  type ReshapeInputs,
  type TileAttrs,
  type TileInputs,
  type TransposeAttrs,
  type TransposeInputs,
  util,
} from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { reshaped, sameShape, transposed, unsqueezed, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x, repeated along the dimensions in which it has 1. Shapes: x any that broadcasts to `shape` → `shape`. */
export const broadcastTo = defineOp<BroadcastToInputs, BroadCastToAttrs>({
  kernel: "BroadcastTo",
  lower: (emit, { x }, { shape }) => sameShape(x.shape, shape) ? x : emit.node("Expand", [x, vector(emit, shape)]),
});

/** A new dimension of 1 at `dim`. Shapes: input [..., ...] → [..., 1, ...]. */
export const expandDims = defineOp<ExpandDimsInputs, ExpandDimsAttrs>({
  kernel: "ExpandDims",
  lower: (emit, { input }, { dim }) => {
    const rank = input.shape.length;
    util.assert(dim >= -(rank + 1) && dim <= rank, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
    return unsqueezed(emit, input, [dim < 0 ? dim + rank + 1 : dim]);
  },
});

/** The input itself; no node. */
export const identity = defineOp<IdentityInputs>({ kernel: "Identity", lower: (_, { x }) => x });

/** The same elements in another shape, in which one dimension may be -1. */
export const reshape = defineOp<ReshapeInputs, ReshapeAttrs>({
  kernel: "Reshape",
  lower: (emit, { x }, { shape }) => reshaped(emit, x, util.inferFromImplicitShape([...shape], sizeOf(x.shape))),
});

/** Gives x, repeated `reps` times along each axis. Shapes: x [d, ...] → [d·reps, ...]. */
export const tile = defineOp<TileInputs, TileAttrs>({
  kernel: "Tile",
  lower: (emit, { x }, { reps }) => {
    if (reps.every((count) => count === 1)) return x;
    // Where only dimensions of 1 are repeated, this is broadcasting.
    const broadcasts = reps.every((count, axis) => count === 1 || x.shape[axis] === 1);
    return emit.node(broadcasts ? "Expand" : "Tile", [x, vector(emit, reps)]);
  },
});

/** Dimensions in the order `perm`. */
export const transpose = defineOp<TransposeInputs, TransposeAttrs>({
  kernel: "Transpose",
  lower: (emit, { x }, { perm }) => transposed(emit, x, perm),
});
