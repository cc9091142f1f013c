/** An ONNX file that answers in the place of the model that was made of it. */
import * as tf from "@tensorflow/tfjs-core";
import { allocate, type DType } from "../../../src/numbers/dtype.ts";
import type { Tensor } from "../../../src/onnx/graph.ts";
import { type HostTensor, Session } from "../../../src/runtime/session.ts";
import type { SourceAnswers } from "../imported.ts";
import { axesFirst, elementsFirst, samplesOf } from "./batch/mod.ts";
import type { Batch, Value } from "./_value.ts";

/** A value at the border of a graph, and how the model has it. */
interface Port {
  readonly name: string;
  readonly value: Place;
}

/** Where a value has its batch in the file, and in which order its axes are stored. */
type Place = Pick<Value, "batch" | "order">;

/** How a graph's borders lie in the model's. */
interface Borders {
  /** In the model's order. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** What a run that succeeded was fed: the types and shapes of all inputs, and numbers for those that nobody reads. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** Returns what ONNX gives as the model has it: the batch, then the axes in the order in which they are stored. */
export function asStored({ dtype, shape, data }: HostTensor, { batch, order }: Place): tf.Tensor {
  // What ONNX Runtime gives are arrays of numbers or of big ones.
  const source: Tensor = { dtype, shape, data: data as Tensor["data"] };
  const first = batch === undefined ? source : elementsFirst(source, batch);
  return tf.tidy(() => tf.transpose(tf.tensor(numbersOf(first.data), [...first.shape]), [0, ...order]));
}

/** Returns what the model takes as the file has it, in a shape of that. */
function asInFile(
  x: tf.Tensor,
  { shape, batch = FIRST, order }: Place & { readonly shape: readonly number[] },
): tf.Tensor {
  const axes = [0, ...order];
  // One number a sample is a list of one in the model.
  const own = order.length === 0 ? tf.reshape(x, [x.shape[0]]) : x;
  const first = tf.transpose(own, axes.map((_, axis) => axes.indexOf(axis)));
  const places = axesFirst({ shape, batch }).flatMap((rest, axis) => {
    if (axis !== batch.axis) return rest;
    return batch.before > 1 ? [rest[0], 0, ...rest.slice(1)] : [0, ...rest];
  });
  return tf.reshape(tf.transpose(first, places), [...shape]);
}

const FIRST: Batch = { axis: 0, before: 1, after: 1 };

/** Runs the file on what the model takes, as many samples at once as the file was looked at with. */
export function sourceOf(file: Uint8Array, { inputs, outputs, feeds }: Borders): SourceAnswers {
  return (given) =>
    Promise.resolve().then(() => {
      const session = new Session(file, { optimization: "disabled" });
      try {
        const count = given[0].shape[0];
        const [{ name, value: { batch = FIRST } }] = inputs;
        const size = samplesOf({ shape: feeds[name].shape, batch });
        const parts: tf.Tensor[][] = [];
        for (let from = 0; from < count; from += size) {
          parts.push(answerPart(session, { given, from, size, inputs, outputs, feeds }));
        }
        return outputs.map((_, i) => tf.tidy(() => tf.slice(tf.concat(parts.map((part) => part[i])), [0], [count])));
      } finally {
        session.dispose();
      }
    });
}

interface Part extends Borders {
  readonly given: readonly tf.Tensor[];
  readonly from: number;
  readonly size: number;
}

/** Answers `size` samples from `from` on; where there are fewer left, the first ones again behind them. */
function answerPart(session: Session, { given, from, size, inputs, outputs, feeds }: Part): tf.Tensor[] {
  const fed = { ...feeds };
  inputs.forEach(({ name, value }, i) => {
    const { dtype, shape } = feeds[name];
    const x = tf.tidy(() => {
      const own = tf.slice(given[i], [from], [Math.min(size, given[i].shape[0] - from)]);
      const filled = own.shape[0] === size ? own : tf.concat([
        own,
        tf.tile(tf.slice(given[i], [0], [1]), [
          size - own.shape[0],
          ...own.shape.slice(1).map(() => 1),
        ]),
      ]);
      return asInFile(filled, { ...value, shape });
    });
    fed[name] = { dtype, shape, data: elementsOf(x.dataSync(), dtype) };
    x.dispose();
  });
  const found = session.run(fed);
  return outputs.map(({ name, value }) => asStored(found[name], value));
}

/** Numbers as elements of a type. */
function elementsOf(values: ArrayLike<number>, dtype: DType): ArrayBufferView {
  const elements = allocate(dtype, values.length);
  const isBig = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  for (let i = 0; i < values.length; i++) elements[i] = isBig ? BigInt(Math.round(values[i])) : values[i];
  return elements;
}

/** Elements of whatever type as TF.js takes them. */
function numbersOf(data: ArrayBufferView): Float32Array {
  // What ONNX Runtime gives are arrays of numbers or of big ones.
  return Float32Array.from(data as Float32Array | BigInt64Array, Number);
}
