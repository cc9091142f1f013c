/** Operators that move, join and part numbers. */
import { type Call, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import { channelsLast, joinedOrder, plainOrder, regroup, storedShape, type Value } from "../_value.ts";

/** The rows. */
export const SHAPES: Readonly<Record<string, Row>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Concat: concat,
  Pad: pad,
  Resize: resize,
  Split: split,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

function reshape(call: Call): Value {
  return reshaped(call, call.value(0), call.outputShape());
}

function reshaped(call: Call, x: Value, shape: readonly number[]): Value {
  if (shape[0] !== x.shape[0]) refuse(`it makes [${shape}] of [${x.shape}], the batch has to stay`);
  const more = x.isNonNegative === undefined ? {} : { isNonNegative: x.isNonNegative };
  const { row } = x;
  if (row !== undefined && shape.length === 2) return { shape, order: [1], read: () => row, ...more };
  const found = regroup(x, shape);
  if (found !== undefined) {
    const stored = found.order.map((axis) => shape[axis]);
    const isStored = stored.join() === storedShape(x).join();
    return {
      shape,
      order: found.order,
      read: () => isStored ? x.read() : call.builder.reshape(x.read(), stored),
      ...more,
    };
  }
  const moved: Value = { ...x, order: joinedOrder(x, shape) };
  const { order } = regroup(moved, shape) ?? { order: plainOrder(shape.length) };
  const read = () => call.builder.reshape(call.builder.stored(x, moved.order), order.map((axis) => shape[axis]));
  return { shape, order, read, ...(shape.length === 2 ? { rowOf: x } : {}), ...more };
}

function transpose(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const perm = call.numbers("perm") ?? plainOrder(rank + 1).map((axis) => rank - axis);
  if (perm[0] !== 0) refuse(`it moves the batch (perm ${perm})`);
  return transposed(x, perm);
}

/** Nothing is moved: what is stored has its axes in another order of ONNX's. */
function transposed(x: Value, perm: readonly number[]): Value {
  const more = x.isNonNegative === undefined ? {} : { isNonNegative: x.isNonNegative };
  const shape = perm.map((axis) => x.shape[axis]);
  return { shape, order: x.order.map((axis) => perm.indexOf(axis)), read: x.read, ...more };
}

function concat(call: Call): Value {
  const shape = call.outputShape();
  const values = call.node.inputs.map((_, i) => call.value(i));
  const asked = call.number("axis", 0);
  const axis = asked < 0 ? asked + shape.length : asked;
  if (axis === 0) refuse("it joins samples");
  const { order } = values[0];
  const inbound = values.map((value) => call.builder.stored(value, order));
  const isNonNegative = values.every((value) => value.isNonNegative === true);
  if (inbound.length === 1) return { ...values[0], shape };
  const name = call.builder.layer({ className: "Concatenate", config: { axis: order.indexOf(axis) + 1 }, inbound });
  return call.gives(name, order, { isNonNegative });
}

/** The modes of TF.js that pad as ONNX's do. */
const MODES: Readonly<Record<string, string>> = { constant: "constant", reflect: "reflect", edge: "edge" };

function pad(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const asked = call.text("mode", "constant");
  const mode = MODES[asked] ?? refuse(`it pads by "${asked}", one of ${Object.keys(MODES).join(", ")} is needed`);
  const value = call.has(2) ? call.reals(2, "value")[0] : 0;
  const given = call.integers(1, "pads") ?? refuse("it has no pads");
  const axes = (call.integers(3, "axes") ?? x.shape.map((_, axis) => axis)).map((axis) =>
    axis < 0 ? axis + rank : axis
  );
  const sides = x.shape.map((_, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [given[at], given[at + axes.length]];
  });
  if (sides[0].some((count) => count !== 0)) refuse("it pads the batch");
  if (sides.flat().some((count) => count < 0)) refuse(`it pads by ${given}, no negative number is needed`);
  if (sides.flat().every((count) => count === 0)) return x;
  const isNonNegative = x.isNonNegative === true && value >= 0;
  const paddings = x.order.map((axis) => sides[axis]);
  const isOfPicture = x.order.length === 3 && paddings[2].every((count) => count === 0);
  if (mode === "constant" && value === 0 && isOfPicture) {
    const config = { padding: paddings.slice(0, 2), dataFormat: "channelsLast" };
    return call.gives(call.builder.layer({ className: "ZeroPadding2D", config, inbound: [x.read()] }), x.order, {
      isNonNegative,
    });
  }
  return call.gives(operation(call, "pad", { inbound: [x.read()], options: { mode, paddings, value } }), x.order, {
    isNonNegative,
  });
}

function resize(call: Call): Value {
  const x = call.value(0);
  const shape = call.outputShape();
  const factors = shape.map((side, axis) => side / x.shape[axis]);
  const [batch, channels, ...size] = factors;
  if (shape.length !== 4 || batch !== 1 || channels !== 1) {
    refuse(`it resizes [${x.shape}] to [${shape}], height and width are needed`);
  }
  if (size.every((factor) => factor === 1)) return x;
  const mode = call.text("mode", "nearest");
  const coordinates = call.text("coordinate_transformation_mode", "half_pixel");
  const rounding = call.text("nearest_mode", "round_prefer_floor");
  const isWhole = size.every(Number.isInteger);
  // Each pixel becomes a block of its own colour.
  const isBlocks = isWhole && mode === "nearest" && (
    (coordinates === "asymmetric" && rounding === "floor") ||
    (/half_pixel$/.test(coordinates) && rounding.startsWith("round"))
  );
  const stored = call.builder.stored(x, channelsLast(4));
  const give = (name: string) => call.gives(name, channelsLast(4), { isNonNegative: x.isNonNegative === true });
  if (isBlocks || (isWhole && mode === "linear" && coordinates === "asymmetric")) {
    const config = { size, interpolation: isBlocks ? "nearest" : "bilinear", dataFormat: "channelsLast" };
    return give(call.builder.layer({ className: "UpSampling2D", config, inbound: [stored] }));
  }
  const by = mode === "nearest" ? "nearest" : mode === "linear" ? "bilinear" : refuse(`it resizes by "${mode}"`);
  const known = COORDINATES[coordinates];
  const isKnown = known !== undefined && (mode === "linear" || (coordinates === "asymmetric" && rounding === "floor"));
  if (!isKnown) refuse(`it resizes by "${mode}" with "${coordinates}" (${rounding})`);
  const options = { by, size: shape.slice(2), ...known };
  return give(operation(call, "resize", { inbound: [stored], options }));
}

/** Where pixels lie, in TF.js's words. */
const COORDINATES: Readonly<Record<string, { readonly alignCorners: boolean; readonly halfPixelCenters: boolean }>> = {
  asymmetric: { alignCorners: false, halfPixelCenters: false },
  align_corners: { alignCorners: true, halfPixelCenters: false },
  half_pixel: { alignCorners: false, halfPixelCenters: true },
  // A side of one pixel is the exception, and stays one where the picture grows.
  pytorch_half_pixel: { alignCorners: false, halfPixelCenters: true },
};

function split(call: Call): readonly Value[] {
  const x = call.value(0);
  const rank = x.shape.length;
  const asked = call.number("axis", 0);
  const axis = asked < 0 ? asked + rank : asked;
  if (axis === 0) refuse("it parts the batch");
  const sizes = call.node.outputs.map((_, i) => call.outputShape(i)[axis]);
  const isEqual = sizes.every((side) => side === sizes[0]);
  const isNonNegative = x.isNonNegative === true;
  const order = isEqual ? [...x.order.filter((own) => own !== axis), axis] : x.order;
  const inbound = [call.builder.stored(x, order)];
  let from = 0;
  return sizes.map((side, index) => {
    const begin = x.order.map((own) => own === axis ? from : 0);
    const end = x.order.map((own) => own === axis ? from + side : x.shape[own]);
    from += side;
    const name = isEqual
      ? call.builder.layer({ className: "ChannelSplit", config: { parts: sizes.length, index }, inbound })
      : operation(call, "slice", { inbound, options: { begin, end, strides: begin.map(() => 1) } });
    return { shape: call.outputShape(index), order, read: () => name, isNonNegative };
  });
}

/** Blocks of pixels from channels: axes are parted, transposed and joined, most of it without a layer. */
function depthToSpace(call: Call): Value {
  const x = call.value(0);
  const [n, c, h, w] = x.shape;
  const b = call.number("blocksize", 1);
  const isColumns = call.text("mode", "DCR") === "DCR";
  const parted = reshaped(call, x, isColumns ? [n, b, b, c / b ** 2, h, w] : [n, c / b ** 2, b, b, h, w]);
  const moved = transposed(parted, isColumns ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]);
  return reshaped(call, moved, call.outputShape());
}

function spaceToDepth(call: Call): Value {
  const x = call.value(0);
  const [n, c, h, w] = x.shape;
  const b = call.number("blocksize", 1);
  const parted = reshaped(call, x, [n, c, h / b, b, w / b, b]);
  return reshaped(call, transposed(parted, [0, 3, 5, 1, 2, 4]), call.outputShape());
}
