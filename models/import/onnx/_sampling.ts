/** Which elements of an axis each element of the resized axis is made of. Source: ONNX, Resize-19, and its reference. */
import { type Call, refuse } from "./_call.ts";

/** An axis that is resized. */
export interface Resized {
  /** Its length. */
  readonly from: number;
  /** Its new length. */
  readonly to: number;
  /** What coordinates are divided by, which the new length is a whole number near. */
  readonly scale: number;
  /** The part of it that is taken, if one is: from and to, in shares. */
  readonly part: readonly [number, number];
}

/** For each new element, the elements that it is made of and their factors. */
export interface Taps {
  readonly places: readonly (readonly number[])[];
  readonly factors: readonly (readonly number[])[];
}

/** How elements are resized. */
export interface Sampling {
  readonly mode: "nearest" | "linear" | "cubic";
  /** Where new elements lie among the old ones. */
  readonly coordinates: string;
  /** Which of two is nearest. */
  readonly rounding: string;
  /** Returns what the elements of an axis are made of. */
  readonly taps: (resized: Resized) => Taps;
}

/** Reads how a Resize of the newest form samples. */
export function samplingOf(call: Call): Sampling {
  const mode = call.text("mode", "nearest");
  if (mode !== "nearest" && mode !== "linear" && mode !== "cubic") refuse(`it resizes by "${mode}"`);
  const coordinates = call.text("coordinate_transformation_mode", "half_pixel");
  const locate = LOCATE[coordinates] ?? refuse(`its coordinates are "${coordinates}"`);
  const rounding = call.text("nearest_mode", "round_prefer_floor");
  const nearest = NEAREST[rounding] ?? refuse(`it rounds by "${rounding}"`);
  const cubic = { a: call.number("cubic_coeff_a", -0.75), excludes: call.number("exclude_outside", 0) === 1 };
  const isCropped = coordinates === "tf_crop_and_resize";
  const taps = (resized: Resized): Taps => {
    const rows = Array.from({ length: resized.to }, (_, i) => {
      const at = Math.fround(locate(i, resized));
      if (isCropped && (at < 0 || at > resized.from - 1)) refuse("it takes what is outside of its input");
      if (mode === "nearest") {
        return [[clamp(nearest(at, resized.scale), resized.from), 1]];
      }
      return mode === "linear" ? linear(at, resized.from) : cubicTaps(at, resized.from, cubic);
    });
    return {
      places: rows.map((row) => row.map(([place]) => place)),
      factors: rows.map((row) => row.map(([, f]) => f)),
    };
  };
  return { mode, coordinates, rounding, taps };
}

/** Where new element `i` lies among the old ones. */
const LOCATE: Readonly<Record<string, (i: number, axis: Resized) => number>> = {
  asymmetric: (i, { scale }) => i / scale,
  half_pixel: (i, { scale }) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, { scale, to }) => to > 1 ? (i + 0.5) / scale - 0.5 : 0,
  align_corners: (i, { from, to }) => to > 1 ? i * (from - 1) / (to - 1) : 0,
  half_pixel_symmetric: (i, { from, to, scale }) => from / 2 * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5,
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
  tf_crop_and_resize: (i, { from, to, part: [begin, end] }) =>
    to > 1 ? begin * (from - 1) + i * (end - begin) * (from - 1) / (to - 1) : 0.5 * (begin + end) * (from - 1),
};

const NEAREST: Readonly<Record<string, (at: number, scale: number) => number>> = {
  // Of opset 10 and before, as ONNX Runtime has it.
  simple: (at, scale) => scale < 1 ? Math.ceil(at) : Math.floor(at),
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
};

type Row = readonly (readonly [place: number, factor: number])[];

function linear(at: number, length: number): Row {
  const inside = Math.min(length - 1, Math.max(0, at));
  const low = Math.min(Math.floor(inside), length - 1);
  return [[low, 1 - (inside - low)], [Math.min(low + 1, length - 1), inside - low]];
}

/** Keys' cubic through four elements; those outside are the outermost, or do not count. */
function cubicTaps(
  at: number,
  length: number,
  { a, excludes }: { readonly a: number; readonly excludes: boolean },
): Row {
  const low = Math.floor(at);
  const row = [-1, 0, 1, 2].map((offset) => {
    const distance = Math.abs(at - (low + offset));
    const near = ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
    const far = ((distance - 5) * distance + 8) * distance * a - 4 * a;
    const isOutside = low + offset < 0 || low + offset >= length;
    return [low + offset, excludes && isOutside ? 0 : distance <= 1 ? near : far] as const;
  });
  const sum = excludes ? row.reduce((total, [, factor]) => total + factor, 0) : 1;
  return row.map(([place, factor]) => [clamp(place, length), factor / sum]);
}

function clamp(index: number, length: number): number {
  return Math.min(length - 1, Math.max(0, index));
}

/** Reads how one axis of a Resize changes: by the scale that is given, or by that of its sizes. */
export function resizedAxis(
  call: Call,
  { axis, from, to }: { readonly axis: number; readonly from: number; readonly to: number },
): Resized {
  const rank = call.outputShape().length;
  const axes = (call.numbers("axes") ?? Array.from({ length: rank }, (_, i) => i)).map((own) =>
    own < 0 ? own + rank : own
  );
  const at = axes.indexOf(axis);
  const roi = call.integers(1, "part") ?? [];
  const part = [roi[at] ?? 0, roi[at + axes.length] ?? 1] as const;
  if (at < 0) return { from, to, scale: 1, part: [0, 1] };
  const scales = call.integers(2, "scales") ?? [];
  if (scales.length > 0) return { from, to, scale: scales[at], part };
  const policy = call.text("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch") return { from, to, scale: to / from, part };
  const sizes = call.integers(3, "sizes") ?? refuse("it has neither scales nor sizes");
  const ratios = sizes.map((size, i) => size / call.inputShape(0)[axes[i]]);
  return { from, to, scale: policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios), part };
}
