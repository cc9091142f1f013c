/** Boxes as annotations have them: what they are, and what may be wrong with them. */
import { suggestName } from "../../src/text/nearest.ts";
import { plainLine } from "../../src/text/plain.ts";
import type { Size } from "../letterbox.ts";

/** A box as an annotation has it. */
export interface FoundBox {
  /** Where in the annotation it stands, such as "object 3". */
  readonly where: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly className: string;
  /** Whether it counts neither for nor against a model: difficult to see, or a crowd. */
  readonly isDifficult: boolean;
  /** Whether a part of the thing is out of the picture or hidden. */
  readonly isTruncated?: boolean;
}

/** What an annotation has in place of a box. */
export interface BadBox {
  readonly where: string;
  readonly because: string;
}

/** A sound box: edges in shares of the picture's sides, within it. */
export interface Box {
  readonly label: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly isDifficult: boolean;
  readonly isTruncated: boolean;
}

/** What a box is held to. */
export interface BoxRules {
  /** Numbers of the classes by their names. */
  readonly labels: ReadonlyMap<string, number>;
  /** Sides of the picture in pixels; absent: boxes are in shares of them. */
  readonly size?: Size;
}

/**
 * How far a box may reach over the picture, and is clipped: some count pixels from 1, and some round. A pixel; where
 * boxes are shares, that of a picture of 500 pixels.
 */
const OVERHANG = { pixels: 1, shares: 1 / 500 };

/** Sides below this share of a picture are none: a hundredth of a pixel of a picture of 10,000. */
const LEAST_SIDE = 1e-6;

/** Longer names of classes are cut in messages. */
const LONGEST_NAME = 60;

/** Returns a sound box, clipped to the picture; or what is wrong with it, as the end of a sentence. */
export function checkBox(box: FoundBox | BadBox, { labels, size }: BoxRules): Box | string {
  if ("because" in box) return box.because;
  const { className, isDifficult, isTruncated = false } = box;
  const label = labels.get(className);
  if (label === undefined) {
    return `its class "${plainLine(className, LONGEST_NAME)}" is unknown, ${
      suggestName(className, [...labels.keys()])
    }`;
  }
  const overhang = size === undefined ? OVERHANG.shares : OVERHANG.pixels;
  const x = checkSpan({ ends: ["left", "right"], from: box.left, to: box.right, most: size?.width ?? 1, overhang });
  if (typeof x === "string") return x;
  const y = checkSpan({ ends: ["top", "bottom"], from: box.top, to: box.bottom, most: size?.height ?? 1, overhang });
  if (typeof y === "string") return y;
  return { label, isDifficult, isTruncated, left: x.from, right: x.to, top: y.from, bottom: y.to };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** A box along one axis. */
interface SpanCheck extends Span {
  /** What its ends are called. */
  readonly ends: readonly ["left", "right"] | readonly ["top", "bottom"];
  /** The picture's side. */
  readonly most: number;
  readonly overhang: number;
}

/** Returns a span in shares of the side, clipped to it; or what is wrong with it. */
function checkSpan({ ends: [first, last], from, to, most, overhang }: SpanCheck): Span | string {
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    const [end, value] = Number.isFinite(from) ? [last, to] : [first, from];
    return `its ${end} edge is ${value}, a finite number is needed`;
  }
  if (to < from) return `it is reversed: its ${last} edge ${to} comes before its ${first} edge ${from}`;
  const axis = first === "left" ? "wide" : "high";
  if (from < -overhang || to > most + overhang) {
    return `it is outside of the picture: it reaches from ${from} to ${to}, the picture is ${most} ${axis}`;
  }
  const [low, high] = [Math.max(0, from) / most, Math.min(most, to) / most];
  if (high - low >= LEAST_SIDE) return { from: low, to: high };
  return `it has no area: it is ${to - from} ${axis}`;
}
