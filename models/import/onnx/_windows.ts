/** Where the windows of convolutions and pools lie: ONNX says it in padding, TF.js in "same" and "valid". */
import { type Call, refuse } from "./_call.ts";

/** Windows along the axes of a picture, or of a row. */
export interface Windows {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before the first element of each axis. */
  readonly begin: readonly number[];
  /** Behind the last that a window reaches; negative where elements at the end are in no window. */
  readonly end: readonly number[];
  /** How many there are along each axis. */
  readonly count: readonly number[];
  /** As the attribute has it, behind the last element. */
  readonly endAsked: readonly number[];
}

/** Reads the attributes of a node with windows of `size` over `input` that gives `output`, axes of space alone. */
export function windowsOf(
  call: Call,
  { size, input, output }: {
    readonly size: readonly number[];
    readonly input: readonly number[];
    readonly output: readonly number[];
  },
): Windows {
  const rank = size.length;
  const ones = size.map(() => 1);
  const strides = call.numbers("strides") ?? ones;
  const dilations = call.numbers("dilations") ?? ones;
  const reach = size.map((k, i) => (k - 1) * dilations[i] + 1);
  const total = output.map((count, i) => Math.max(0, (count - 1) * strides[i] + reach[i] - input[i]));
  const mode = call.text("auto_pad", "NOTSET");
  const pads = call.numbers("pads") ?? new Array<number>(2 * rank).fill(0);
  const begin = mode === "SAME_UPPER"
    ? total.map((pad) => Math.floor(pad / 2))
    : mode === "SAME_LOWER"
    ? total.map((pad) => Math.ceil(pad / 2))
    : mode === "VALID"
    ? size.map(() => 0)
    : pads.slice(0, rank);
  if (begin.some((pad) => pad < 0) || pads.some((pad) => pad < 0)) refuse("it has a negative padding");
  const end = output.map((count, i) => (count - 1) * strides[i] + reach[i] - input[i] - begin[i]);
  const endAsked = mode === "NOTSET" ? pads.slice(rank) : end.map((pad) => Math.max(0, pad));
  return { size, strides, dilations, begin, end, count: output, endAsked };
}

/** Picks windows along some axes; where it is one alone, those of a picture of one column. */
export function alongAxes(windows: Windows, axes: readonly number[]): Windows {
  const pick = (list: readonly number[], other: number) => {
    const picked = axes.map((axis) => list[axis]);
    return picked.length === 1 ? [...picked, other] : picked;
  };
  return {
    size: pick(windows.size, 1),
    strides: pick(windows.strides, 1),
    dilations: pick(windows.dilations, 1),
    begin: pick(windows.begin, 0),
    end: pick(windows.end, 0),
    count: pick(windows.count, 1),
    endAsked: pick(windows.endAsked, 0),
  };
}

/** Whether TF.js's "same" has the same windows over `input`. */
export function isSame({ size, strides, dilations, begin, count }: Windows, input: readonly number[]): boolean {
  return size.every((k, i) => {
    const out = Math.ceil(input[i] / strides[i]);
    const all = Math.max(0, (out - 1) * strides[i] + (k - 1) * dilations[i] + 1 - input[i]);
    return out === count[i] && Math.floor(all / 2) === begin[i];
  });
}

/** Whether no window reaches beyond the picture: TF.js's "valid". */
export function isValid({ begin, end }: Windows): boolean {
  return begin.every((pad) => pad === 0) && end.every((pad) => pad <= 0);
}
