/**
 * QLinearAveragePool and QLinearGlobalAveragePool.
 *
 * Source: ONNX Runtime 1.30, qlinear_pool.cc, and MLAS, qlgavgpool.cpp; f32 rounds to float32:
 *
 *   pool          Σ of the dequantized values, row by row from the first, every sum rounded; over their count;
 *                 c = clamp(rne(f32(f32(mean / s_y) + z_y)))
 *   global pool, and one whose window is the whole picture, not padded:
 *                 c = clamp(rne(Σ (x − z_x) · f32(s_x / f32(s_y·h·w))) + z_y), Σ of integers
 */
import type { Node } from "../../../onnx/graph.ts";
import { pooledChannels } from "../../_pooled_channels.ts";
import { type KernelRule, operandOf, scalar, type Site, type Steps, type Write, writing } from "./_site.ts";
import { withZeroPoint } from "./_elementwise.ts";

/** Larger windows are summed as ONNX Runtime's float operator does: their graph would be long, and nobody has them. */
const MAX_WINDOW = 256;

/** Averages over windows, of [n, c, h, w]; places beyond the edge do not count. */
export const averagePool: KernelRule = (node, site) => {
  const write = writing(site, node);
  const { shape } = site.out.typeOf(node.inputs[0]);
  const window = node.attrs.kernel_shape as readonly number[];
  const isPlain = shape.length === window.length + 2 && (node.attrs.ceil_mode ?? 0) === 0 &&
    (node.attrs.count_include_pad ?? 0) === 0;
  if (!isPlain || window.reduce((a, b) => a * b, 1) > MAX_WINDOW) return undefined;
  const { size, pads } = geometryOf(node, site);
  if (size.join() === window.join() && pads.every((pad) => pad === 0)) {
    return averageOfAll(node, site, { channels: 1, keepdims: 1 });
  }
  if (operandOf(node.inputs[0], site, write) === undefined) return undefined;
  const mean = write("Div", [sumOfWindow(node, site, write), countsOf(node, site)]);
  return withZeroPoint(write("Div", [mean, site.output.scale]), site, write);
};

interface Geometry {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  /** Places before padding, and places of the result. */
  readonly size: readonly number[];
  readonly result: readonly number[];
}

function geometryOf({ attrs, inputs, outputs }: Node, { out }: Site): Geometry {
  const window = attrs.kernel_shape as readonly number[];
  return {
    window,
    strides: (attrs.strides as readonly number[] | undefined) ?? window.map(() => 1),
    pads: (attrs.pads as readonly number[] | undefined) ?? [...window, ...window].map(() => 0),
    size: out.typeOf(inputs[0]).shape.slice(2),
    result: out.typeOf(outputs[0]).shape.slice(2),
  };
}

/** Lists the places of a window, row by row. */
function placesIn(window: readonly number[]): readonly (readonly number[])[] {
  return window.reduce<readonly (readonly number[])[]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

/** Adds up the windows' values, one place after another; 0, which padding is, changes no sum. */
function sumOfWindow(node: Node, site: Site, write: Write): string {
  const { window, strides, pads, result } = geometryOf(node, site);
  const { out } = site;
  const rank = window.length;
  const axes = out.ints("axes", window.map((_, i) => i + 2));
  const steps = out.ints("steps", strides);
  const [before, after] = [pads.slice(0, rank), pads.slice(rank)];
  const padded = pads.every((pad) => pad === 0)
    ? node.inputs[0]
    : write("Pad", [node.inputs[0], out.ints("pads", [0, 0, ...before, 0, 0, ...after])], { mode: "constant" });
  const values = placesIn(window).map((place) => {
    const ends = place.map((start, i) => start + (result[i] - 1) * strides[i] + 1);
    return write("Slice", [padded, out.ints("starts", place), out.ints("ends", ends), axes, steps]);
  });
  return values.reduce((sum, value) => write("Add", [sum, value]));
}

/** How many places of each window lie within the picture. */
function countsOf(node: Node, { out, ...site }: Site): string {
  const { window, strides, pads, size, result } = geometryOf(node, { out, ...site });
  const along = result.map((length, axis) =>
    Array.from({ length }, (_, i) => {
      const start = i * strides[axis] - pads[axis];
      return Math.min(start + window[axis], size[axis]) - Math.max(start, 0);
    })
  );
  const counts = along.reduce((all, own) => all.flatMap((count) => own.map((more) => count * more)), [1]);
  return out.constant("counts", "float32", result, Float32Array.from(counts));
}

/** Averages over all places, of [n, c, …] or, where no convolution is near, [n, …, c]. */
export const globalAverage: KernelRule = (node, site) => {
  if (node.op === "GlobalAveragePool") return averageOfAll(node, site, { channels: 1, keepdims: 1 });
  const channels = pooledChannels(node, site.out);
  if (channels === undefined) return undefined;
  return averageOfAll(node, site, { channels, keepdims: Number(node.attrs.keepdims ?? 1) });
};

function averageOfAll(
  node: Node,
  site: Site,
  { channels, keepdims }: { readonly channels: number; readonly keepdims: number },
): Steps | undefined {
  const write = writing(site, node);
  const { shape } = site.out.typeOf(node.inputs[0]);
  const places = shape.flatMap((_, axis) => axis === 0 || axis === channels ? [] : [axis]);
  const x = operandOf(node.inputs[0], site, write);
  if (x === undefined) return undefined;
  const count = scalar(site, places.reduce((product, axis) => product * shape[axis], 1));
  const ratio = write("Div", [x.scale, write("Mul", [site.output.scale, count])]);
  // In two sums, each of them exact: one over all places would be a mean times their number, on blocked channels.
  const rows = write("ReduceSum", [x.steps, site.out.ints("axes", places.slice(-1))], { keepdims: 1 });
  const sum = write("ReduceSum", [rows, site.out.ints("axes", places)], { keepdims });
  return { value: write("Mul", [sum, ratio]), areCodes: false };
}
