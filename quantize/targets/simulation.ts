/** No runtime: any scheme, simulated in TF.js, to see what it would cost. */
import { INT8_SYMMETRIC_PER_CHANNEL, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import type { Target } from "../target.ts";

/** Any scheme, without a file: four bits, symmetric activations, half a type's codes. */
export const simulation: Target = {
  name: "simulation",
  description: "no file: any scheme, to see what it would cost",
  activations: [UINT8_AFFINE],
  weights: [INT8_SYMMETRIC_PER_CHANNEL],
  methods: ["qat", "static"],
};
