/** The memory behind tensors, and its reuse from step to step. */
import { allocate, bytesPerElement, type DType, type TypedArray } from "../numbers/dtype.ts";

/** Elements of one tensor in host memory. */
export interface Buffer {
  readonly data: TypedArray;
  /** Whether the array came from outside or was handed out: then it is never written again. */
  exposed: boolean;
  /** Whether a run computed it: a variable's value, which the next step will find changed. */
  computed?: boolean;
}

/** Bytes of disposed arrays that are kept for reuse. */
export const POOL_BYTES = 512 * 1024 * 1024;

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
    const array = this.#remove(`${dtype}${length}`);
    return array ?? allocate(dtype, length);
  }

  /** Takes back the array of `buffer`, unless it was exposed. Beyond the limit, the kinds unused for longest go. */
  give(dtype: DType, buffer: Buffer): void {
    const { data, exposed } = buffer;
    if (exposed || data.byteLength > this.limit) return;
    const key = `${dtype}${data.byteLength / bytesPerElement(dtype)}`;
    const list = this.#free.get(key) ?? [];
    list.push(data);
    // The order of the map is that of last use.
    this.#free.delete(key);
    this.#free.set(key, list);
    this.#bytes += data.byteLength;
    for (const oldest of this.#free.keys()) {
      while (this.#bytes > this.limit && this.#remove(oldest) !== undefined);
      if (this.#bytes <= this.limit) break;
    }
  }

  /** Takes out an array of one kind: of one dtype and length. */
  #remove(key: string): TypedArray | undefined {
    const list = this.#free.get(key);
    const array = list?.pop();
    if (list === undefined || array === undefined) return undefined;
    if (list.length === 0) this.#free.delete(key);
    this.#bytes -= array.byteLength;
    return array;
  }

  /** Drops all arrays. */
  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}
