/** Data movement that depends on shapes alone: reshaping, slicing, joining, padding, repeating. */
import type { Attrs } from "../graph.ts";
import {
  ANY,
  axesOf,
  axisOf,
  broadcast,
  constantOf,
  equalShapes,
  INDEX,
  type Inputs,
  listAttr,
  maybe,
  MOVES,
  need,
  numberAttr,
  product,
  rankOf,
  type Rows,
  sameDtype,
  stringAttr,
} from "./_infer.ts";
import type { StaticType } from "./schema.ts";

function inferReshape(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const wanted = constantOf(need(inputs, 1, ["int64"]), "the shape");
  const allowZero = numberAttr(attrs, "allowzero", 0) === 1;
  const shape = wanted.map((dim, i) => {
    if (dim !== 0 || allowZero) return dim;
    if (i >= x.shape.length) throw new TypeError(`the shape [${wanted}] copies dimension ${i}, which is not there`);
    return x.shape[i];
  });
  const open = shape.indexOf(-1);
  const rest = product(shape.filter((dim) => dim !== -1));
  if (shape.some((dim) => dim < -1) || open !== shape.lastIndexOf(-1)) {
    throw new TypeError(`the shape [${wanted}] is not one`);
  }
  if (open >= 0) shape[open] = rest === 0 ? NaN : product(x.shape) / rest;
  if (product(shape) !== product(x.shape) || !shape.every(Number.isInteger)) {
    throw new TypeError(`${product(x.shape)} elements do not fit the shape [${wanted}]`);
  }
  return [{ dtype: x.dtype, shape }];
}

function inferSlice(inputs: Inputs): StaticType[] {
  const x = need(inputs, 0);
  const starts = constantOf(need(inputs, 1, INDEX), "starts");
  const ends = constantOf(need(inputs, 2, INDEX), "ends");
  const axesInput = maybe(inputs, 3, INDEX);
  const stepsInput = maybe(inputs, 4, INDEX);
  const axes = axesOf(axesInput === null ? starts.map((_, i) => i) : constantOf(axesInput, "axes"), x.shape.length);
  const steps = stepsInput === null ? starts.map(() => 1) : constantOf(stepsInput, "steps");
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw new TypeError(`starts [${starts}], ends [${ends}], axes [${axes}], steps [${steps}] differ in length`);
  }
  const shape = [...x.shape];
  axes.forEach((axis, i) => {
    if (steps[i] === 0) throw new TypeError(`the step along axis ${axis} is 0`);
    shape[axis] = sliceLength(x.shape[axis], { start: starts[i], end: ends[i], step: steps[i] });
  });
  return [{ dtype: x.dtype, shape }];
}

function sliceLength(dim: number, { start, end, step }: { start: number; end: number; step: number }): number {
  const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + dim : at, low), high);
  const from = step > 0 ? clamp(start, 0, dim) : clamp(start, 0, dim - 1);
  const to = step > 0 ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
  return Math.max(0, Math.ceil((to - from) / step));
}

function inferSplit(inputs: Inputs, attrs: Attrs, outputs: number): StaticType[] {
  const x = need(inputs, 0);
  const axis = axisOf(numberAttr(attrs, "axis", 0), x.shape.length);
  const lengths = maybe(inputs, 1, ["int64"]);
  const dim = x.shape[axis];
  const parts = lengths === null ? new Array<number>(outputs).fill(dim / outputs) : constantOf(lengths, "split");
  if (parts.length !== outputs || parts.reduce((a, b) => a + b, 0) !== dim) {
    throw new TypeError(`lengths [${parts}] do not split ${dim} into ${outputs}`);
  }
  if (!parts.every((part) => Number.isInteger(part) && part >= 0)) {
    throw new TypeError(`axis ${axis} of ${dim} does not split into ${outputs} equal parts`);
  }
  return parts.map((part) => ({ dtype: x.dtype, shape: x.shape.with(axis, part) }));
}

function inferConcat(inputs: Inputs, attrs: Attrs): StaticType[] {
  const parts = inputs.map((_, i) => need(inputs, i));
  return [{ dtype: sameDtype(parts), shape: concatShape(parts, attrs) }];
}

/** Returns the shape of `parts` joined along attribute `axis`. */
export function concatShape(parts: readonly StaticType[], attrs: Attrs): number[] {
  const axis = axisOf(numberAttr(attrs, "axis"), parts[0].shape.length);
  for (const part of parts) {
    if (
      part.shape.length !== parts[0].shape.length ||
      !equalShapes(part.shape.with(axis, 0), parts[0].shape.with(axis, 0))
    ) {
      throw new TypeError(`[${parts[0].shape}] and [${part.shape}] do not join along axis ${axis}`);
    }
  }
  return parts[0].shape.with(axis, parts.reduce((sum, part) => sum + part.shape[axis], 0));
}

function inferPad(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  stringAttr(attrs, "mode", ["constant", "reflect", "edge"]);
  const pads = constantOf(need(inputs, 1, ["int64"]), "the pads");
  const value = maybe(inputs, 2);
  if (value !== null) sameDtype([x, value]);
  const rank = x.shape.length;
  if (pads.length !== 2 * rank) throw new TypeError(`pads are [${pads}], needed are ${2 * rank} of them`);
  const shape = x.shape.map((dim, i) => dim + pads[i] + pads[i + rank]);
  if (shape.some((dim) => dim < 0)) throw new TypeError(`pads [${pads}] crop more than there is`);
  return [{ dtype: x.dtype, shape }];
}

