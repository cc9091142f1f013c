/** ONNX Runtime as an oracle for tests. */
import { ort } from "../../src/runtime/library.ts";

/** A tensor as ONNX Runtime takes and gives it. */
export interface OrtTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ort.Tensor["data"];
}

const PLAIN: ort.InferenceSession.SessionOptions = {
  graphOptimizationLevel: "disabled",
  intraOpNumThreads: 1,
  logSeverityLevel: 4,
};

/**
 * Runs a model once, without graph optimizations, and returns its outputs by name.
 *
 * @throws {Error} If ONNX Runtime refuses the model or the feeds.
 */
export async function runOnnx(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, OrtTensor>>,
  options: ort.InferenceSession.SessionOptions = {},
): Promise<Readonly<Record<string, OrtTensor>>> {
  const session = await ort.InferenceSession.create(bytes, { ...PLAIN, ...options });
  try {
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
        name,
        new ort.Tensor(dtype as ort.Tensor.Type, data as Float32Array, shape),
      ]),
    );
    const outputs = await session.run(inputs);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        name,
        { dtype: tensor.type, shape: tensor.dims, data: tensor.data },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Returns ONNX Runtime's reason to refuse a model, or undefined if it loads it. */
export async function refusalOf(bytes: Uint8Array): Promise<string | undefined> {
  try {
    const session = await ort.InferenceSession.create(bytes, PLAIN);
    await session.release();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
