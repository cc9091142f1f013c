/**
 * Which sides of pictures a detector's cells fit into.
 *
 * Decoding divides a picture among the cells of a grid. Padding "same" rounds their number up: of 84 pixels a net of
 * stride 32 makes 3 cells, which are 32 pixels apart in what it has learned, and 28 in what is decoded.
 */
import type * as tfl from "@tensorflow/tfjs-layers";
import { detectionOf } from "../models/detection.ts";
import { fixInputShape } from "../src/rewrite/mod.ts";
import { showValue } from "../src/text/plain.ts";
import { taskRow } from "../tasks/mod.ts";
import type { SharedJobOptions } from "./shared_options.ts";

/** What is asked of a detector's pictures. */
interface AskedSides {
  readonly task: string;
  readonly sides: readonly [height: number, width: number];
  /** How an error begins. */
  readonly cannot: string;
}

/**
 * Checks that sides which the options give to a model that leaves them open are multiples of its cells'.
 *
 * @throws {RangeError} If it is a detector and they are not.
 */
export function checkGivenSides(
  model: tfl.LayersModel,
  { task, inputSize, shape, model: path }: Pick<SharedJobOptions, "task" | "inputSize" | "shape" | "model">,
): void {
  if (inputSize === undefined && shape === undefined) return;
  const [, height, width] = model.inputs[0].shape;
  const asked = inputSize === undefined
    ? `--shape ${shape?.map((text) => showValue(text)).join(" ")}`
    : `--input-size ${inputSize}`;
  const sides = [Number(height), Number(width)] as const;
  checkCells(model, { task, sides, cannot: `Cannot use ${asked} with "${path}"` });
}

/**
 * Checks that the sides of pictures are multiples of those of a detector's cells; of other models they may be any.
 *
 * @throws {RangeError} If they are not.
 */
export function checkCells(model: tfl.LayersModel, { task, sides, cannot }: AskedSides): void {
  const isDetector = taskRow(task).settings?.includes("anchors") || detectionOf(model) !== undefined;
  if (!isDetector) return;
  const cells = cellsOf(model);
  for (const [axis, side] of sides.entries()) {
    const all = [...new Set(cells.map((cell) => cell[axis]))];
    const common = all.reduce(leastCommonMultiple, 1);
    if (side % common === 0) continue;
    const below = side - side % common;
    const nearest = [below, below + common].filter((fitting) => fitting > 0).join(" or ");
    throw new RangeError(
      `${cannot}: the cells that it finds boxes in have sides of ${all.join(" and ")} pixels, which ${side} is no ` +
        `multiple of, the nearest that fit are ${nearest}`,
    );
  }
}

/** A side that sides of cells divide, whatever they are: 2⁸ · 3² · 5. So large a picture is never made. */
const PROBE = 11520;

/** Returns the sides of the cells of each output, in pixels; nothing of a model that is for pictures of one size. */
function cellsOf(model: tfl.LayersModel): readonly (readonly [height: number, width: number])[] {
  const [, , , channels] = model.inputs[0].shape;
  if (model.inputs.length > 1 || typeof channels !== "number") return [];
  let large: tfl.LayersModel;
  try {
    large = fixInputShape(model, [PROBE, PROBE, channels]);
  } catch {
    return [];
  }
  const cells = large.outputs.flatMap(({ shape: [, rows, columns, numbers] }) =>
    rows && columns && numbers ? [[sideOf(rows), sideOf(columns)] as const] : []
  );
  large.dispose();
  return cells;
}

/** Without padding there are a few cells less than fit, or a few more. */
function sideOf(cells: number): number {
  return Math.max(1, Math.round(PROBE / cells));
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return a / divisor * b;
}
