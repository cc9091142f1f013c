/** What the numbers of targets must be. */
import type { TargetSpec } from "./task.ts";

/** Returns the shape of one sample's target; [] of a class, and where nobody can say. */
export function shapeOfTarget(spec: TargetSpec): readonly number[] {
  switch (spec.kind) {
    case "index":
      return spec.positions === undefined ? [] : [spec.positions];
    case "boxes":
      return [spec.most, BOX_NUMBERS];
    case "points":
      return [2 * spec.count];
    case "map":
      return [spec.height, spec.width];
    case "any":
      return [];
    default:
      return [spec.width];
  }
}

/** Numbers of a box, see `Boxes` of data/samples.ts; its class is the fifth. */
const BOX_NUMBERS = 6;
const BOX_CLASS = 4;

/** Whether a number of a target, at a place in its batch, is one that may stand there. */
export function fits(value: number, { spec, at }: { readonly spec: TargetSpec; readonly at: number }): boolean {
  switch (spec.kind) {
    case "index":
      return value >= 0 && value < spec.count;
    case "map":
      return value >= -1 && value < spec.count;
    case "flags":
      return value === 0 || value === 1;
    case "boxes":
      return at % BOX_NUMBERS === BOX_CLASS
        ? Number.isInteger(value) && value >= -1 && value < spec.classes
        : Number.isFinite(value);
    default:
      return Number.isFinite(value);
  }
}

/** Says what a number of a target must be: "0 or 1". */
export function describeValues(spec: TargetSpec): string {
  switch (spec.kind) {
    case "index":
      return `0 to ${spec.count - 1}, as the output has ${spec.count} numbers`;
    case "map":
      return `0 to ${spec.count - 1}, or -1 for what counts for nothing`;
    case "flags":
      return "0 or 1";
    case "boxes":
      return `a finite number, as a class 0 to ${spec.classes - 1}, or -1 for no box`;
    default:
      return "a finite number";
  }
}
