/** Operators that move, join and part numbers. */
import { type Call, refuse, type Row } from "../_call.ts";
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
};

function reshape(call: Call): Value {
  const x = call.value(0);
  const shape = call.outputShape();
  if (shape[0] !== x.shape[0]) refuse(`it makes [${shape}] of [${x.shape}], the batch has to stay`);
  const more = x.isNonNegative === undefined ? {} : { isNonNegative: x.isNonNegative };
  const { row } = x;
  if (row !== undefined && shape.length === 2) return call.gives(row, [1], more);
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

/** Nothing is moved: what is stored has its axes in another order of ONNX's. */
function transpose(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const perm = call.numbers("perm") ?? plainOrder(rank + 1).map((axis) => rank - axis);
  if (perm[0] !== 0) refuse(`it moves the batch (perm ${perm})`);
  const more = x.isNonNegative === undefined ? {} : { isNonNegative: x.isNonNegative };
  return { shape: call.outputShape(), order: x.order.map((axis) => perm.indexOf(axis)), read: x.read, ...more };
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

function pad(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const mode = call.text("mode", "constant");
  if (mode !== "constant") refuse(`it pads by "${mode}", "constant" is needed`);
  const value = call.has(2) ? call.reals(2, "value")[0] : 0;
  if (value !== 0) refuse(`it pads with ${value}, zeros are needed`);
  const pads = call.integers(1, "pads") ?? refuse("it has no pads");
  if (call.has(3)) refuse("it names axes");
  if (pads.every((count) => count === 0)) return x;
  const sides = plainOrder(rank).map((axis) => ({ axis, pads: [pads[axis], pads[axis + rank]] }));
  const moved = sides.filter(({ pads }) => pads.some((count) => count !== 0));
  const isPicture = rank === 4 && pads[0] === 0 && pads[rank] === 0 && moved.length <= 2 &&
    moved.every(({ pads }) => pads.every((count) => count >= 0));
  if (!isPicture) refuse(`it pads [${x.shape}] by ${pads}, height and width of a picture are needed`);
  const rest = plainOrder(rank).filter((axis) => !moved.some((side) => side.axis === axis));
  const space = moved.length === 2
    ? moved.map(({ axis }) => axis)
    : [...moved.map(({ axis }) => axis), ...rest.slice(-1)].toSorted();
  const order = [...space, ...plainOrder(rank).filter((axis) => !space.includes(axis))];
  const padding = space.map((axis) => [...sides[axis - 1].pads]);
  const config = { padding, dataFormat: "channelsLast" };
  const name = call.builder.layer({ className: "ZeroPadding2D", config, inbound: [call.builder.stored(x, order)] });
  return call.gives(name, order, { isNonNegative: x.isNonNegative === true });
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
  if (!size.every(Number.isInteger)) refuse(`it resizes by ${size.join(" and ")}, whole numbers are needed`);
  const mode = call.text("mode", "nearest");
  const coordinates = call.text("coordinate_transformation_mode", "half_pixel");
  const rounding = call.text("nearest_mode", "round_prefer_floor");
  // Each pixel becomes a block of its own colour.
  const isBlocks = mode === "nearest" && (
    (coordinates === "asymmetric" && rounding === "floor") ||
    (/half_pixel$/.test(coordinates) && rounding.startsWith("round"))
  );
  const isLinear = mode === "linear" && coordinates === "asymmetric";
  if (!isBlocks && !isLinear) refuse(`it resizes by "${mode}" with "${coordinates}" (${rounding})`);
  const config = { size, interpolation: isBlocks ? "nearest" : "bilinear", dataFormat: "channelsLast" };
  const inbound = [call.builder.stored(x, channelsLast(4))];
  const name = call.builder.layer({ className: "UpSampling2D", config, inbound });
  return call.gives(name, channelsLast(4), { isNonNegative: x.isNonNegative === true });
}

function split(call: Call): readonly Value[] {
  const x = call.value(0);
  const rank = x.shape.length;
  const asked = call.number("axis", 0);
  const axis = asked < 0 ? asked + rank : asked;
  const parts = call.node.outputs.length;
  const sizes = call.node.outputs.map((_, i) => call.outputShape(i)[axis]);
  if (axis === 0 || sizes.some((side) => side !== sizes[0])) {
    refuse(`it parts axis ${axis} of [${x.shape}] into ${sizes}, equal parts are needed`);
  }
  const order = [...x.order.filter((own) => own !== axis), axis];
  const inbound = [call.builder.stored(x, order)];
  return sizes.map((_, index) => {
    const name = call.builder.layer({ className: "ChannelSplit", config: { parts, index }, inbound });
    return { shape: call.outputShape(index), order, read: () => name, isNonNegative: x.isNonNegative === true };
  });
}
