/** The exported model at work in ONNX Runtime. */
import type { Answers } from "../models/answers.ts";
import type { QParams } from "../src/numbers/scheme.ts";
import { pickByName } from "../models/ports.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { type Graph, sizeOf } from "../src/onnx/graph.ts";
import { Session, type SessionOptions } from "../src/runtime/session.ts";

/** Samples by the inputs' names, each [n, …sample] flattened. Of a file with one input, the name is free. */
export type Samples = Readonly<Record<string, Float32Array>>;

/** A loaded ONNX file that answers for batches of samples. */
export class DeployedModel {
  readonly #session: Session;
  readonly #grids: Readonly<Record<string, QParams>>;

  /**
   * Loads an ONNX file.
   *
   * @param bytes A serialized ModelProto; the first dimension of inputs and outputs is the batch.
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
    const feeds = Object.fromEntries(
      inputs.map(({ name, shape }, i) => [
        name,
        { dtype: "float32", shape: [counts[i], ...shape.slice(1)], data: given[i] } as const,
      ]),
    );
    const results = this.#session.run(feeds);
    return Object.fromEntries(outputs.map(({ name }) => {
      // Exported models answer in float32.
      const values = results[name].data as Float32Array;
      const grid = this.#grids[name];
      return [name, { values, shape: results[name].shape, ...(grid === undefined ? {} : { grid }) }];
    }));
  }

  /** Frees the session. */
  dispose(): void {
    this.#session.dispose();
  }
}

function countSamples(
  x: Float32Array,
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
