import { type CodeRange, codeRangeOf, containsCodes } from "../numbers/codes.ts";
import { codeOf } from "../numbers/dtype.ts";
import type { Granularity, QParams } from "../numbers/scheme.ts";
import type { Attrs } from "../onnx/graph.ts";
import type { FakeQuantizeAttrs, FakeQuantizeInputs } from "../quant/kernel_types.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Types whose QuantizeLinear exists at opset 17. */
const LINEAR_TYPES = ["uint8", "int8"] as const;

/** Reshapes per-channel parameters so that they broadcast along their axis of a value of `rank`. */
export function alongAxis(
  emit: Emit,
  parameter: Value,
  options: { readonly granularity: Granularity; readonly rank: number },
): Value {
  const { granularity, rank } = options;
  if (granularity.kind === "per-tensor" || granularity.axis === rank - 1) return parameter;
  const { axis } = granularity;
  const shape = Array.from({ length: rank - axis }, (_, i) => i === 0 ? parameter.shape[0] : 1);
  return emit.node("Reshape", [parameter, emit.constant("int64", [shape.length], shape)]);
}

/**
 * Rounds to a grid: QuantizeLinear → DequantizeLinear where an 8-bit type holds the codes, arithmetic otherwise.
 *
 * Codes that the type has and the grid does not, such as -128 of [-127, 127], are kept away by clipping real values first.
 * Shapes: x any → the same.
 */
export const fakeQuantize = defineOp<FakeQuantizeInputs, FakeQuantizeAttrs>({
  kernel: "FakeQuantize",
  lower: (emit, { x, scale, zeroPoint }, attrs) => {
    const type = LINEAR_TYPES.find((type) => containsCodes(codeRangeOf(type), attrs));
    if (type === undefined) return arithmetic(emit, { x, scale, zeroPoint }, attrs);
    const clipped = clip(emit, { x, scale, zeroPoint }, { ...attrs, held: codeRangeOf(type) });
    const code = emit.node("Cast", [zeroPoint], { to: codeOf(type) });
    const along: Attrs = attrs.granularity.kind === "per-tensor" ? {} : { axis: attrs.granularity.axis };
    const codes = emit.node("QuantizeLinear", [clipped, scale, code], along);
    return emit.node("DequantizeLinear", [codes, scale, code], along);
  },
});

interface Clipping extends FakeQuantizeAttrs {
  /** The codes that are not to be cut off, for there are no others. */
  readonly held: CodeRange;
}

/** Cuts x off at the real values of the last codes in use: (q - z)·s rounds back to q exactly. */
function clip(emit: Emit, { x, scale, zeroPoint }: Parts, { qmin, qmax, held, granularity }: Clipping): Value {
  const bound = (q: number) => {
    const real = emit.node("Mul", [emit.node("Sub", [emit.constant("float32", [], [q]), zeroPoint]), scale]);
    return alongAxis(emit, real, { granularity, rank: x.shape.length });
  };
  const below = qmax === held.qmax ? x : emit.node("Min", [x, bound(qmax)]);
  return qmin === held.qmin ? below : emit.node("Max", [below, bound(qmin)]);
}

interface Parts extends QParams<Value> {
  readonly x: Value;
}

/** Codes of any width: (clip(round(x / s), qmin - z, qmax - z))·s; without clipping where the range is infinite. */
function arithmetic(emit: Emit, { x, scale, zeroPoint }: Parts, { qmin, qmax, granularity }: FakeQuantizeAttrs): Value {
  const rank = x.shape.length;
  const s = alongAxis(emit, scale, { granularity, rank });
  const bound = (q: number) =>
    alongAxis(emit, emit.node("Sub", [emit.constant("float32", [], [q]), zeroPoint]), { granularity, rank });
  const rounded = emit.node("Round", [emit.node("Div", [x, s])]);
  if (qmin === -Infinity && qmax === Infinity) return emit.node("Mul", [rounded, s]);
  const clipped = emit.node("Min", [emit.node("Max", [rounded, bound(qmin)]), bound(qmax)]);
  return emit.node("Mul", [clipped, s]);
}
