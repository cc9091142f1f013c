/** What is known of an architecture. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Anchors } from "../anchors.ts";
import type { DetectionKind } from "../detection.ts";
import type { ArchOptions } from "./_blocks.ts";

/** What samples can be, to an architecture. */
export type SampleKind = "pictures" | "rows" | "tokens" | "series";

/** What an architecture can end in: answers for a sample as a whole, at each position, boxes, or a class for each pixel. */
export type ArchEnd = "classes" | "numbers" | "positions" | "boxes" | "map";

/** An architecture as others published it. */
export interface Published {
  /** Whose it is. */
  readonly by: string;
  /** Shape of one sample, and how many answers there are. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  /** How many weights of it are trained. */
  readonly weights: number;
}

/** An architecture. */
export interface Architecture {
  readonly takes: readonly SampleKind[];
  readonly ends: readonly ArchEnd[];
  /** What height and width of pictures are multiples of. Absent: they are any. */
  readonly multipleOf?: number;
  /** What height and width of pictures are at the least. Default: 4. */
  readonly leastSide?: number;
  /** Whether it comes in several widths. Default: in one. */
  readonly hasWidths?: boolean;
  /** The published one that has as many weights. Absent: there is none. */
  readonly published?: Published;
  /** How its boxes are read, and the anchors that it has where none are given. Absent: it gives no boxes. */
  readonly boxes?: { readonly kind: DetectionKind; readonly anchors: Anchors };
  readonly make: (options: ArchOptions) => tfl.LayersModel;
}
