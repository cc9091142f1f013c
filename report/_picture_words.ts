/** What is marked in a picture, in a few words. */
import type { MaskMark, PicturePanel, PictureRow, PointsMark } from "../tasks/section.ts";
import { percent, plural } from "./_format.ts";
import { readRuns } from "./mask_runs.ts";

/** Of pixels that count for nothing. */
const NO_CLASS = 255;

type Panels = Pick<PictureRow<unknown, string>, "panels">;

/** Returns what the truth has of a kind of marks; undefined where the row does not show it. */
export function truthOf(row: Panels, kind: "points"): PointsMark | undefined;
export function truthOf(row: Panels, kind: "mask"): MaskMark<string> | undefined;
export function truthOf({ panels }: Panels, kind: "points" | "mask") {
  return panels.find(({ model }) => model === "truth")?.marks.find((mark) => mark.kind === kind);
}

/** Says what a panel marks, of a model's points and masks how far they are right: "12 boxes", "1.2% off", "97.1% right". */
export function describeMarks({ marks, model }: PicturePanel<string>, row: Panels): string {
  const isTruth = model === "truth";
  const boxes = marks.filter(({ kind }) => kind === "box").length;
  const others = marks.flatMap((mark) => {
    switch (mark.kind) {
      case "box":
        return [];
      case "points":
        return describePoints(mark, isTruth ? undefined : truthOf(row, "points"));
      case "mask":
        return describeMask(mark, isTruth ? undefined : truthOf(row, "mask"));
    }
  });
  const all = boxes === 0 ? others : [`${boxes} ${boxes === 1 ? "box" : "boxes"}`, ...others];
  return all.length === 0 ? "nothing" : all.join(", ");
}

/** Distances are shares of the picture's sides. */
function describePoints({ points }: PointsMark, truth: PointsMark | undefined): string {
  const known = points.filter((point) => point !== null);
  const off = points.flatMap((point, i) => {
    const right = truth?.points[i];
    return point === null || right === undefined || right === null
      ? []
      : Math.hypot(point[0] - right[0], point[1] - right[1]);
  });
  if (off.length === 0) return plural(known.length, "point");
  return `${percent(off.reduce((a, b) => a + b) / off.length, 1)} off`;
}

function describeMask({ height, width, pixels }: MaskMark<string>, truth: MaskMark<string> | undefined): string {
  const own = readRuns(pixels, height * width);
  if (own === undefined) return "no mask";
  const right = truth?.height === height && truth.width === width ? readRuns(truth.pixels, height * width) : undefined;
  if (right === undefined) {
    const kinds = new Set(own.filter((group) => group !== NO_CLASS)).size;
    return kinds === 1 ? "1 kind" : `${kinds} kinds`;
  }
  const counted = own.filter((_, i) => right[i] !== NO_CLASS).length;
  const hits = own.filter((group, i) => right[i] !== NO_CLASS && right[i] === group).length;
  return `${percent(counted === 0 ? undefined : hits / counted, 1)} right`;
}
