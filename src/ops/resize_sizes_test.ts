import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { Random } from "../numbers/random.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { GraphBuilder } from "../onnx/writer.ts";
import { Session } from "../runtime/session.ts";
import { type Grid, resizeInputs, resizeScale } from "./_resample.ts";
import type { Op, Value } from "./op.ts";
import { resizeBilinear, resizeNearestNeighbor } from "./resize.ts";

/** Lengths that pictures are resized to. */
const LENGTHS = Array.from({ length: 256 }, (_, i) => i + 1);

const GRIDS: Readonly<Record<string, Grid>> = {
  "corners are not aligned": { alignCorners: false, halfPixelCenters: false },
  "corners are aligned": { alignCorners: true, halfPixelCenters: false },
  "pixels have half-integer centers": { alignCorners: false, halfPixelCenters: true },
};

/** Runs the graph that `outputs` end, on `x`; ONNX Runtime infers the shapes of all its values first. */
function run(builder: GraphBuilder, outputs: readonly Value[], x: Value): Record<string, Float32Array> {
  const graph = builder.build("sizes", outputs.map(({ name }) => name));
  const session = new Session(encodeModel(graph), { optimization: "disabled", threads: 1 });
  const data = Float32Array.from({ length: x.shape.reduce((a, b) => a * b) }, (_, i) => Math.fround(Math.sin(i)));
  try {
    const results = session.run({ [x.name]: { dtype: "float32", shape: x.shape, data } });
    return Object.fromEntries(outputs.map(({ name, shape }) => {
      assert.deepEqual([...results[name].shape], shape);
      return [name, results[name].data as Float32Array];
    }));
  } finally {
    session.dispose();
  }
}

Deno.test("resizeScale() reaches the length by float32's product and by float64's when all pairs up to 1024 are tried", () => {
  for (let from = 1; from <= 1024; from++) {
    for (let to = 1; to <= 1024; to++) {
      const scale = resizeScale({ from, to });
      const lengths = [Math.floor(Math.fround(scale * from)), Math.floor(scale * from)];
      if (lengths.some((length) => length !== to)) assert.deepEqual(lengths, [to, to], `${from} → ${to}`);
    }
  }
});

Deno.test("resizeInputs() gives ONNX Runtime the size when rectangles are resized to all lengths up to 256", () => {
  const random = new Random(5);
  const drawn = Array.from({ length: 12 }, () => [1 + random.below(256), 1 + random.below(256)]);
  for (const [h, w] of [[62, 19], [25, 12], ...drawn]) {
    const builder = new GraphBuilder();
    const x = builder.input("float32", [1, 1, h, w], "x");
    const attrs = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const outputs = LENGTHS.map((to) => builder.node("Resize", resizeInputs(builder, x, [to, 257 - to]), attrs));
    run(builder, outputs, x);
  }
});

const OPS: readonly Op[] = [resizeBilinear, resizeNearestNeighbor];

for (const op of OPS) {
  for (const [when, grid] of Object.entries(GRIDS)) {
    Deno.test(`${op.kernel} lower() gives TF.js's values when ${when} and lengths are any up to 256`, () => {
      const random = new Random(6, [when.length]);
      for (const [h, w] of [[62, 12], [1 + random.below(256), 1 + random.below(64)]]) {
        const sizes = Array.from({ length: 40 }, () => [1 + random.below(256), 1 + random.below(256)]);
        compare(op, { images: [1, h, w, 1], sizes: [[128, 160], ...sizes], grid });
      }
    });
  }
}

function compare(op: Op, { images, sizes, grid }: {
  readonly images: readonly number[];
  readonly sizes: readonly (readonly number[])[];
  readonly grid: Grid;
}): void {
  const builder = new GraphBuilder();
  const x = builder.input("float32", images, "x");
  const lowered = sizes.map((size) => op.lower(builder, { images: x }, { size, ...grid }) as Value);
  const results = run(builder, lowered, x);
  tf.setBackend("cpu");
  tf.tidy(() => {
    const pixels = Float32Array.from({ length: images[1] * images[2] }, (_, i) => Math.sin(i));
    const picture = tf.tensor(pixels, [...images]);
    for (const [i, size] of sizes.entries()) {
      const attrs = { size: [...size], ...grid };
      const expected = tf.engine().runKernel<tf.Tensor>(op.kernel, { images: picture }, attrs).dataSync<"float32">();
      const actual = results[lowered[i].name];
      // Bilinear: places are float32, so off by up to 256·2⁻²³ of a pixel, between pixels that differ by 2 at most.
      const tolerance = op === resizeBilinear ? 1e-4 : 0;
      const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at])), 0);
      assert.ok(worst <= tolerance, `${op.kernel} ${images} → ${size}: off by ${worst}`);
    }
  });
}
