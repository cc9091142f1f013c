import assert from "node:assert/strict";
import { encodeModel } from "../onnx/file/mod.ts";
import { GraphBuilder } from "../onnx/writer.ts";
import { Session } from "../runtime/session.ts";
import { OPS } from "./mod.ts";
import type { Op, Value } from "./op.ts";

/** Error function in float64: its series, and beyond 2.5 the continued fraction of what it lacks to 1. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x) || size > 6) return Number.isNaN(x) ? x : Math.sign(x);
  if (size > 2.5) {
    let fraction = 0;
    for (let n = 120; n > 0; n--) fraction = n / 2 / (size + fraction);
    return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
  }
  let [sum, term] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

const log1pExp = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * Functions in float64, and by how many units in the last place the engine's may differ: what was measured with AVX2, and
 * some more for other instruction sets.
 *
 * TF.js's own are float64's, rounded, but for these: Softplus is off by 7 units, Elu and Selu are 0 above -1e-16, Erf is
 * right to 1e-7.
 */
const EXACT: Readonly<Record<string, readonly [units: number, of: (x: number) => number]>> = {
  Acos: [6, Math.acos],
  Acosh: [4, Math.acosh],
  Asin: [5, Math.asin],
  Asinh: [4, Math.asinh],
  Atan: [5, Math.atan],
  Atanh: [4, Math.atanh],
  Cos: [4, Math.cos],
  Cosh: [4, Math.cosh],
  Elu: [8, (x) => x > 0 ? x : Math.expm1(x)],
  Erf: [4, erf],
  Exp: [4, Math.exp],
  Expm1: [2, Math.expm1],
  Log: [5, Math.log],
  Log1p: [2, Math.log1p],
  Reciprocal: [0, (x) => 1 / x],
  Rsqrt: [2, (x) => 1 / Math.sqrt(x)],
  Selu: [9, (x) => x > 0 ? 1.0507009873554805 * x : 1.7580993408473768 * Math.expm1(x)],
  Sigmoid: [4, (x) => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))],
  Sin: [4, Math.sin],
  Sinh: [4, Math.sinh],
  Softplus: [6, log1pExp],
  Sqrt: [0, Math.sqrt],
  Tan: [1, Math.tan],
  Tanh: [7, Math.tanh],
};

/** Where numbers are so small that an operator's inner products are subnormal, it loses digits: less than 1e-42. */
const SUBNORMAL = 1e-42;

/** Every 16,411th float32 of all there are, numbers of [-130, 130] a hundredth apart, zeros, infinities and NaN. */
function allOverFloat32(): Float32Array {
  const bits = Uint32Array.from({ length: 2 ** 18 }, (_, i) => i * 16411);
  const dense = Float32Array.from({ length: 26001 }, (_, i) => i / 100 - 130);
  return Float32Array.from(
    [[0, -0, Infinity, -Infinity, NaN], new Float32Array(bits.buffer), dense].flatMap((part) => [...part]),
  );
}

/** What the nodes of `op` give for each of `x`. */
function computed(op: Op, x: Float32Array): Float32Array {
  const builder = new GraphBuilder();
  const shape = [x.length];
  const y = op.lower(builder, { x: builder.input("float32", shape, "x") }, {}) as Value;
  const session = new Session(encodeModel(builder.build("tails", [y.name])), { threads: 1 });
  try {
    return session.run({ x: { dtype: "float32", shape, data: x } })[y.name].data as Float32Array;
  } finally {
    session.dispose();
  }
}

/** Numbers float32's in their order: the difference of two is how many lie between. */
function placesOf(values: Float32Array): Int32Array {
  return new Int32Array(values.slice().buffer).map((bits) => bits < 0 ? -(2 ** 31) - bits : bits);
}

for (const [kernel, [units, of]] of Object.entries(EXACT)) {
  Deno.test(`${kernel} lower() is right to ${units} units in the last place when x is any float32`, () => {
    const x = allOverFloat32();
    const expected = x.map((value) => of(value));
    const actual = computed(OPS[kernel as keyof typeof OPS], x);
    const [places, right] = [placesOf(actual), placesOf(expected)];
    for (let i = 0; i < x.length; i++) {
      const isRight = Number.isNaN(expected[i])
        ? Number.isNaN(actual[i])
        : Math.abs(places[i] - right[i]) <= units || Math.abs(actual[i] - expected[i]) <= SUBNORMAL;
      if (!isRight) assert.equal(actual[i], expected[i], `${kernel}(${x[i]})`);
    }
  });
}
