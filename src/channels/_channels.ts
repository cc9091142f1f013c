/** What this room's layers are given. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { type Shapes, shapesOf } from "../custom.ts";

/** How many inputs these layers take. */
export const ONE = { what: "a picture", least: 1, most: 1 } as const;

/** The last axis, and those before it. */
export interface Channels {
  readonly outer: tfl.Shape;
  readonly channels: number;
}

/**
 * Returns the channels of what a layer is given.
 *
 * @throws {TypeError} If their number is open or no multiple of `multipleOf`.
 */
export function channelsOf(
  given: Shapes,
  { layer, multipleOf }: { readonly layer: tfl.layers.Layer; readonly multipleOf: number },
): Channels {
  const [shape] = shapesOf(given, { layer, ...ONE });
  const channels = shape.at(-1);
  if (shape.length >= 2 && typeof channels === "number" && channels % multipleOf === 0) {
    return { outer: shape.slice(0, -1), channels };
  }
  throw new TypeError(
    `Cannot build "${layer.name}": its input is [${shape.map((dim) => dim ?? "?")}], ` +
      `a last axis whose length is a multiple of ${multipleOf} is needed`,
  );
}
