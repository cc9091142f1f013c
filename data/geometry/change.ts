/** A drawn change of a sample: how its picture moves, and which colours it takes. */
import type { Random } from "../../src/numbers/random.ts";
import type { Size } from "../letterbox.ts";
import { type Affine, IDENTITY, inTurn, moveBy, stretchBy, turnBy } from "./affine.ts";
import type { Augment } from "./augment.ts";
import { type ColourMap, drawColourMap } from "./colour.ts";

/** How one picture is changed: content moves by (dy, dx) pixels, then is mirrored, then turned, scaled and moved. */
export interface Change {
  readonly dy: number;
  readonly dx: number;
  readonly mirror: boolean;
  /** Absent: it is neither scaled, nor turned, nor moved any further. */
  readonly pose?: Pose;
  /** Absent: colours stay. */
  readonly colours?: ColourMap;
}

/** How a picture lies, from its middle. */
export interface Pose {
  readonly scale: number;
  /** Radians, from x towards y. */
  readonly angle: number;
  /** Shares of the sides. */
  readonly shiftX: number;
  readonly shiftY: number;
}

/** What leaves a picture as it is. */
export const UNCHANGED: Change = { dy: 0, dx: 0, mirror: false };

/** Draws a change. What an `Augment` does not ask for takes no random numbers. */
export function drawChange(random: Random, augment: Augment): Change {
  const { flip, pad, colour } = augment;
  const dy = pad > 0 ? random.below(2 * pad + 1) - pad : 0;
  const dx = pad > 0 ? random.below(2 * pad + 1) - pad : 0;
  const mirror = flip && random.chance(0.5);
  const pose = drawPose(random, augment);
  return {
    dy,
    dx,
    mirror,
    ...(pose === undefined ? {} : { pose }),
    ...(colour === undefined ? {} : { colours: drawColourMap(random, colour) }),
  };
}

function drawPose(random: Random, { scale, shift, rotate }: Augment): Pose | undefined {
  if (scale === undefined && shift === undefined && rotate === undefined) return undefined;
  return {
    // As often half as large as twice as large.
    scale: scale === undefined ? 1 : scale[0] * (scale[1] / scale[0]) ** random.unit(),
    angle: rotate === undefined ? 0 : random.between(-rotate, rotate) * Math.PI / 180,
    shiftX: shift === undefined ? 0 : random.between(-shift, shift),
    shiftY: shift === undefined ? 0 : random.between(-shift, shift),
  };
}

/** Returns where pixels of a picture go: a map of its pixels, measured from its upper left corner. */
export function mapOf({ dy, dx, mirror, pose }: Change, { height, width }: Size): Affine {
  const padded = moveBy({ x: dx, y: dy });
  const mirrored: Affine = mirror ? { ...IDENTITY, xx: -1, x0: width } : IDENTITY;
  if (pose === undefined) return inTurn(padded, mirrored);
  const { scale, angle, shiftX, shiftY } = pose;
  const [x, y] = [width / 2, height / 2];
  return inTurn(
    padded,
    mirrored,
    moveBy({ x: -x, y: -y }),
    turnBy(angle),
    stretchBy({ x: scale, y: scale }),
    moveBy({ x: x + shiftX * width, y: y + shiftY * height }),
  );
}

/** Returns the same map of pictures of other sides, such as 1 × 1: shares of the sides. */
export function rescale(map: Affine, { from, to }: { readonly from: Size; readonly to: Size }): Affine {
  const [x, y] = [to.width / from.width, to.height / from.height];
  return inTurn(stretchBy({ x: 1 / x, y: 1 / y }), map, stretchBy({ x, y }));
}
