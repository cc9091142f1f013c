/**
 * What a model is quantized for, as data: what its file can hold, and where that file can be tried.
 *
 * Whatever a target cannot hold is refused by name before anything is trained.
 */
import { codeRangeOf, containsCodes } from "../src/numbers/codes.ts";
import { type QuantScheme, stepsOf } from "../src/numbers/scheme.ts";
import { INTEGER_OPERATORS } from "../src/passes/deploy/integer_ops.ts";
import type { SessionOptions } from "../src/runtime/session.ts";

/** How a model comes to its grids: trained with fake quantization, or calibrated on a few batches. */
export type Method = "qat" | "static";

/**
 * Ways without training: "static" is calibrated; "dynamic" finds ranges of activations at run time; of "weights" nothing
 * else is on a grid; "float16" has half the bits and no grid.
 */
export const PTQ_METHODS = ["static", "dynamic", "weights", "float16"] as const;

/** One of them. */
export type PtqMethod = (typeof PTQ_METHODS)[number];

/** What is quantized. */
export type Role = "activations" | "weights";

/** A target, of which there is a table in `targets/mod.ts`. */
export interface Target {
  /** What `--target` takes. */
  readonly name: string;
  /** One line that says what it is for. */
  readonly description: string;
  /** Schemes that activations can have; the first is the default. */
  readonly activations: readonly [QuantScheme, ...QuantScheme[]];
  /** Schemes that weights can have, narrower codes included; the first is the default. */
  readonly weights: readonly [QuantScheme, ...QuantScheme[]];
  /** Ways to quantize for it. */
  readonly methods: readonly (Method | PtqMethod)[];
  /** What is known of its file. Without one, quantization is simulated only, and any scheme will do. */
  readonly file?: TargetFile;
}

/**
 * How a file writes integers: "qdq", as operators on real numbers between pairs of QuantizeLinear and DequantizeLinear, or
 * "qoperator", as operators on codes, such as QLinearConv.
 */
export const FILE_FORMS = ["qdq", "qoperator"] as const;

/** One of them. */
export type FileForm = (typeof FILE_FORMS)[number];

/** The file that a target's models are deployed as. */
export interface TargetFile {
  /** ONNX opsets that it can have. */
  readonly opsets: { readonly least: number; readonly most: number };
  /** How it can write integers; the first is the default. */
  readonly forms: readonly [FileForm, ...FileForm[]];
  /** ONNX operators that compute on integers there; others that only move values do so with codes. */
  readonly operators: readonly string[];
  /** Biases: int32 codes on the grid of the products that they are added to, or real numbers. */
  readonly bias: "int32" | "float32";
  /**
   * Whether ReLU and clips stay operators of their own, for the runtime to fuse: grids behind them need not saturate where
   * they clip. Default: they are absorbed by the grid.
   */
  readonly keepsActivations?: boolean;
  /**
   * Whether a sum is fused into the product that gives its first operand: that operand is then not quantized. Default: all
   * operands are.
   */
  readonly fusesSums?: boolean;
  /** Whether every product has a bias, and a Gemm its weights in rows, one an output. Default: as the graph has them. */
  readonly explicitProducts?: boolean;
  /** How it is run here. */
  readonly session: Pick<SessionOptions, "int8Activations">;
  /** What running it on this machine shows and what it cannot show, as one or two sentences. */
  readonly shows: string;
}

/** The int8 ONNX files that ONNX Runtime's CPU provider runs. */
export const ORT_FILE: Pick<TargetFile, "opsets" | "forms" | "operators" | "bias"> = {
  opsets: { least: 13, most: 17 },
  forms: FILE_FORMS,
  operators: INTEGER_OPERATORS,
  bias: "int32",
};

/**
 * Says why `target` cannot hold `scheme`, as the rest of a sentence; undefined if it can.
 *
 * Weights may use fewer codes than the target has: they are constants, and nothing is clipped when the file runs.
 */
export function whyNotHeld(target: Target, role: Role, scheme: QuantScheme): string | undefined {
  if (target.file === undefined) return undefined;
  return role === "weights" ? whyNotWeights(target, scheme) : whyNotActivations(target, scheme);
}

