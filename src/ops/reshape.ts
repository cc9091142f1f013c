import { type ReshapeAttrs, type ReshapeInputs, util } from "@tensorflow/tfjs-core";
import { reshaped } from "./_emit.ts";
import { sizeOf } from "../onnx/graph.ts";
import { defineOp } from "./op.ts";

/** The same elements in another shape, in which one dimension may be -1. */
export const reshape = defineOp<ReshapeInputs, ReshapeAttrs>({
  kernel: "Reshape",
  lower: (emit, { x }, { shape }) => reshaped(emit, x, util.inferFromImplicitShape([...shape], sizeOf(x.shape))),
});
