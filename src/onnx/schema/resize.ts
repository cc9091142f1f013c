/** Resampling of images. */
import type { Attrs } from "../graph.ts";
import { constantOf, FLOAT, type Inputs, maybe, need, NUMERIC, rankOf, type Rows, stringAttr } from "./_infer.ts";
import type { StaticType } from "./schema.ts";

const COORDINATES = [
  "half_pixel",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_crop_and_resize",
] as const;
const NEAREST = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

function inferResize(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, NUMERIC);
  stringAttr(attrs, "coordinate_transformation_mode", COORDINATES);
  stringAttr(attrs, "mode", ["nearest", "linear", "cubic"]);
  stringAttr(attrs, "nearest_mode", NEAREST);
  const scales = maybe(inputs, 2, ["float32"]);
  const sizes = maybe(inputs, 3, ["int64"]);
  const scaled = scales !== null && scales.shape[0] !== 0;
  if (scaled === (sizes !== null)) throw new TypeError("needed is one of the inputs scales and sizes");
  // The product is rounded to float32 before it is cut, as ONNX Runtime does: 0.7 of 10 is 7.
  const shape = sizes !== null
    ? constantOf(sizes, "sizes")
    : constantOf(scales!, "scales").map((scale, i) => Math.floor(Math.fround(scale * x.shape[i])));
  if (shape.length !== x.shape.length) throw new TypeError(`${shape.length} sizes do not fit rank ${x.shape.length}`);
  return [{ dtype: x.dtype, shape }];
}

/** Resampling operators of the default domain. */
export const resize: Rows = {
  Resize: {
    since: 11,
    inputs: [1, 4],
    attrs: {
      coordinate_transformation_mode: "string",
      cubic_coeff_a: "float",
      exclude_outside: "int",
      extrapolation_value: "float",
      mode: "string",
      nearest_mode: "string",
    },
    // Cropping fills in a value of its own.
    traits: ({ mode, coordinate_transformation_mode: coordinates }) => ({
      movement: (mode ?? "nearest") === "nearest" && coordinates !== "tf_crop_and_resize",
    }),
    infer: inferResize,
  },
  GridSample: {
    since: 16,
    // Opset 20 calls the modes otherwise.
    until: 19,
    inputs: [2, 2],
    attrs: { align_corners: "int", mode: "string", padding_mode: "string" },
    infer(inputs) {
      const [x, grid] = [need(inputs, 0, FLOAT), need(inputs, 1, FLOAT)];
      rankOf(x, 4, 4);
      rankOf(grid, 4, 4);
      if (grid.shape[0] !== x.shape[0] || grid.shape[3] !== 2) {
        throw new TypeError(`the grid has shape [${grid.shape}], needed is [${x.shape[0]},h,w,2]`);
      }
      return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]] }];
    },
  },
};
