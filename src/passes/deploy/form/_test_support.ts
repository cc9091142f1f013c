/** What the tests of forms share: float graphs, the formulas of integer products, and what ONNX Runtime fuses. */
import assert from "node:assert/strict";
import { clampCode } from "../../../numbers/codes.ts";
import { INT8_SYMMETRIC_PER_CHANNEL, type QuantScheme } from "../../../numbers/scheme.ts";
import { decodeModel, encodeModel } from "../../../onnx/file/mod.ts";
import type { Graph, Tensor } from "../../../onnx/graph.ts";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import { Session, type SessionOptions } from "../../../runtime/session.ts";
import { type Feeds, reals } from "../../_test_support.ts";

/** Weights whose products with uint8 codes do not saturate on x86 without VNNI. */
export const SMALL_CODES: QuantScheme = { ...INT8_SYMMETRIC_PER_CHANNEL, qmin: -63, qmax: 63 };

/** Rounds to nearest, ties to even. */
export function rne(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Codes of values, as ONNX's DynamicQuantizeLinear defines them. */
export interface DynamicCodes {
  readonly codes: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
}

/** DynamicQuantizeLinear by its definition, in float32. A scale of 0 is ONNX Runtime's 1. */
export function dynamicCodes(x: ArrayLike<number>): DynamicCodes {
  const values = Array.from(x);
  const min = Math.min(0, ...values);
  const max = Math.max(0, ...values);
  const scale = max === min ? 1 : Math.fround(Math.fround(max - min) / 255);
  const range = { qmin: 0, qmax: 255 };
  const zeroPoint = rne(clampCode(Math.fround(-min / scale), range));
  return { codes: values.map((v) => clampCode(rne(Math.fround(v / scale)) + zeroPoint, range)), scale, zeroPoint };
}

/** A matrix [k, n] as int8 codes with a scale a column: the largest magnitude over the greatest code. */
export function columnCodes(matrix: ArrayLike<number>, n: number, qmax: number) {
  const values = Array.from(matrix);
  const scales = Array.from({ length: n }, (_, c) => {
    const most = values.reduce((a, x, i) => i % n === c ? Math.max(a, Math.abs(x)) : a, 0);
    return most === 0 ? 1 : Math.fround(most / qmax);
  });
  return { scales, codes: values.map((x, i) => rne(Math.fround(x / scales[i % n]))) };
}

/** x [m, k] · W [k, n] + b on integers, every operation of real numbers rounded to float32. */
export function dynamicProduct(x: ArrayLike<number>, matrix: ArrayLike<number>, { n, bias, qmax }: {
  readonly n: number;
  readonly bias?: ArrayLike<number>;
  readonly qmax: number;
}): Float32Array {
  const { codes, scale, zeroPoint } = dynamicCodes(x);
  const w = columnCodes(matrix, n, qmax);
  const k = matrix.length / n;
  return Float32Array.from({ length: x.length / k * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let sum = 0;
    for (let j = 0; j < k; j++) sum += (codes[row * k + j] - zeroPoint) * w.codes[j * n + column];
    const real = Math.fround(Math.fround(sum) * Math.fround(scale * w.scales[column]));
    return bias === undefined ? real : Math.fround(real + bias[column]);
  });
}

/** Adds x · W + b of seeded real numbers, as Gemm. */
export function dense(b: GraphBuilder, x: Value, units: number, seed: number): Value {
  const width = x.shape[x.shape.length - 1];
  const kernel = b.constant("float32", [width, units], reals(width * units, seed), `kernel${seed}`);
  const bias = b.constant("float32", [units], reals(units, seed + 100), `bias${seed}`);
  return b.node("Gemm", [x, kernel, bias], { transA: 0, transB: 0 });
}

/** The graph that ONNX Runtime makes of `graph`, without the rearrangements of one machine. */
export function fused(graph: Graph, options: SessionOptions = {}): Graph {
  const path = Deno.makeTempFileSync({ suffix: ".onnx" });
  try {
    new Session(encodeModel(graph), { ...options, optimizedModelPath: path, optimization: "extended" }).dispose();
    return decodeModel(Deno.readFileSync(path)).graph;
  } finally {
    Deno.removeSync(path);
  }
}

/** Runs `graph` as a user's program would. */
export function runFused(graph: Graph, feeds: Feeds, options: SessionOptions = {}): readonly Float32Array[] {
  const session = new Session(encodeModel(graph), { threads: 1, ...options });
  try {
    const inputs = Object.fromEntries(graph.inputs.map((name) => {
      const { dtype, shape } = graph.types.get(name)!;
      return [name, { dtype, shape: shape as number[], data: feeds[name] }];
    }));
    const outputs = session.run(inputs);
    return graph.outputs.map((name) => outputs[name].data as Float32Array);
  } finally {
    session.dispose();
  }
}

/** Asserts that values lie within `tolerance` of the largest magnitude expected. */
export function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = Array.from(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    assert.ok(difference <= tolerance * largest, `element ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}

/** Bytes of a graph's constants. */
export function bytesOfConstants({ initializers }: Graph): number {
  return [...initializers.values()].reduce((sum, { data }: Tensor) => sum + data.byteLength, 0);
}
