/** WebNN in browsers: what LiteRT (TFLite), which computes it there on CPUs, can represent. */
import { codeRangeOf } from "../../src/numbers/codes.ts";
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, PER_TENSOR } from "../../src/numbers/scheme.ts";
import { ORT_FILE, type Target } from "../target.ts";

/**
 * Activations int8, affine, weights int8 within ±127 around 0, one scale an output channel or one a tensor, biases int32.
 *
 * The numbers are those of "arm", and those of "x86" less 128. Beside these, products have the form in which Chromium's
 * backend takes them for integer operators (`explicitProducts`). It takes pools and concatenations on integers only where
 * all their grids are one; others, which the formats could hold, it computes in float between the pairs: right, and slower.
 *
 * Sources, read and not run: LiteRT's 8-bit quantization specification (ai.google.dev/edge/litert); Chromium,
 * services/webnn/tflite/graph_builder_tflite.cc, CanFuseQuantizeAndGetOutput of each operator.
 */
export const webnn: Target = {
  name: "webnn",
  description: "WebNN in browsers, as LiteRT computes it: int8 activations, int8 weights, a bias everywhere",
  activations: [{ dtype: "int8", ...codeRangeOf("int8"), symmetric: false, granularity: PER_TENSOR }],
  weights: [INT8_SYMMETRIC_PER_CHANNEL, INT8_SYMMETRIC],
  methods: ["qat", "static"],
  file: {
    ...ORT_FILE,
    forms: ["qdq"],
    // Where all grids are one: AveragePool and Concat too.
    operators: ["Conv", "Gemm", "Add", "Mul", "LeakyRelu", "Sigmoid", "Softmax"],
    explicitProducts: true,
    session: { int8Activations: true },
    shows:
      "This run, on ONNX Runtime's portable int8 kernels, shows what the file computes; it shows neither WebNN's " +
      "rounding nor its speed, and which operators a browser runs on integers follows documents alone.",
  },
};
