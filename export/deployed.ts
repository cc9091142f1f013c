/** The exported model at work in ONNX Runtime. */
import { Session, type SessionOptions } from "../src/runtime/session.ts";

/** Answers to a number of samples. */
export interface Prediction {
  /** [n, …] flattened. */
  readonly values: Float32Array;
  /** Values of one sample. */
  readonly width: number;
}

/** A loaded ONNX file that answers for batches of samples. */
export class DeployedModel {
  readonly #session: Session;

  /**
   * Loads an ONNX file.
   *
   * @param bytes A serialized ModelProto with one input whose first dimension is the batch.
   * @throws {TypeError} If it has another number of inputs.
   */
  constructor(bytes: Uint8Array, options: SessionOptions = {}) {
    this.#session = new Session(bytes, options);
    if (this.#session.inputs.length !== 1) {
      const found = this.#session.inputs.length;
      this.#session.dispose();
      throw new TypeError(`Cannot predict with this model: it has ${found} inputs, exactly 1 is needed`);
    }
  }

  /** Shape of one sample, as the file wants it. */
  get sampleShape(): readonly number[] {
    return this.#session.inputs[0].shape.slice(1);
  }

  /**
   * Returns the last output for `x`, [n, …sample] flattened.
   *
   * @throws {TypeError} If `x` does not hold whole samples, one at least.
   */
  predict(x: Float32Array): Prediction {
    const { name } = this.#session.inputs[0];
    const sample = this.sampleShape.reduce((a, b) => a * b, 1);
    if (x.length === 0 || x.length % sample !== 0) {
      throw new TypeError(
        `Cannot predict: the batch has ${x.length} numbers, a multiple of ${sample} ([${this.sampleShape}]) is needed`,
      );
    }
    const shape = [x.length / sample, ...this.sampleShape];
    const outputs = this.#session.run({ [name]: { dtype: "float32", shape, data: x } });
    const values = outputs[this.#session.outputs.at(-1)!.name].data as Float32Array;
    return { values, width: values.length / shape[0] };
  }

  /** Frees the session. */
  dispose(): void {
    this.#session.dispose();
  }
}
