/** x86 CPUs without VNNI, at full precision: ONNX Runtime's kernels for uint8 weights add products in 32 bits. */
import { perChannel, type QuantScheme, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/** The codes of int8 within ±127, moved by 128. */
const AROUND_128: QuantScheme = { ...UINT8_AFFINE, qmin: 1, symmetric: true };

/** Activations uint8, weights uint8 around 128, or affine with one zero point a tensor. With VNNI, about as slow as without: use "x86" there. */
export const x86U8u8: Target = {
  name: "x86-u8u8",
  description: "ONNX Runtime on x86 CPUs without VNNI: uint8 weights, whose slower kernels do not saturate",
  activations: [UINT8_AFFINE],
  weights: [{ ...AROUND_128, granularity: perChannel(-1) }, AROUND_128, UINT8_AFFINE],
  methods: ["qat", ...PTQ_METHODS],
  file: { ...ORT_FILE, session: {}, shows: "This run shows what any x86 CPU answers, with or without VNNI." },
};
