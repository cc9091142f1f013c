/** ResizeBilinear and ResizeNearestNeighbor. */
import type {
  ResizeBilinearAttrs,
  ResizeBilinearInputs,
  ResizeNearestNeighborAttrs,
  ResizeNearestNeighborInputs,
} from "@tensorflow/tfjs-core";
import { cast, vector } from "./_emit.ts";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { type Grid, type Lengths, nearestSources, resizeInputs, resizeScale } from "./_resample.ts";
import { defineOp, type Emit, Unsupported, type Value } from "./op.ts";

/** Bilinear resizing; float32. Shapes: images [n, h, w, c] → [n, size[0], size[1], c]. */
export const resizeBilinear = defineOp<ResizeBilinearInputs, ResizeBilinearAttrs>({
  kernel: "ResizeBilinear",
  lower: (emit, { images }, { size, alignCorners, halfPixelCenters }) => {
    if (alignCorners && halfPixelCenters) {
      throw new Unsupported(
        `Cannot lower "ResizeBilinear" with alignCorners and halfPixelCenters: ONNX has one or none`,
      );
    }
    const x = toChannelsFirst(emit, cast(emit, images, "float32"));
    const mode = alignCorners ? "align_corners" : halfPixelCenters ? "half_pixel" : "asymmetric";
    return toChannelsLast(
      emit,
      emit.node("Resize", resizeInputs(emit, x, size), { mode: "linear", coordinate_transformation_mode: mode }),
    );
  },
});

/**
 * Nearest-neighbour resizing. Shapes: images [n, h, w, c] → [n, size[0], size[1], c].
 *
 * Where ONNX Runtime's float32 coordinates would pick other elements than TF.js's float64 ones, elements are gathered.
 */
export const resizeNearestNeighbor = defineOp<ResizeNearestNeighborInputs, ResizeNearestNeighborAttrs>({
  kernel: "ResizeNearestNeighbor",
  lower: (emit, { images }, { size, alignCorners, halfPixelCenters }) => {
    if (images.dtype === "bool") {
      throw new Unsupported(`Cannot lower "ResizeNearestNeighbor" of bool: ONNX has no such`);
    }
    const grid = { alignCorners, halfPixelCenters };
    const [, h, w] = images.shape;
    const rows = { from: h, to: size[0] };
    const columns = { from: w, to: size[1] };
    if (!agree(rows, grid) || !agree(columns, grid)) return gather(emit, images, { rows, columns, grid });
    const x = toChannelsFirst(emit, images);
    return toChannelsLast(emit, emit.node("Resize", resizeInputs(emit, x, size), { mode: "nearest", ...modes(grid) }));
  },
});

/** floor(r·i), round(r·i) with corners aligned, floor(r·(i + ½)) = round(r·(i + ½) - ½) with half pixels. */
function modes({ alignCorners, halfPixelCenters }: Grid) {
  if (alignCorners) return { coordinate_transformation_mode: "align_corners", nearest_mode: "round_prefer_ceil" };
  if (halfPixelCenters) return { coordinate_transformation_mode: "half_pixel", nearest_mode: "round_prefer_ceil" };
  return { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
}

/** Whether ONNX Runtime (upsample.h, upsamplebase.h of 1.30), computing in float32, picks what TF.js picks. */
function agree(lengths: Lengths, grid: Grid): boolean {
  if (grid.alignCorners && grid.halfPixelCenters) return false;
  return nearestSources(lengths, grid).every((source, i) => source === runtimeSource(i, lengths, grid));
}

function runtimeSource(i: number, { from, to }: Lengths, { alignCorners, halfPixelCenters }: Grid): number {
  const f = Math.fround;
  const scale = resizeScale({ from, to });
  if (scale === 1) return i;
  if (alignCorners) {
    const at = to === 1 ? 0 : f(f(i * (from - 1)) / f(to - 1));
    return clamp(Math.floor(f(at + 0.5)), from);
  }
  if (halfPixelCenters) return clamp(Math.floor(f(f(f(f(i + 0.5) / scale) - 0.5) + 0.5)), from);
  return clamp(Math.floor(f(i / scale)), from);
}

function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/** Picks rows, then columns, of [n, h, w, c]. */
function gather(
  emit: Emit,
  images: Value,
  { rows, columns, grid }: { readonly rows: Lengths; readonly columns: Lengths; readonly grid: Grid },
): Value {
  const picked = emit.node("Gather", [images, vector(emit, nearestSources(rows, grid))], { axis: 1 });
  return emit.node("Gather", [picked, vector(emit, nearestSources(columns, grid))], { axis: 2 });
}