/**
 * Whether files of `target` can saturate on x86 CPUs without VNNI: their kernels for uint8 activations and int8 weights
 * add products in pairs in 16 bits.
 */
export function canSaturate({ activations: [x], weights: [w], file }: Target): boolean {
  const isAtRisk = file !== undefined && x.dtype === "uint8" && w.dtype === "int8";
  return isAtRisk && 2 * x.qmax * Math.max(w.qmax, -w.qmin) >= 2 ** 15;
}

/**
 * Whether a ReLU before a grid of `scheme` is part of the operator before it: the grid's smallest code stands for 0 and
 * is the smallest of its type, so that saturation does the work.
 *
 * Source: ONNX Runtime, relu_quantizelinear.cc.
 */
export function absorbsRelu({ dtype, qmin, symmetric }: QuantScheme): boolean {
  return !symmetric && qmin === codeRangeOf(dtype).qmin;
}

/** Whether an upper bound, as of ReLU6, is absorbed too: no code lies above the range that the grid was made for. */
export function absorbsClip(scheme: QuantScheme): boolean {
  const { dtype, qmin, qmax } = scheme;
  return absorbsRelu(scheme) && qmax === codeRangeOf(dtype).qmax && stepsOf(scheme) === qmax - qmin;
}

/**
 * Writes a scheme in words: "int8 -127 to 127, symmetric, per channel".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { UINT8_AFFINE } from "../src/numbers/scheme.ts";
 * import { describeScheme } from "./target.ts";
 *
 * assert.equal(describeScheme({ ...UINT8_AFFINE, span: 127 }), "uint8 0 to 255, 127 steps, affine, per tensor");
 * ```
 */
export function describeScheme(scheme: QuantScheme): string {
  const { dtype, qmin, qmax, symmetric, granularity } = scheme;
  const codes = `${dtype} ${qmin} to ${qmax}${scheme.span === undefined ? "" : `, ${scheme.span} steps`}`;
  return `${codes}, ${symmetric ? "symmetric" : "affine"}, ${granularity.kind.replace("-", " ")}`;
}

function whyNotWeights({ weights }: Target, scheme: QuantScheme): string | undefined {
  const ofType = weights.filter(({ dtype }) => dtype === scheme.dtype);
  const held = weights.map(describeScheme).join(" or ");
  if (ofType.length === 0) return `its weights are ${held}`;
  const ofKind = ofType.filter(({ symmetric }) => symmetric === scheme.symmetric);
  if (ofKind.length === 0) return "an affine grid gives weights a zero point that products have to be corrected for";
  if (!ofKind.some(({ granularity }) => granularity.kind === scheme.granularity.kind)) {
    const [{ granularity }] = ofKind;
    return `its ${scheme.symmetric ? "" : "affine "}weights have scales ${granularity.kind.replace("-", " ")} only`;
  }
  return ofKind.some((one) => containsCodes(one, scheme)) ? undefined : `its weights are ${held}`;
}

function whyNotActivations({ activations }: Target, scheme: QuantScheme): string | undefined {
  if (scheme.granularity.kind === "per-channel") return "activations have one scale a tensor";
  if (activations.some((one) => isSame(one, scheme))) return undefined;
  const held = `its activations are ${activations.map(describeScheme).join(" or ")}`;
  if (!activations.some(({ dtype }) => dtype === scheme.dtype)) return held;
  if (scheme.symmetric) {
    return `${held}: a ReLU is absorbed only where the smallest code of the type stands for 0, which is not so on a symmetric grid`;
  }
  const range = codeRangeOf(scheme.dtype);
  if (scheme.qmin !== range.qmin || scheme.qmax !== range.qmax) {
    return `${held}: codes saturate at the ends of ${scheme.dtype} only, clipping them elsewhere runs in float`;
  }
  return held;
}

function isSame(a: QuantScheme, b: QuantScheme): boolean {
  return a.dtype === b.dtype && a.qmin === b.qmin && a.qmax === b.qmax && a.symmetric === b.symmetric &&
    stepsOf(a) === stepsOf(b);
}
