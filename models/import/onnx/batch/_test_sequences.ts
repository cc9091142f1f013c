/** Small ONNX files whose samples are any axis, and what ONNX Runtime answers with them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../../../src/numbers/random.ts";
import type { Dim, ValueType } from "../../../../src/onnx/graph.ts";
import { encodeModel } from "../../../../src/onnx/file/mod.ts";
import { Session } from "../../../../src/runtime/session.ts";
import { type OrtTensor, runOnnx } from "../../../../tests/_support/ort.ts";
import { withOutputs } from "../_observe.ts";
import { loadBytes, NetWriter } from "../_test_net.ts";

/** A net under test. */
export interface SequenceNet {
  /** Sides of each input; "n" is the batch. */
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  /** Default 17. */
  readonly opset?: number;
  /** Writes the nodes; gives the names of the outputs. */
  readonly write: (net: NetWriter) => string | readonly string[];
  /** The axis of all inputs that is their batch. Default: that of the side "n". */
  readonly axis?: number;
  /** The axis of each output that is its batch. Default: that of the first input. */
  readonly axes?: readonly number[];
}

/** Returns the bytes of a net, and the names of its outputs. */
export function sequenceBytes({ inputs, opset = 17, write }: SequenceNet) {
  const net = new NetWriter();
  const outputs = [write(net)].flat();
  const types = new Map(
    Object.entries(inputs).map(([name, shape]): [string, ValueType] => [
      name,
      { dtype: "float32", shape },
    ]),
  );
  const graph = { name: "net", inputs: Object.keys(inputs), nodes: net.nodes, initializers: net.initializers };
  const without = encodeModel({ ...graph, outputs: [], types }, { opset });
  const given = outputTypes(withOutputs(without, outputs), inputs);
  return { bytes: encodeModel({ ...graph, outputs, types: new Map([...types, ...given]) }, { opset }), outputs };
}

/** The types of a file's outputs, all their sides open. */
function outputTypes(file: Uint8Array, inputs: SequenceNet["inputs"]): [string, ValueType][] {
  const session = new Session(file, { optimization: "disabled" });
  try {
    const found = session.run(Object.fromEntries(
      Object.entries(inputs).map(([name, dims]) => {
        const shape = dims.map((dim) => typeof dim === "number" ? dim : 2);
        return [name, { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }];
      }),
    ));
    return Object.entries(found).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: shape.map((_, axis) => `${name}_${axis}`) },
    ]);
  } finally {
    session.dispose();
  }
}

/** Asserts that a net is imported with its batch first, and answers as ONNX Runtime does on other numbers and samples. */
export async function assertSequences(net: SequenceNet): Promise<tfl.LayersModel> {
  const { bytes, outputs } = sequenceBytes(net);
  const model = await loadBytes(bytes);
  const random = new Random(7);
  const fed = Object.entries(net.inputs).map(([name, dims]) => {
    const shape = dims.map((dim) => typeof dim === "number" ? dim : 3);
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.between(-1.5, 1.5));
    return { name, shape, data, axis: net.axis ?? dims.indexOf("n") };
  });
  const expected = await runOnnx(
    bytes,
    Object.fromEntries(fed.map(({ name, shape, data }) => [name, { dtype: "float32" as const, shape, data }])),
  );
  const inputs = fed.map(({ shape, data, axis }) => batchFirst(tf.tensor(data, shape), axis));
  assert.deepEqual(model.inputs.map(({ shape }) => shape.slice(1)), inputs.map(({ shape }) => shape.slice(1)));
  const answers = [model.predict(inputs)].flat();
  for (const [i, name] of outputs.entries()) {
    await assertAlike(answers[i], { answer: expected[name], axis: net.axes?.[i] ?? fed[0].axis, name });
  }
  return model;
}

function batchFirst(x: tf.Tensor, axis: number): tf.Tensor {
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  return tf.transpose(x, [axis, ...rest]);
}

interface Expected {
  readonly answer: OrtTensor;
  readonly axis: number;
  readonly name: string;
}

async function assertAlike(own: tf.Tensor, { answer: { data, shape }, axis, name }: Expected): Promise<void> {
  const expected = batchFirst(tf.tensor(data as Float32Array, [...shape]), axis);
  assert.deepEqual(own.shape, expected.shape, name);
  const [actual, known] = [await own.data<"float32">(), await expected.data<"float32">()];
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  // Sums of products in another order, step upon step.
  const at = known.findIndex((value, i) => !(Math.abs(value - actual[i]) <= 1e-5 * largest));
  assert.ok(at < 0, `${name}: number ${at} is ${actual[at]}, not ${known[at]}`);
}

/** Classes of a model's layers, in order. */
export function classesOf({ layers }: tfl.LayersModel): string {
  return layers.map((layer) => layer.getClassName()).join(" ");
}
