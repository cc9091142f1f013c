/** The exported model at work in ONNX Runtime. */
import type { Answer, Answers } from "../models/answers.ts";
import { fromHalf, toHalf } from "../src/numbers/half.ts";
import type { QParams } from "../src/numbers/scheme.ts";
import { type InputValues, pickByName } from "../models/ports.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { type Graph, sizeOf } from "../src/onnx/graph.ts";
import { type HostTensor, type PortInfo, Session, type SessionOptions } from "../src/runtime/session.ts";

/** Values of samples, [n, …sample] flattened: bytes of pictures for a file that takes raw pixels, else numbers. */
export type SampleValues = InputValues | Uint8Array;

/** Samples by the inputs' names. Of a file with one input, the name is free. */
export type Samples = Readonly<Record<string, SampleValues>>;

/** A loaded ONNX file that answers for batches of samples. */
export class DeployedModel {
  readonly #session: Session;
  readonly #grids: Readonly<Record<string, QParams>>;

  /**
   * Loads an ONNX file.
   *
   * @param bytes A serialized ModelProto; the first dimension of inputs and outputs is the batch, which may be fixed.
   * @throws {TypeError} If it has no input.
   */
  constructor(bytes: Uint8Array, options: SessionOptions = {}) {
    this.#session = new Session(bytes, options);
    if (this.#session.inputs.length === 0) {
      this.#session.dispose();
      throw new TypeError("Cannot predict with this model: it has no inputs, at least 1 is needed");
    }
    this.#grids = gridsOf(decodeModel(bytes).graph);
  }

  /** Shapes of one sample by the inputs' names, as the file wants them. */
  get sampleShapes(): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(this.#session.inputs.map(({ name, shape }) => [name, shape.slice(1)]));
  }

  /** Samples that the file takes at once; undefined if any number will do. */
  get batch(): number | undefined {
    const [batch] = this.#session.inputs[0].shape;
    return batch > 0 ? batch : undefined;
  }

  /** Names the inputs that take pictures as bytes. */
  get rawInputs(): readonly string[] {
    return this.#session.inputs.filter(({ dtype }) => dtype === "uint8").map(({ name }) => name);
  }

  /**
   * Returns the answers of all outputs; those that come out of a DequantizeLinear know their grid.
   *
   * @throws {TypeError} If `samples` are not whole ones, the same number of each input and one at least.
   * @throws {RangeError} If an input is missing, or there is no input of a name that is given.
   */
  predict(samples: Samples): Answers {
    const { inputs, outputs } = this.#session;
    const names = inputs.map(({ name }) => name);
    const given = pickByName(names, samples, { what: "input", doing: "predict" });
    const counts = inputs.map(({ shape, name }, i) => countSamples(given[i], { name, shape: shape.slice(1) }));
    const other = counts.findIndex((count) => count !== counts[0]);
    if (other >= 0) {
      throw new TypeError(
        `Cannot predict: the batch has ${counts[0]} samples for "${names[0]}" and ${counts[other]} for "${
          names[other]
        }", the same number is needed`,
      );
    }
    const [count] = counts;
    const { batch = count } = this;
    const runs = Array.from(
      { length: Math.ceil(count / batch) },
      (_, run) => this.#run(given, { from: run * batch, batch }),
    );
    return Object.fromEntries(outputs.map(({ name }) => {
      const grid = this.#grids[name];
      return [name, {
        ...joinRuns(runs.map((run) => run[name]), count / batch),
        ...(grid === undefined ? {} : { grid }),
      }];
    }));
  }

  /** Runs `batch` samples, where there are fewer left with zeros behind them. */
  #run(given: readonly SampleValues[], { from, batch }: { readonly from: number; readonly batch: number }) {
    return this.#session.run(Object.fromEntries(this.#session.inputs.map((port, i) => {
      const [, ...sample] = port.shape;
      const size = sizeOf(sample);
      const part = given[i].subarray(from * size, (from + batch) * size);
      const whole = part.length === batch * size ? part : emptyLike(part, batch * size);
      if (whole !== part) whole.set(part);
      const data = fit(whole, port);
      return [port.name, { dtype: port.dtype, shape: [batch, ...sample], data }];
    })));
  }

  /** Frees the session. */
  dispose(): void {
    this.#session.dispose();
  }
}

/**
 * Joins what several runs gave, of which the last may be for fewer samples than it was given.
 *
 * @param count Runs' worth of samples.
 */
function joinRuns(runs: readonly HostTensor[], count: number): Pick<Answer, "values" | "shape"> {
  const [{ shape: [rows, ...rest] }] = runs;
  const parts = runs.map(realValues);
  const shape = [Math.round(rows * count), ...rest];
  if (parts.length === 1 && shape[0] === rows) return { values: parts[0], shape };
  const values = new Float32Array(sizeOf(shape));
  parts.forEach((part, i) => values.set(part.subarray(0, values.length - i * part.length), i * part.length));
  return { values, shape };
}

/**
 * Returns `values` as the type that the input takes: whole numbers of real ones are cut off behind the point. Bytes are
 * raw pixels, and nothing else is.
 */
function fit(values: SampleValues, { name, dtype }: PortInfo): SampleValues | Uint16Array {
  const isBytes = values instanceof Uint8Array;
  if (isBytes !== (dtype === "uint8")) {
    const [is, needed] = isBytes ? ["bytes", "numbers"] : ["numbers", "raw pixels (uint8)"];
    throw new TypeError(`Cannot predict: the batch has ${is} for "${name}", ${needed} are needed`);
  }
  if (isBytes) return values;
  if (dtype === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === "int32") return values instanceof Int32Array ? values : Int32Array.from(values);
  if (dtype === "float16") return toHalf(values);
  throw new TypeError(`Cannot predict: the input "${name}" is ${dtype}, float32, float16, int32 or uint8 is needed`);
}

/** Zeros, of the type of `values`. */
function emptyLike(values: SampleValues, length: number): SampleValues {
  if (values instanceof Uint8Array) return new Uint8Array(length);
  return values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
}

/** Returns what a file answered, float32 or half precision, as float32. */
function realValues({ dtype, data }: HostTensor): Float32Array {
  // Exported models answer in these two.
  return dtype === "float16" ? fromHalf(data as Uint16Array) : data as Float32Array;
}

function countSamples(
  x: SampleValues,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
): number {
  const sample = sizeOf(shape);
  if (x.length > 0 && x.length % sample === 0) return x.length / sample;
  throw new TypeError(
    `Cannot predict: the batch has ${x.length} numbers for "${name}", a multiple of ${sample} ([${shape}]) is needed`,
  );
}

/** Finds the outputs that come out of a DequantizeLinear of one scale. */
function gridsOf({ nodes, outputs, initializers }: Graph): Readonly<Record<string, QParams>> {
  return Object.fromEntries(outputs.flatMap((name) => {
    const node = nodes.find((node) => node.outputs[0] === name);
    if (node?.op !== "DequantizeLinear") return [];
    const [, scale, zeroPoint] = node.inputs;
    const scales = initializers.get(scale)?.data;
    if (scales?.length !== 1) return [];
    return [[name, { scale: Number(scales[0]), zeroPoint: Number(initializers.get(zeroPoint)?.data[0] ?? 0) }]];
  }));
}
