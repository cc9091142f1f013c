/** Convolutions. Layouts are ONNX's: data [n, c, ...spatial], kernels [out, in / group, ...spatial]. */
import type { Attrs } from "../graph.ts";
import {
  BYTES,
  equalShapes,
  FLOAT,
  listAttr,
  maybe,
  need,
  numberAttr,
  rankOf,
  type Rows,
  stringAttr,
  vectorOf,
} from "./_infer.ts";
import type { InferInput, StaticType } from "./schema.ts";

/** Values of `auto_pad`, the default first. */
export const AUTO_PAD = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] as const;

/** Attributes of every convolution. */
export const convAttrs = {
  auto_pad: "string",
  dilations: "ints",
  group: "int",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

/** How a window slides over the spatial dimensions, attributes filled in. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: string;
}

/** Reads the window attributes of a node with `rank` spatial dimensions. */
export function windowOf(attrs: Attrs, kernel: readonly number[]): Window {
  const rank = kernel.length;
  const read = (name: string, length: number, fallback: number, least: number): readonly number[] => {
    const list = listAttr(attrs, name) ?? new Array<number>(length).fill(fallback);
    if (list.length !== length || list.some((item) => item < least)) {
      throw new TypeError(`attribute "${name}" is [${list}], needed are ${length} integers of at least ${least}`);
    }
    return list;
  };
  return {
    kernel: read("kernel_shape", rank, 1, 1).map((_, i) => kernel[i]),
    strides: read("strides", rank, 1, 1),
    dilations: read("dilations", rank, 1, 1),
    pads: read("pads", 2 * rank, 0, 0),
    autoPad: stringAttr(attrs, "auto_pad", AUTO_PAD),
  };
}

/** Returns the output's spatial dimensions: the number of places where the window fits. */
export function slide(spatial: readonly number[], window: Window, ceil = false): number[] {
  const { kernel, strides, dilations, pads, autoPad } = window;
  return spatial.map((size, i) => {
    if (autoPad.startsWith("SAME")) return Math.ceil(size / strides[i]);
    const before = autoPad === "VALID" ? 0 : pads[i];
    const after = autoPad === "VALID" ? 0 : pads[i + spatial.length];
    const room = size + before + after - ((kernel[i] - 1) * dilations[i] + 1);
    if (room < 0) throw new TypeError(`a kernel of [${kernel}] does not fit into [${spatial}] with pads [${pads}]`);
    const steps = room / strides[i];
    if (!ceil) return Math.floor(steps) + 1;
    // A window that would start in the padding behind the data is dropped, as ONNX Runtime 1.30 does.
    const count = Math.ceil(steps) + 1;
    return (count - 1) * strides[i] >= size + before ? count - 1 : count;
  });
}

/** Returns the output shape of a convolution of `x` with kernel `w`. */
export function convShape(x: StaticType, w: StaticType, attrs: Attrs): number[] {
  const rank = rankOf(x, 3);
  rankOf(w, rank, rank);
  const group = numberAttr(attrs, "group", 1);
  const [n, channels, ...spatial] = x.shape;
  const [out, perGroup, ...kernel] = w.shape;
  if (channels !== perGroup * group) {
    throw new TypeError(`the data has ${channels} channels, the kernel reads ${perGroup} in each of ${group} groups`);
  }
  if (out % group !== 0) throw new TypeError(`${out} output channels do not divide into ${group} groups`);
  checkKernelShape(attrs, kernel);
  return [n, out, ...slide(spatial, windowOf(attrs, kernel))];
}

function checkKernelShape(attrs: Attrs, kernel: readonly number[]): void {
  const declared = listAttr(attrs, "kernel_shape");
  if (declared !== undefined && !equalShapes(declared, kernel)) {
    throw new TypeError(`attribute "kernel_shape" is [${declared}], the kernel's is [${kernel}]`);
  }
}

/** Checks a convolution's bias, a vector of one element an output channel. */
export function checkBias(bias: InferInput | null, channels: number): void {
  if (bias !== null) vectorOf(bias, channels, "the bias");
}

function transposedShape(x: StaticType, w: StaticType, attrs: Attrs): number[] {
  const rank = rankOf(x, 3);
  rankOf(w, rank, rank);
  const group = numberAttr(attrs, "group", 1);
  const [n, channels, ...spatial] = x.shape;
  const [into, perGroup, ...kernel] = w.shape;
  if (channels !== into) throw new TypeError(`the data has ${channels} channels, the kernel reads ${into}`);
  if (into % group !== 0) throw new TypeError(`${into} input channels do not divide into ${group} groups`);
  checkKernelShape(attrs, kernel);
  const { strides, dilations, pads, autoPad } = windowOf(attrs, kernel);
  const extra = listAttr(attrs, "output_padding") ?? kernel.map(() => 0);
  const declared = listAttr(attrs, "output_shape");
  const size = spatial.map((dim, i) => {
    if (declared !== undefined) return declared[declared.length - spatial.length + i];
    const full = strides[i] * (dim - 1) + extra[i] + (kernel[i] - 1) * dilations[i] + 1;
    // ONNX says dim · stride. ONNX Runtime only crops to it, and leaves what is smaller as it is.
    if (autoPad.startsWith("SAME")) return Math.min(dim * strides[i], full);
    return autoPad === "VALID" ? full : full - pads[i] - pads[i + spatial.length];
  });
  if (size.some((dim) => dim <= 0)) {
    throw new TypeError(`pads [${pads}] crop everything: the output would be [${size}]`);
  }
  return [n, perGroup * group, ...size];
}

/** Convolutions of the default domain. */
export const conv: Rows = {
  Conv: {
    since: 1,
    inputs: [2, 3],
    attrs: convAttrs,
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      const w = need(inputs, 1, [x.dtype]);
      const shape = convShape(x, w, attrs);
      checkBias(maybe(inputs, 2, [x.dtype]), shape[1]);
      return [{ dtype: x.dtype, shape }];
    },
  },
  ConvTranspose: {
    since: 1,
    inputs: [2, 3],
    attrs: { ...convAttrs, output_padding: "ints", output_shape: "ints" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      const shape = transposedShape(x, need(inputs, 1, [x.dtype]), attrs);
      checkBias(maybe(inputs, 2, [x.dtype]), shape[1]);
      return [{ dtype: x.dtype, shape }];
    },
  },
  ConvInteger: {
    since: 10,
    inputs: [2, 4],
    attrs: convAttrs,
    infer: (
      inputs,
      attrs,
    ) => [{ dtype: "int32", shape: convShape(need(inputs, 0, BYTES), need(inputs, 1, BYTES), attrs) }],
  },
};
