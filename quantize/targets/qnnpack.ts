/** PyTorch's recipe for phones: one scale a weight tensor, and all the codes of int8. */
import { codeRangeOf } from "../../src/numbers/codes.ts";
import { INT8_SYMMETRIC, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/**
 * Activations uint8, weights int8 from -128 to 127, one scale a tensor.
 *
 * Batch norm, folded after quantization, would give every channel a scale of its own: for this target it is folded into
 * the weights before they are quantized.
 *
 * Source: PyTorch, the default observers of the qnnpack backend.
 */
export const qnnpack: Target = {
  name: "qnnpack",
  description: "as PyTorch quantizes for phones: uint8 activations, int8 weights of one scale a tensor",
  activations: [UINT8_AFFINE],
  weights: [{ ...INT8_SYMMETRIC, ...codeRangeOf("int8") }],
  methods: ["qat", ...PTQ_METHODS],
  file: {
    ...ORT_FILE,
    session: {},
    shows: "On a CPU with VNNI, or with --precise, this run shows the answers of ONNX Runtime's kernels for ARM; " +
      "it does not show their speed, nor QNNPACK itself.",
  },
};
