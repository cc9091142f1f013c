/** Grids as ONNX files have them. */
import { codeRangeOf, type CodeType, isCodeType } from "../../../src/numbers/codes.ts";
import type { DType } from "../../../src/numbers/dtype.ts";
import { sizeOf, type Tensor } from "../../../src/onnx/graph.ts";
import type { FileGrid } from "../imported.ts";

/** A graph cannot be read as what it stands for: the end of a sentence. */
export class GridError extends Error {}

/** What makes a grid. */
interface GridParts {
  /** The node that has it. */
  readonly of: string;
  readonly scale: Tensor;
  readonly zero: Tensor | undefined;
  readonly axis: number;
  /** Of the codes, where there is no zero point that has it. */
  readonly dtype?: DType;
}

/**
 * Reads a grid of the constants of a node; codes without a zero point and a type of their own are of uint8, and 0 is 0.
 *
 * @throws {GridError} If it is none.
 */
export function gridIn({ of, scale, zero, axis, dtype = "uint8" }: GridParts): FileGrid {
  const type = codeTypeOf(zero?.dtype ?? dtype);
  const scales = Array.from(scale.data, Number);
  const zeros = zero === undefined ? [0] : Array.from(zero.data, Number);
  const bad = scales.find((each) => !(each > 0 && Number.isFinite(each)));
  if (bad !== undefined) throw new GridError(`a scale of "${of}" is ${bad}, a number above 0 is needed`);
  const count = Math.max(scales.length, zeros.length);
  if (scales.length === 0 || [scales, zeros].some(({ length }) => length !== 1 && length !== count)) {
    throw new GridError(`"${of}" has ${scales.length} scales and ${zeros.length} zero points, as many are needed`);
  }
  const spread = (values: readonly number[]) =>
    values.length === count ? values : new Array<number>(count).fill(values[0]);
  return { dtype: type, ...codeRangeOf(type), scale: spread(scales), zeroPoint: spread(zeros), axis };
}

function codeTypeOf(dtype: DType): CodeType {
  return isCodeType(dtype) ? dtype : "uint8";
}

/** Whether two grids are the same. */
export function areEqual(a: FileGrid, b: FileGrid): boolean {
  return a.dtype === b.dtype && a.scale.join() === b.scale.join() && a.zeroPoint.join() === b.zeroPoint.join();
}

/**
 * Returns the real numbers that codes stand for, as DequantizeLinear does: (code − zero point) · scale, in single precision.
 *
 * @throws {GridError} If there are not as many scales as slices.
 */
export function realCodes({ data, shape }: Tensor, { scale, zeroPoint, axis }: FileGrid, of: string): Tensor {
  const at = axis < 0 ? axis + shape.length : axis;
  const count = scale.length;
  if (count > 1 && shape[at] !== count) {
    throw new GridError(`"${of}" has ${count} scales along axis ${axis} of [${shape}]`);
  }
  const inner = sizeOf(shape.slice(at + 1));
  const real = Float32Array.from({ length: data.length }, (_, i) => {
    const slice = count === 1 ? 0 : Math.floor(i / inner) % count;
    return (Number(data[i]) - zeroPoint[slice]) * scale[slice];
  });
  return { dtype: "float32", shape, data: real };
}
