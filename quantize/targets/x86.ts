/** x86 CPUs with VNNI: the fastest int8 kernels of ONNX Runtime there take uint8 activations and int8 weights. */
import { INT8_AFFINE, INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/**
 * Activations uint8, weights int8 within ±127; affine ones only with one zero point a tensor.
 *
 * Without VNNI, products are added in pairs in 16 bits: 2·255·127 = 64,770 is more than they hold.
 */
export const x86: Target = {
  name: "x86",
  description: "ONNX Runtime on x86 CPUs with VNNI: uint8 activations, int8 weights",
  activations: [UINT8_AFFINE],
  weights: [INT8_SYMMETRIC_PER_CHANNEL, INT8_SYMMETRIC, INT8_AFFINE],
  methods: ["qat", ...PTQ_METHODS],
  file: {
    ...ORT_FILE,
    session: {},
    shows:
      "On a CPU with VNNI, or with --precise, this run shows what such a CPU answers; on others sums may saturate.",
  },
};
