/** Operators that move and join numbers. */
import { type Call, refuse, type Row } from "../_call.ts";
import { constantValue } from "../_constants.ts";
import { joinedOrder, plainOrder, regroup, storedShape, type Value } from "../_value.ts";

/** The rows. */
export const SHAPES: Readonly<Record<string, Row>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Concat: concat,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

function reshape(call: Call): Value {
  return reshaped(call, call.value(0), call.outputShape());
}

/** Gives `x` another shape, of the same elements in ONNX's order. */
export function reshaped(call: Call, x: Value, shape: readonly number[]): Value {
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
      read: () => isStored ? x.read() : call.builder.reshape(x.read(), stored, storedShape(x)),
      ...more,
    };
  }
  const moved: Value = { ...x, order: joinedOrder(x, shape) };
  const { order } = regroup(moved, shape) ?? { order: plainOrder(shape.length) };
  const read = () => {
    const from = moved.order.map((axis) => x.shape[axis]);
    return call.builder.reshape(call.builder.stored(x, moved.order), order.map((axis) => shape[axis]), from);
  };
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
export function transposed(x: Value, perm: readonly number[]): Value {
  const more = x.isNonNegative === undefined ? {} : { isNonNegative: x.isNonNegative };
  const shape = perm.map((axis) => x.shape[axis]);
  return { shape, order: x.order.map((axis) => perm.indexOf(axis)), read: x.read, ...more };
}

function concat(call: Call): Value {
  const shape = call.outputShape();
  const places = call.node.inputs.map((_, i) => i);
  const axis = call.axis(0, shape.length);
  if (axis === 0) refuse("it joins samples");
  const first = places.find((i) => call.isValue(i)) ?? refuse("all that it joins is constant");
  const like = call.value(first);
  const { order } = like;
  const values = places.filter((i) => !call.constant(i)?.shape.includes(0)).map((i) =>
    call.isValue(i) ? call.value(i) : constantValue(call, i, like)
  );
  const inbound = values.map((value) => call.builder.stored(value, order));
  const isNonNegative = values.every((value) => value.isNonNegative === true);
  if (inbound.length === 1) return { ...values[0], shape };
  const name = call.builder.layer({ className: "Concatenate", config: { axis: order.indexOf(axis) + 1 }, inbound });
  const parts = values.flatMap((value) => value.parts?.axis === axis ? value.parts.values : []);
  const isOfParts = parts.length === shape[axis];
  return call.gives(name, order, { isNonNegative, ...(isOfParts ? { parts: { axis, values: parts } } : {}) });
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
