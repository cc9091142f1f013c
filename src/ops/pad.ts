/** MirrorPad and PadV2. */
import type { MirrorPadAttrs, MirrorPadInputs, PadV2Attrs, PadV2Inputs } from "@tensorflow/tfjs-core";
import { scalar, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/**
 * Surrounds x by its mirror image, with ("symmetric") or without ("reflect") its outermost elements.
 *
 * Shapes: x [d, ...] → [before + d + after, ...].
 */
export const mirrorPad = defineOp<MirrorPadInputs, MirrorPadAttrs>({
  kernel: "MirrorPad",
  lower: (emit, { x }, { paddings, mode }) => {
    const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
    if (pads.every((pad) => pad === 0)) return x;
    if (mode === "reflect") return emit.node("Pad", [x, vector(emit, pads)], { mode: "reflect" });
    // ONNX's Pad has no such mode: elements are gathered, axis by axis.
    return paddings.reduce((value, [before, after], axis) => {
      if (before === 0 && after === 0) return value;
      const length = x.shape[axis];
      const places = Array.from({ length: before + length + after }, (_, i) => mirrored(i - before, length));
      return emit.node("Gather", [value, vector(emit, places)], { axis });
    }, x);
  },
});

function mirrored(at: number, length: number): number {
  if (at < 0) return -at - 1;
  return at < length ? at : 2 * length - at - 1;
}

/** Surrounds x by `constantValue`. Shapes: x [d, ...] → [before + d + after, ...]. */
export const padV2 = defineOp<PadV2Inputs, PadV2Attrs>({
  kernel: "PadV2",
  lower: (emit, { x }, { paddings, constantValue }) => {
    const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
    if (pads.every((pad) => pad === 0)) return x;
    // 0 is the operator's default.
    const value = constantValue === 0 ? [] : [scalar(emit, x.dtype, constantValue)];
    return emit.node("Pad", [x, vector(emit, pads), ...value]);
  },
});
