/** The rows of the table of methods: what is done to each net's float model. */
import { type PtqStep, STEPS } from "../../../mod.ts";
import { OBSERVER_NAMES } from "../../../src/quant/mod.ts";
import type { Ladder, Net } from "./_nets.ts";

/** What is done to a float model. */
export type Method =
  /** `deno task ptq`, with these flags. */
  | { readonly kind: "ptq"; readonly flags: readonly string[] }
  /** `deno task qat`, with this seed and a control. */
  | { readonly kind: "qat"; readonly seed: number }
  /** ONNX Runtime's own quantizer. */
  | { readonly kind: "peer"; readonly calibration: string };

/** A row of a net. */
export interface Row {
  /** Unique within the net, for `--only NET/ROW`. */
  readonly name: string;
  /** What it is, in Markdown. */
  readonly what: string;
  readonly method: Method;
}

/** Bits of weights need no file: any scheme is simulated. */
const FOUR_BITS = ["--recipe", "four-bit-weights"];

/**
 * A target with one scale a weight tensor, for which batch norm is folded first. Ranges are moving averages: without ReLU6
 * ten of 512 calibration pictures give logits from −100 down to −1964, where half of them stay above −4.3, and a range that
 * holds them all has a code or two left for the others.
 */
const PER_TENSOR = ["--target", "qnnpack", "--observer", "moving-average"];

/** Steps that only make sense before another one. */
const NEEDS: Readonly<Record<string, readonly string[]>> = { "open-relu6": ["equalize"], "absorb-bias": ["equalize"] };

/** The observer that rows with a step of their own take, the plainest. */
export const PLAINEST = "min-max";

const static_ = (...flags: readonly string[]): Method => ({ kind: "ptq", flags: ["--method", "static", ...flags] });

/** Turns on the steps named, and no others. */
function only(...steps: readonly string[]): readonly string[] {
  return STEPS.flatMap(({ name, byDefault }: PtqStep) => {
    if (steps.includes(name)) return [`--${name}`];
    return byDefault ? [`--no-${name}`] : [];
  });
}

const LADDERS: Readonly<Record<Ladder, readonly Row[]>> = {
  methods: [
    { name: "dynamic", what: "dynamic", method: { kind: "ptq", flags: ["--method", "dynamic"] } },
    { name: "weights8", what: "weights of 8 bits, activations in float", method: weights("8") },
    { name: "float16", what: "float16", method: { kind: "ptq", flags: ["--method", "float16"] } },
    ...OBSERVER_NAMES.map((observer): Row => ({
      name: `static-${observer}`,
      what: `static, ${observer}`,
      method: static_("--observer", observer, ...only()),
    })),
    {
      name: "dummy",
      what: `static, ${PLAINEST}, calibrated on random numbers`,
      method: static_("--observer", PLAINEST, "--calibrate", "dummy", ...only()),
    },
    ...STEPS.map(({ name }): Row => ({
      name,
      what: `static, ${PLAINEST}, + ${[...NEEDS[name] ?? [], name].join(", ")}`,
      method: static_("--observer", PLAINEST, ...only(...NEEDS[name] ?? [], name)),
    })),
    { name: "static", what: "static, the default of `deno task ptq`", method: static_() },
    { name: "static-adaround", what: "that, + adaround", method: static_("--adaround") },
    ...[0, 1, 2].map((seed): Row => ({
      name: `qat-${seed}`,
      what: `quantization-aware training, seed ${seed}`,
      method: { kind: "qat", seed },
    })),
    ...["minmax", "entropy", "percentile"].map((calibration): Row => ({
      name: `peer-${calibration}`,
      what: `ONNX Runtime's quantizer, ${calibration}`,
      method: { kind: "peer", calibration },
    })),
  ],
  "per-tensor": [
    { name: "tensor", what: "static, one scale a weight tensor", method: static_(...PER_TENSOR, ...only()) },
    { name: "tensor-equalize", what: "that, + equalize", method: static_(...PER_TENSOR, ...only("equalize")) },
  ],
  "four-bit": [
    { name: "four", what: "weights of 4 bits, simulated", method: static_(...FOUR_BITS, ...only()) },
    { name: "four-adaround", what: "that, + adaround", method: static_(...FOUR_BITS, ...only("adaround")) },
  ],
};

function weights(bits: string): Method {
  return { kind: "ptq", flags: ["--method", "weights", "--bits", bits] };
}

/** Lists the rows of `net`. */
export function rowsOf({ ladders }: Pick<Net, "ladders">): readonly Row[] {
  return ladders.flatMap((ladder) => LADDERS[ladder]);
}
