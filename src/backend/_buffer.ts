/** The memory behind tensors, and its reuse from step to step. */
import { allocate, bytesPerElement, type DType, type TypedArray } from "../onnx/dtype.ts";

/** Elements of one tensor in host memory. */
export interface Buffer {
  readonly data: TypedArray;
  /** Whether the array came from outside or was handed out: then it is never written again. */
  exposed: boolean;
}

/**
 * Keeps the arrays of disposed tensors for the outputs of later runs.
 *
 * ONNX Runtime writes outputs into arrays given to it without a copy; a fresh 100 MB array costs some 200 ms of page
 * faults a step. Arrays that a caller may still hold are not taken back.
 */
export class BufferPool {
  readonly #free = new Map<string, TypedArray[]>();
  #bytes = 0;

  /** @param limit Bytes kept at the most. */
  constructor(private readonly limit: number) {}

  /** Bytes of the arrays that wait for use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns an array of `length` elements; its contents are arbitrary. */
  take(dtype: DType, length: number): TypedArray {
    const array = this.#free.get(`${dtype}${length}`)?.pop();
    if (array === undefined) return allocate(dtype, length);
    this.#bytes -= array.byteLength;
    return array;
  }

  /** Takes back the array of `buffer`, unless it was exposed or the pool is full. */
  give(dtype: DType, buffer: Buffer): void {
    const { data, exposed } = buffer;
    if (exposed || this.#bytes + data.byteLength > this.limit) return;
    const key = `${dtype}${data.byteLength / bytesPerElement(dtype)}`;
    const list = this.#free.get(key);
    if (list === undefined) this.#free.set(key, [data]);
    else list.push(data);
    this.#bytes += data.byteLength;
  }

  /** Drops all arrays. */
  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}
