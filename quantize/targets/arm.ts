/** ARM CPUs: ONNX Runtime's kernels there take int8 activations. */
import { INT8_AFFINE, INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/**
 * Activations int8, affine, weights int8 within ±127; affine ones only with one zero point a tensor.
 *
 * On x86, ONNX Runtime makes uint8 of int8 activations where it can, and leaves what it cannot in float; told that int8
 * is allowed (`session.qdqisint8allowed`) it runs the same operators on integers as an ARM CPU does, by portable kernels.
 */
export const arm: Target = {
  name: "arm",
  description: "ONNX Runtime on ARM CPUs: int8 activations, int8 weights",
  activations: [INT8_AFFINE],
  weights: [INT8_SYMMETRIC_PER_CHANNEL, INT8_SYMMETRIC, INT8_AFFINE],
  methods: ["qat", ...PTQ_METHODS],
  file: {
    ...ORT_FILE,
    session: { int8Activations: true },
    shows: "This run, on ONNX Runtime's portable int8 kernels, shows an ARM CPU's answers and which operators run on " +
      "integers there; it does not show its speed.",
  },
};
