/** Cases of ops as data, and the check that an op's ONNX nodes compute what TF.js's cpu backend computes. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { GraphBuilder } from "../../src/onnx/writer.ts";
import { allocate, type TypedArray } from "../../src/numbers/dtype.ts";
import { sizeOf } from "../../src/onnx/graph.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import type { Op, Value } from "../../src/ops/op.ts";
import { type HostTensor, Session } from "../../src/runtime/session.ts";
import { type Mismatch, mismatches } from "./_compare.ts";
import { randomValues } from "./_random.ts";

/** Element types that kernels take and give. */
export type KernelDType = "float32" | "int32" | "bool";

/** One input: its elements, or the range that they are drawn from. */
export interface InputSpec {
  readonly shape: readonly number[];
  /** Default float32. */
  readonly dtype?: KernelDType;
  readonly values?: readonly number[];
  /** Uniform in [lowest, highest); for int32 whole numbers. Default [-2, 2), for int32 [-5, 5). */
  readonly range?: readonly [lowest: number, highest: number];
}

/** How far results may lie apart: |x - y| ≤ max(absolute, relative·|y|). */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** One call of a kernel. */
export interface OpCase {
  readonly name: string;
  /** Inputs by TF.js's names; variadic kernels (Concat, Pack, AddN, Einsum) have an array. */
  readonly inputs: Readonly<Record<string, InputSpec>> | readonly InputSpec[];
  readonly attrs?: Readonly<Record<string, unknown>>;
  /** Default: exact for int32 and bool, {@linkcode FLOAT_TOLERANCE} for float32. */
  readonly tolerance?: Tolerance | "exact";
  /** What to compare with instead of the cpu backend's kernel, where it has none or a wrong one. */
  readonly oracle?: (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor | readonly tf.Tensor[];
  /** Why the results differ from the kernel's, where that is known and accepted; the check fails if they do not. */
  readonly differs?: string;
  /** Operators that the lowering has to consist of, in order, where their number matters. */
  readonly nodes?: readonly string[];
}

/** Cases by kernel: what an `x_cases.ts` exports as `cases`. */
export type OpCases = Readonly<Record<string, readonly OpCase[]>>;

/** The tolerance of float32 results: a few float32 roundings. */
export const FLOAT_TOLERANCE: Tolerance = { relative: 1e-5, absolute: 1e-6 };

interface Input {
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: KernelDType;
  readonly data: TypedArray;
}

interface Output {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: TypedArray;
}

/**
 * Checks that the nodes of `op` give the cpu backend's results, dtypes and shapes included, on every case.
 *
 * @throws {assert.AssertionError} On the first case that does not hold; its name is in the message.
 */
export function checkOp(op: Op, cases: readonly OpCase[]): void {
  for (const opCase of cases) checkCase(op, opCase);
}

/** Registers a test for every case of every kernel of `cases`, with the op that `ops` has for it. */
export function testOps(ops: Readonly<Record<string, Op>>, cases: OpCases): void {
  for (const [kernel, list] of Object.entries(cases)) {
    for (const opCase of list) {
      const does = opCase.differs === undefined ? "gives" : "does not give";
      Deno.test(`${kernel} lower() ${does} the kernel's results on ${opCase.name}`, () =>
        checkCase(ops[kernel], opCase));
    }
  }
}

function checkCase(op: Op, opCase: OpCase): void {
  if (opCase.differs === undefined) return checkResults(op, opCase);
  const where = `${op.kernel}, ${opCase.name}: the results no longer differ, drop "${opCase.differs}"`;
  assert.throws(() => checkResults(op, opCase), assert.AssertionError, where);
}

function checkResults(op: Op, opCase: OpCase): void {
  const inputs = inputsOf(opCase);
  const expected = runOracle(op.kernel, { inputs, opCase });
  const actual = runLowered(op, { inputs, opCase });
  const where = `${op.kernel}, ${opCase.name}`;
  assert.equal(actual.length, expected.length, `${where}: number of outputs`);
  actual.forEach((output, i) => {
    assert.equal(output.dtype, expected[i].dtype, `${where}: dtype of output ${i}`);
    assert.deepEqual(output.shape, expected[i].shape, `${where}: shape of output ${i}`);
    const wrong = mismatches(output.data, expected[i].data, toleranceOf(opCase, output.dtype));
    assert.deepEqual(wrong, [] as readonly Mismatch[], `${where}: elements of output ${i}`);
  });
}

function toleranceOf(opCase: OpCase, dtype: string): Tolerance {
  const tolerance = opCase.tolerance ?? (dtype === "float32" ? FLOAT_TOLERANCE : "exact");
  return tolerance === "exact" ? { relative: 0, absolute: 0 } : tolerance;
}

function inputsOf(opCase: OpCase): readonly Input[] {
  return Object.entries(opCase.inputs).map(([key, spec]: [string, InputSpec], i) => {
    const dtype = spec.dtype ?? "float32";
    const size = sizeOf(spec.shape);
    const values = spec.values ?? randomValues(size, { dtype, range: spec.range, seed: `${opCase.name}/${i}` });
    assert.equal(values.length, size, `${opCase.name}: number of elements of "${key}"`);
    const data = allocate(dtype, size);
    data.set(values as number[] & bigint[]);
    return { key, shape: spec.shape, dtype, data };
  });
}

/** Runs the op's nodes, unoptimized, in ONNX Runtime. */
function runLowered(
  op: Op,
  { inputs, opCase }: { readonly inputs: readonly Input[]; readonly opCase: OpCase },
): readonly Output[] {
  const builder = new GraphBuilder();
  const values: Record<string, Value> = {};
  for (const { key, dtype, shape } of inputs) values[key] = builder.input(dtype, shape, `in_${key}`);
  const lowered = op.lower(builder, values, opCase.attrs ?? {});
  // An output may be an input or a constant, which a graph's output may not be.
  const outputs = (isValue(lowered) ? [lowered] : lowered).map((value) => builder.node("Identity", [value]));
  const graph = builder.build("case", outputs.map(({ name }) => name));
  if (opCase.nodes !== undefined) {
    const own = graph.nodes.filter((node) => !outputs.some(({ name }) => node.outputs.includes(name)));
    assert.deepEqual(own.map((node) => node.op), opCase.nodes, `${op.kernel}, ${opCase.name}: nodes`);
  }
  const session = new Session(encodeModel(graph), { optimization: "disabled", threads: 1 });
  try {
    const feeds: Record<string, HostTensor> = {};
    for (const { key, dtype, shape, data } of inputs) {
      if (graph.inputs.includes(`in_${key}`)) feeds[`in_${key}`] = { dtype, shape, data };
    }
    const results = session.run(feeds);
    return outputs.map((value) => {
      const { data, dtype, shape } = results[value.name];
      // What the nodes' schemas say must be what ONNX Runtime finds.
      assert.deepEqual([...shape], value.shape, `${op.kernel}, ${opCase.name}: inferred shape`);
      return { shape: [...shape], dtype, data: data as TypedArray };
    });
  } finally {
    session.dispose();
  }
}

function isValue(lowered: Value | readonly Value[]): lowered is Value {
  return "name" in lowered;
}

/** Runs the case's oracle: by default the kernel of the same name of the cpu backend. */
function runOracle(
  kernel: string,
  { inputs, opCase }: { readonly inputs: readonly Input[]; readonly opCase: OpCase },
): readonly Output[] {
  tf.env().set("PROD", true);
  tf.setBackend("cpu");
  const outputs: Output[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(({ data, shape, dtype }) =>
      // Typed arrays of the input's own dtype are what tf.tensor takes as elements.
      tf.tensor(data.slice() as Float32Array, [...shape], dtype)
    );
    const keyed = Object.fromEntries(inputs.map(({ key }, i) => [key, tensors[i]]));
    const named = Array.isArray(opCase.inputs) ? asMap(tensors) : keyed;
    const results = opCase.oracle?.(named) ?? tf.engine().runKernel(kernel, named, opCase.attrs as tf.NamedAttrMap);
    for (const tensor of [results].flat()) {
      assert.ok(tensor instanceof tf.Tensor);
      outputs.push({ shape: tensor.shape, dtype: tensor.dtype, data: tensor.dataSync() as TypedArray });
    }
  });
  return outputs;
}

/** TF.js passes the inputs of variadic kernels as an array and declares a map. */
function asMap(tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.assign([] as object as Record<string, tf.Tensor>, tensors);
}
