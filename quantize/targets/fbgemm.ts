/** PyTorch's recipe for x86 CPUs without VNNI: activations, not weights, give up a bit. */
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/**
 * Activations uint8 whose range lies on 128 of the 256 codes, weights int8 within ±127.
 *
 * Values within their range have codes up to 127, and 2·127·127 = 32,258 is less than 2^15. Values beyond it go on to
 * 255 in the file as in the simulation; only those can saturate a pair of products.
 *
 * Source: PyTorch, the "reduce range" of the fbgemm backend's observers.
 */
export const fbgemm: Target = {
  name: "fbgemm",
  description: "as PyTorch quantizes for x86 CPUs without VNNI: activations spread over 127 steps, int8 weights",
  activations: [{ ...UINT8_AFFINE, span: 127 }],
  weights: [INT8_SYMMETRIC_PER_CHANNEL, INT8_SYMMETRIC],
  methods: ["qat", ...PTQ_METHODS],
  file: {
    ...ORT_FILE,
    session: {},
    shows: "This run shows what any x86 CPU answers to data within the ranges that were observed; " +
      "without VNNI, values far beyond them may saturate.",
  },
};
