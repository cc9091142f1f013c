/** Small ONNX files for tests, and what ONNX Runtime answers with them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../../../src/backend/mod.ts";
import { Random } from "../../../src/numbers/random.ts";
import type { Attrs, Node, Tensor, ValueType } from "../../../src/onnx/graph.ts";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import { Session } from "../../../src/runtime/session.ts";
import { type OrtTensor, runOnnx } from "../../../tests/_support/ort.ts";
import { withOutputs } from "./_observe.ts";
import { loadOnnx, type OnnxOptions } from "./mod.ts";

/** Writes a net node by node; values are names, and "x" is the input. */
export class NetWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #random: Random;

  constructor(seed = 1) {
    this.#random = new Random(seed);
  }

  /** Adds a node and returns the name of its first output. */
  add(op: string, inputs: readonly string[], attrs: Attrs = {}, outputs = 1): string {
    const name = `${op}_${this.nodes.length}`;
    const given = Array.from({ length: outputs }, (_, i) => i === 0 ? name : `${name}_${i}`);
    this.nodes.push({ op, name, inputs, outputs: given, attrs });
    return name;
  }

  /** Adds random numbers between `low` and `high`. */
  random(shape: readonly number[], low = -1, high = 1): string {
    const size = shape.reduce((product, side) => product * side, 1);
    return this.real(shape, Float32Array.from({ length: size }, () => this.#random.between(low, high)));
  }

  /** Adds real numbers. */
  real(shape: readonly number[], values: ArrayLike<number>): string {
    return this.#constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  }

  /** Adds whole numbers in a list. */
  whole(...values: readonly number[]): string {
    return this.#constant({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  #constant(tensor: Tensor): string {
    const name = `c${this.initializers.size}`;
    this.initializers.set(name, tensor);
    return name;
  }
}

/** A net under test. */
export interface TestNet {
  /** Of the input, behind the batch. */
  readonly shape: readonly number[];
  /** Default 17. */
  readonly opset?: number;
  /** The batch as the file has it. Default: any. */
  readonly batch?: number;
  /** Writes the nodes; gives the names of the outputs. */
  readonly write: (net: NetWriter) => string | readonly string[];
}

/** Returns the bytes of a net, and the names of its outputs. */
export function bytesOf({ shape, opset = 17, batch, write }: TestNet) {
  const net = new NetWriter();
  const outputs = [write(net)].flat();
  const input: ValueType = { dtype: "float32", shape: [batch ?? "n", ...shape] };
  const graph = { name: "net", inputs: ["x"], nodes: net.nodes, initializers: net.initializers };
  const without = encodeModel({ ...graph, outputs: [], types: new Map([["x", input]]) }, { opset });
  const types = new Map([["x", input], ...typesOf(withOutputs(without, outputs), [batch ?? 2, ...shape], batch)]);
  return { bytes: encodeModel({ ...graph, outputs, types }, { opset }), outputs };
}

/** The types of the outputs of a file, as ONNX Runtime finds them. */
function typesOf(file: Uint8Array, shape: readonly number[], batch: number | undefined): [string, ValueType][] {
  const session = new Session(file, { optimization: "disabled" });
  try {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    return Object.entries(session.run({ x: { dtype: "float32", shape, data } })).map((
      [name, { dtype, shape: [, ...rest] }],
    ) => [name, { dtype, shape: [batch ?? "n", ...rest] }]);
  } finally {
    session.dispose();
  }
}

/** Loads a file of these bytes. */
export async function loadBytes(bytes: Uint8Array, options: OnnxOptions = {}): Promise<tfl.LayersModel> {
  await registerBackend();
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    await Deno.writeFile(path, bytes);
    return await loadOnnx(path, options);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(path, "net.onnx");
    throw error;
  } finally {
    await Deno.remove(path);
  }
}

/** Asserts that a net is imported, and answers as ONNX Runtime does on numbers that the import has not seen. */
export async function assertImports(net: TestNet, options: OnnxOptions = {}): Promise<tfl.LayersModel> {
  const { bytes, outputs } = bytesOf(net);
  const model = await loadBytes(bytes, options);
  const size = net.batch ?? 3;
  const random = new Random(99);
  const shape = [size, ...net.shape];
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.between(-2, 2));
  const expected = await runOnnx(bytes, { x: { dtype: "float32", shape, data: values } });
  const isPicture = shape.length === 4 && model.inputs[0].shape.slice(1).join() !== net.shape.join();
  const x = isPicture ? tf.transpose(tf.tensor(values, shape), [0, 2, 3, 1]) : tf.tensor(values, shape);
  const answers = [model.predict(x)].flat();
  for (const [i, name] of outputs.entries()) await assertAlike(answers[i], expected[name], name);
  return model;
}

/** TF.js's pictures have their channels last. */
async function assertAlike(answer: tf.Tensor, { data, shape }: OrtTensor, name: string): Promise<void> {
  // What ONNX Runtime gives are arrays of numbers or of big ones.
  const plain = tf.tensor(Float32Array.from(data as Float32Array | BigInt64Array, Number), [...shape]);
  const expected = shape.length === 4 && answer.shape.join() !== shape.join()
    ? tf.transpose(plain, [0, 2, 3, 1])
    : plain;
  assert.deepEqual(answer.shape, expected.shape, name);
  const [own, known] = [await answer.data<"float32">(), await expected.data<"float32">()];
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const at = known.findIndex((value, i) => !(Math.abs(value - own[i]) <= 1e-4 * largest));
  assert.ok(at < 0, `${name}: number ${at} is ${own[at]}, not ${known[at]}`);
}
