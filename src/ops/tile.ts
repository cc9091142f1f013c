import type { TileAttrs, TileInputs } from "@tensorflow/tfjs-core";
import { vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

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
