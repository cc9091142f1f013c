import type { IdentityInputs } from "@tensorflow/tfjs-core";
import { defineOp } from "./op.ts";

/** The input itself; no node. */
export const identity = defineOp<IdentityInputs>({ kernel: "Identity", lower: (_, { x }) => x });
