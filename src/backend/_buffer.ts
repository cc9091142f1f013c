/** The memory behind tensors. */
import type { TypedArray } from "../numbers/dtype.ts";

/** Elements of one tensor in host memory. */
export interface Buffer {
  readonly data: TypedArray;
  /** Whether the array came from outside or was handed out: then it is never freed by hand. */
  exposed: boolean;
  /** Whether a run computed it: a variable's value, which the next step will find changed. */
  computed?: boolean;
}

/**
 * Gives the memory of an array back at once, unless a caller may still hold it. The array has no elements afterwards.
 *
 * onnxruntime-node copies what a session gives into arrays of its own, also where it is given some to write to, so a
 * training step makes a new array for every variable. Left to the garbage collector those of several steps pile up.
 */
export function release({ data, exposed }: Buffer): void {
  if (!exposed && data.buffer instanceof ArrayBuffer) data.buffer.transfer(0);
}
