/** Every x86 CPU: weights so small that no pair of products saturates 16 bits. */
import { INT8_SYMMETRIC, perChannel, type QuantScheme, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { ORT_FILE, PTQ_METHODS, type Target } from "../target.ts";

/** The largest pair of products, 2·255·64 = 32,640, is less than 2^15; so is the smallest, -32,640. */
const WITHIN_64: QuantScheme = { ...INT8_SYMMETRIC, qmin: -64, qmax: 64 };

/** Activations uint8, weights int8 within ±64: a bit of precision for the same answers on every x86 CPU. */
export const x86Portable: Target = {
  name: "x86-portable",
  description: "ONNX Runtime on any x86 CPU, with or without VNNI: weights within ±64 cannot saturate",
  activations: [UINT8_AFFINE],
  weights: [{ ...WITHIN_64, granularity: perChannel(-1) }, WITHIN_64],
  methods: ["qat", ...PTQ_METHODS],
  file: { ...ORT_FILE, session: {}, shows: "This run shows what any x86 CPU answers, with or without VNNI." },
};
