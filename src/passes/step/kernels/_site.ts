/** Where a kernel stands: what it reads and what it writes, and the words in which its arithmetic is written. */
import type { CodeType } from "../../../numbers/codes.ts";
import { codeOf, type DType } from "../../../numbers/dtype.ts";
import type { Attrs, Node } from "../../../onnx/graph.ts";
import type { Index } from "../../../onnx/index.ts";
import type { GraphWriter } from "../../../onnx/writer.ts";
import type { CodeReader } from "./_codes.ts";

/** The grid of what a kernel writes: names of a scale and a zero point, and the type of its codes. */
export interface OutputGrid {
  readonly scale: string;
  readonly zeroPoint: string;
  readonly dtype: CodeType & DType;
}

/** What a kernel computes before it rounds, in steps of its output's grid. */
export interface Steps {
  /** float32, of the operator's shape. */
  readonly value: string;
  /** Whether the zero point was added already: then what is rounded is a code. */
  readonly areCodes: boolean;
}

/** An operator whose inputs and output are on grids. */
export interface Site {
  readonly out: GraphWriter;
  readonly index: Index;
  readonly reader: CodeReader;
  readonly output: OutputGrid;
}

/** Writes what the kernel of `node` computes; undefined where there is none. */
export type KernelRule = (node: Node, site: Site) => Steps | undefined;

/** Appends an operator of `site` and returns what it gives. */
export type Write = (op: string, inputs: readonly string[], attrs?: Attrs) => string;

/** Writes operators that belong to the layer of `like`. */
export function writing({ out }: Site, like: Node): Write {
  return (op, inputs, attrs = {}) => out.emit(op, inputs, { attrs, like });
}

/** Casts `value` to `dtype`. */
export function cast(write: Write, value: string, dtype: DType): string {
  return write("Cast", [value], { to: codeOf(dtype) });
}

/** Adds a number. */
export function scalar({ out }: Site, value: number, dtype: "float32" | "float64" = "float32"): string {
  return out.constant("number", dtype, [], dtype === "float32" ? Float32Array.of(value) : Float64Array.of(value));
}

/** The codes of an input that has one scale, with its zero point as float32. */
export interface Operand {
  readonly steps: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** Returns the codes of `value` if they are of the output's type and have one scale. */
export function operandOf(value: string, site: Site, write: Write): Operand | undefined {
  const codes = site.reader.codesOf(value);
  if (codes?.grid?.dtype !== site.output.dtype || site.out.typeOf(codes.scale).shape.length > 0) return undefined;
  return { steps: codes.steps, scale: codes.scale, zeroPoint: cast(write, codes.grid.zeroPoint, "float32") };
}
