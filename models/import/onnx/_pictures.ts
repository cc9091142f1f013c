/** Values of any rank as pictures, for layers that know nothing else: two of their axes are the sides, all others channels. */
import type { Call } from "./_call.ts";
import { channelsLast, type Value } from "./_value.ts";

/** A value as a picture [n, h, w, c]. */
export interface Picture {
  /** The name of what holds it. */
  readonly name: string;
  /** Its sides. */
  readonly sides: readonly [number, number];
  /** The value of ONNX's shape `shape` that another picture is, whose axes mean the same. */
  readonly give: (name: string, shape: readonly number[]) => Value;
}

/** Returns `x` as a picture whose sides are `axes`; if there is one alone, it is one pixel wide. */
export function asPicture({ builder }: Call, x: Value, axes: readonly number[]): Picture {
  const others = x.order.filter((axis) => !axes.includes(axis));
  const order = [...axes, ...others];
  const [height, width = 1] = axes.map((axis) => x.shape[axis]);
  const channels = others.reduce((product, axis) => product * x.shape[axis], 1);
  const stored = builder.stored(x, order);
  const isPicture = axes.length === 2 && others.length === 1;
  return {
    name: isPicture ? stored : builder.reshape(stored, [height, width, channels]),
    sides: [height, width],
    give: (name, shape) => ({
      shape,
      order,
      read: () => isPicture ? name : builder.reshape(name, order.map((axis) => shape[axis])),
    }),
  };
}

/** Returns the axes of space of a value with channels first. */
export function spaceOf({ shape }: Pick<Value, "shape">): readonly number[] {
  return channelsLast(shape.length).slice(0, -1);
}
