import { codeOf } from "../numbers/dtype.ts";
import type { Granularity } from "../numbers/scheme.ts";
import type { Attrs } from "../onnx/graph.ts";
import type { FakeQuantizeAttrs, FakeQuantizeInputs } from "../quant/kernel_types.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Element types whose QuantizeLinear exists at opset 17, with their codes' range. */
const CODE_TYPES = [
  { dtype: "uint8", lowest: 0, highest: 255 },
  { dtype: "int8", lowest: -128, highest: 127 },
] as const;

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
 * Rounds to a grid: QuantizeLinear → DequantizeLinear where codes fill an 8-bit type, arithmetic otherwise.
 *
 * [-127, 127] is int8 with real values clipped at -127·s first. Shapes: x any → the same.
 */
export const fakeQuantize = defineOp<FakeQuantizeInputs, FakeQuantizeAttrs>({
  kernel: "FakeQuantize",
  lower: (emit, { x, scale, zeroPoint }, attrs) => {
    const { qmin, qmax, granularity } = attrs;
    const type = CODE_TYPES.find(({ lowest, highest }) => highest === qmax && qmin - lowest <= 1 && qmin >= lowest);
    if (type === undefined) return arithmetic(emit, { x, scale, zeroPoint }, attrs);
    const clipped = qmin === type.lowest ? x : clipBelow(emit, { x, scale, zeroPoint }, attrs);
    const code = emit.node("Cast", [zeroPoint], { to: codeOf(type.dtype) });
    const along: Attrs = granularity.kind === "per-tensor" ? {} : { axis: granularity.axis };
    const codes = emit.node("QuantizeLinear", [clipped, scale, code], along);
    return emit.node("DequantizeLinear", [codes, scale, code], along);
  },
});

/** The real value of the lowest code, below which x is cut off: (qmin - z)·s rounds back to qmin exactly. */
function clipBelow(emit: Emit, { x, scale, zeroPoint }: Parts, { qmin, granularity }: FakeQuantizeAttrs): Value {
  const lowest = emit.node("Mul", [emit.node("Sub", [emit.constant("float32", [], [qmin]), zeroPoint]), scale]);
  return emit.node("Max", [x, alongAxis(emit, lowest, { granularity, rank: x.shape.length })]);
}

interface Parts {
  readonly x: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
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
