/** Tensors as bytes, and back, with what the engine knows of them. */
import * as tf from "@tensorflow/tfjs-core";
import { type EngineHistory, OnnxRuntimeBackend } from "../src/backend/mod.ts";

/** What is written down of a tensor besides its elements. */
export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  /** Whether the engine computed it, rather than got it: see `EngineHistory`. */
  readonly computed: boolean;
  readonly originalName?: string;
}

/** A tensor under the name that its bytes get. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: tf.Tensor;
  readonly originalName?: string;
}

/** Arrays by the dtypes that variables have. */
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Returns what our own engine has seen; undefined on other backends, which compute every step alike. */
export function engineHistory(): EngineHistory | undefined {
  const backend = tf.backend();
  return backend instanceof OnnxRuntimeBackend ? backend.history : undefined;
}

/** Reads tensors into bytes, which are the engine's own until it computes on. */
export async function packTensors(tensors: readonly NamedTensor[]): Promise<{
  readonly infos: readonly TensorInfo[];
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}> {
  const history = engineHistory();
  const blobs: Record<string, Uint8Array> = {};
  const infos: TensorInfo[] = [];
  for (const { name, tensor, originalName } of tensors) {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    blobs[name] = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    const { shape, dtype } = tensor;
    const computed = history?.isComputed(tensor) ?? false;
    infos.push({ name, shape, dtype, computed, ...(originalName === undefined ? {} : { originalName }) });
  }
  return { infos, blobs };
}

/** Makes a tensor of what `packTensors` gave; it is the caller's. */
export function unpackTensor(
  { name, shape, dtype, computed }: TensorInfo,
  blobs: Readonly<Record<string, Uint8Array>>,
) {
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
    throw new TypeError(`Cannot restore "${name}": it is of dtype "${dtype}", numbers are needed`);
  }
  const { buffer, byteOffset, byteLength } = blobs[name];
  const kind = ARRAYS[dtype];
  const tensor = tf.tensor(
    new kind(buffer as ArrayBuffer, byteOffset, byteLength / kind.BYTES_PER_ELEMENT),
    [...shape],
    dtype,
  );
  if (computed) engineHistory()?.markComputed(tensor);
  return tensor;
}
