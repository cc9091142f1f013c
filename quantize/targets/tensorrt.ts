/** TensorRT's explicit quantization: symmetric grids, and Q/DQ where its kernels begin and end. */
import { codeRangeOf } from "../../src/numbers/codes.ts";
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, PER_TENSOR, type QuantScheme } from "../../src/numbers/scheme.ts";
import { ORT_FILE, type Target } from "../target.ts";

/** A range [−m, m] on 127 steps a side, as TensorRT has it: scale m / 127. Codes saturate at the ends of int8. */
const SYMMETRIC: QuantScheme = {
  dtype: "int8",
  ...codeRangeOf("int8"),
  symmetric: true,
  span: 254,
  granularity: PER_TENSOR,
};

/**
 * Activations and weights int8 around 0, weights of one scale an output channel or one a tensor, as codes behind
 * DequantizeLinear, biases in float.
 *
 * TensorRT fuses a convolution with the bias, sum, ReLU and quantizer behind it into one kernel. So ReLU and clips stay in
 * the file, and of a residual sum one operand, the convolution that only the sum reads, has no pair of its own while the
 * skip has one: a pair on both would end the kernel before the sum, none on the skip would keep the sum in float.
 *
 * Sources, read and not run: NVIDIA's TensorRT documentation, "Explicit Quantization" and "Working with Quantized Types";
 * its TensorFlow Quantization Toolkit, "Add Custom QDQ Insertion Case" (residual connections).
 */
export const tensorrt: Target = {
  name: "tensorrt",
  description: "TensorRT on GPUs: symmetric int8 throughout, residual sums fused into their convolutions",
  activations: [SYMMETRIC],
  weights: [INT8_SYMMETRIC_PER_CHANNEL, INT8_SYMMETRIC],
  methods: ["qat", "static"],
  file: {
    ...ORT_FILE,
    forms: ["qdq"],
    bias: "float32",
    keepsActivations: true,
    fusesSums: true,
    session: { int8Activations: true },
    shows:
      "This run, most of it in float between the pairs, shows what the file computes; where TensorRT computes on " +
      "integers, and how fast, follows documents alone.",
  },
};
