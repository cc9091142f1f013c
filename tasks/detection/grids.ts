/**
 * What a detector's outputs are: for each a grid of cells over the picture, and in each cell a few anchors, which are
 * widths and heights that boxes are told apart from.
 *
 * An output has the shape [n, height, width, anchors · (5 + classes)]. Each anchor's numbers are in darknet's order: tx,
 * ty, tw, th, objectness, classes; they stand for the box
 *
 *   x = (column + σ(tx)) / width,  y = (row + σ(ty)) / height,  w = anchor's width · e^tw,  h = anchor's height · e^th
 *
 * In later nets of darknet centres reach beyond their cell, by `scale_x_y` widths of it: there σ(t) · r − (r − 1) / 2 stands
 * in the place of σ(t), so that centres on its edges need no endless numbers.
 *
 * Sources: Redmon, Farhadi, "YOLO9000" (2017), section 2, of which `region` is the head; "YOLOv3" (2018), section 2.1; Bochkovskiy, Wang, Liao, "YOLOv4"
 * (2020), section 3.3, of which the reach is.
 */

/** How the numbers of an output are read. */
export type HeadKind =
  /** Classes are told apart each by itself. */
  | "yolov3"
  /** One class of all, by softmax. */
  | "region";

/** Width and height. */
export type Size = readonly [width: number, height: number];

/** The cells of one output. */
export interface Grid {
  readonly height: number;
  readonly width: number;
  /** Shares of the input picture's sides. */
  readonly anchors: readonly Size[];
  /** Within how many widths of a cell, around its middle, its centres lie. Default 1: in the cell. */
  readonly reach?: number;
}

/** All outputs of a detector, in the model's order. */
export interface Grids {
  readonly kind: HeadKind;
  /** How many classes there are. */
  readonly classes: number;
  readonly grids: readonly Grid[];
}

/** The largest tw and th that are told apart: e^8 anchors are wider than any picture, and still far from infinity. */
export const MOST_LOG_SIZE = 8;

/** Numbers of one box that is known: see `Boxes` in data/samples.ts. */
export const TRUE_NUMBERS = 6;

/** Returns how σ(t) becomes a place in a cell, 0 to 1 from edge to edge: times the first, less the second. */
export function stretchOf({ reach = 1 }: Pick<Grid, "reach">): readonly [factor: number, less: number] {
  return [reach, (reach - 1) / 2];
}

/** Returns the anchors of all cells of a grid. */
export function rowsOf({ height, width, anchors }: Grid): number {
  return height * width * anchors.length;
}

/** Returns the intersection over union of two sizes laid upon each other. */
export function sizeOverlap([width, height]: Size, [otherWidth, otherHeight]: Size): number {
  const common = Math.min(width, otherWidth) * Math.min(height, otherHeight);
  return common / (width * height + otherWidth * otherHeight - common);
}