function inferUnsqueeze(inputs: Inputs): StaticType[] {
  const x = need(inputs, 0);
  const axes = constantOf(need(inputs, 1, ["int64"]), "the axes");
  const rank = x.shape.length + axes.length;
  const added = new Set(axesOf(axes, rank));
  const old = x.shape.values();
  return [{
    dtype: x.dtype,
    shape: Array.from({ length: rank }, (_, i) => added.has(i) ? 1 : old.next().value as number),
  }];
}

function inferSqueeze(inputs: Inputs): StaticType[] {
  const x = need(inputs, 0);
  const input = maybe(inputs, 1, ["int64"]);
  const axes = input === null ? undefined : axesOf(constantOf(input, "the axes"), x.shape.length);
  const wide = axes?.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined) throw new TypeError(`axis ${wide} has ${x.shape[wide]} elements, needed is 1`);
  return [{ dtype: x.dtype, shape: x.shape.filter((dim, i) => axes === undefined ? dim !== 1 : !axes.includes(i)) }];
}

function inferTranspose(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const rank = x.shape.length;
  const perm = listAttr(attrs, "perm") ?? x.shape.map((_, i) => rank - 1 - i);
  if (perm.length !== rank || perm.some((axis) => axis < 0) || axesOf(perm, rank).length !== rank) {
    throw new TypeError(`attribute "perm" is [${perm}], needed is a permutation of ${rank} axes`);
  }
  return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]) }];
}

/** Reads the block size of DepthToSpace and SpaceToDepth. */
function blockOf(x: StaticType, attrs: Attrs): number {
  rankOf(x, 4, 4);
  const block = numberAttr(attrs, "blocksize");
  if (!(block >= 1)) throw new TypeError(`attribute "blocksize" is ${block}, needed is at least 1`);
  return block;
}

function inferDepthToSpace(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const block = blockOf(x, attrs);
  stringAttr(attrs, "mode", ["DCR", "CRD"]);
  const [n, c, h, w] = x.shape;
  if (c % block ** 2 !== 0) throw new TypeError(`${c} channels do not divide into blocks of ${block ** 2}`);
  return [{ dtype: x.dtype, shape: [n, c / block ** 2, h * block, w * block] }];
}

function inferSpaceToDepth(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const block = blockOf(x, attrs);
  const [n, c, h, w] = x.shape;
  if (h % block !== 0 || w % block !== 0) throw new TypeError(`${h}×${w} does not divide into blocks of ${block}`);
  return [{ dtype: x.dtype, shape: [n, c * block ** 2, h / block, w / block] }];
}

function inferTile(inputs: Inputs): StaticType[] {
  const x = need(inputs, 0);
  const repeats = constantOf(need(inputs, 1, ["int64"]), "the repeats");
  if (repeats.length !== x.shape.length) throw new TypeError(`repeats are [${repeats}], needed are ${x.shape.length}`);
  return [{ dtype: x.dtype, shape: x.shape.map((dim, i) => dim * repeats[i]) }];
}

function inferFlatten(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const given = numberAttr(attrs, "axis", 1);
  const axis = given === x.shape.length ? given : axisOf(given, x.shape.length);
  return [{ dtype: x.dtype, shape: [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))] }];
}

/** Reshaping, slicing, joining and repeating operators of the default domain. */
export const shape: Rows = {
  Reshape: { since: 5, inputs: [2, 2], ...MOVES, attrs: { allowzero: "int" }, infer: inferReshape },
  Flatten: { since: 9, inputs: [1, 1], ...MOVES, attrs: { axis: "int" }, infer: inferFlatten },
  Transpose: { since: 1, inputs: [1, 1], ...MOVES, attrs: { perm: "ints" }, infer: inferTranspose },
  Squeeze: { since: 13, inputs: [1, 2], ...MOVES, infer: inferSqueeze },
  Unsqueeze: { since: 13, inputs: [2, 2], ...MOVES, infer: inferUnsqueeze },
  Concat: { since: 4, inputs: [1, Infinity], attrs: { axis: "int" }, infer: inferConcat },
  Split: {
    since: 13,
    // Opset 18 asks for the number of outputs.
    until: 17,
    inputs: [1, 2],
    ...MOVES,
    outputs: [1, Infinity],
    attrs: { axis: "int" },
    infer: inferSplit,
  },
  Slice: { since: 10, inputs: [3, 5], ...MOVES, infer: inferSlice },
  Pad: { since: 11, inputs: [2, 3], attrs: { mode: "string" }, infer: inferPad },
  Tile: { since: 6, inputs: [2, 2], ...MOVES, infer: inferTile },
  Expand: {
    since: 8,
    inputs: [2, 2],
    ...MOVES,
    infer(inputs) {
      const x = need(inputs, 0);
      return [{ dtype: x.dtype, shape: broadcast(x.shape, constantOf(need(inputs, 1, ["int64"]), "the shape")) }];
    },
  },
  DepthToSpace: {
    since: 11,
    inputs: [1, 1],
    ...MOVES,
    attrs: { blocksize: "int", mode: "string" },
    infer: inferDepthToSpace,
  },
  SpaceToDepth: { since: 1, inputs: [1, 1], ...MOVES, attrs: { blocksize: "int" }, infer: inferSpaceToDepth },
  Shape: {
    since: 13,
    inputs: [1, 1],
    attrs: { start: "int", end: "int" },
    laterAttrs: { start: 15, end: 15 },
    infer(inputs, attrs) {
      const dims = need(inputs, 0, ANY).shape;
      const kept = dims.slice(numberAttr(attrs, "start", 0), numberAttr(attrs, "end", dims.length));
      return [{ dtype: "int64", shape: [kept.length] }];
    },
  },
  Size: { since: 1, inputs: [1, 1], infer: (inputs) => (need(inputs, 0), [{ dtype: "int64", shape: [] }]) },
};
