import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { averagePoolTo, maxPoolCeil } from "./_pools.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

type Pool = (x: tfl.SymbolicTensor) => tfl.SymbolicTensor;

/** Applies a pool to a picture of one channel, whose rows are given. */
function pooled(pool: Pool, rows: readonly (readonly number[])[]): unknown {
  const input = tfl.input({ shape: [rows.length, rows[0].length, 1] });
  const model = tfl.model({ inputs: input, outputs: pool(input) });
  return tf.tidy(() => {
    const picture = tf.tensor4d(rows.flat(), [1, rows.length, rows[0].length, 1]);
    return tf.squeeze(model.predict(picture) as tf.Tensor, [0, 3]).arraySync();
  });
}

/** Numbers that grow along rows, then down. */
const ramp = (height: number, width: number) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => y * width + x));

Deno.test("maxPoolCeil() has as many windows as reach any pixel, whatever sides are", () => {
  for (const poolSize of [2, 3]) {
    for (let height = 2; height <= 9; height++) {
      for (let width = 2; width <= 9; width++) {
        const [below, beside] = [height, width].map((side) => Math.ceil((side - poolSize) / 2) + 1);
        // On a ramp the last pixel of each window is the largest.
        const last = (i: number, side: number) => Math.min(2 * i + poolSize, side) - 1;
        const expected = Array.from(
          { length: below },
          (_, y) => Array.from({ length: beside }, (_, x) => last(y, height) * width + last(x, width)),
        );
        const pool: Pool = (x) => maxPoolCeil(x, { name: "pool", poolSize });
        assert.deepEqual(pooled(pool, ramp(height, width)), expected, `${poolSize} of ${height}x${width}`);
      }
    }
  }
});

Deno.test("averagePoolTo() takes the means of PyTorch's windows of any picture", () => {
  for (const side of [1, 3, 7]) {
    for (const [height, width] of [[7, 7], [1, 1], [2, 3], [10, 8], [14, 21], [5, 15]]) {
      const windows = (size: number) =>
        Array.from({ length: side }, (_, i) => [Math.floor(i * size / side), Math.ceil((i + 1) * size / side)]);
      const expected = windows(height).map(([top, bottom]) =>
        windows(width).map(([left, right]) => ((top + bottom - 1) / 2) * width + (left + right - 1) / 2)
      );
      const pool: Pool = (x) => averagePoolTo(x, { name: "pool", side });
      const actual = pooled(pool, ramp(height, width)) as readonly (readonly number[])[];
      expected.forEach((row, y) =>
        row.forEach((value, x) =>
          assert.ok(Math.abs(actual[y][x] - value) < 1e-4, `${height}x${width} to ${side}: ${actual}`)
        )
      );
    }
  }
});

Deno.test("averagePoolTo() adds nothing to a picture of the right size, and one pool where its sides are multiples", () => {
  const layersOf = (size: number) => {
    const input = tfl.input({ shape: [size, size, 2] });
    const y = averagePoolTo(input, { name: "pool", side: 7 });
    return y === input
      ? []
      : tfl.model({ inputs: input, outputs: y }).layers.slice(1).map((layer) => layer.getClassName());
  };
  assert.deepEqual([7, 14, 1, 10].map(layersOf), [
    [],
    ["AveragePooling2D"],
    ["Operation", "Operation"],
    ["Operation", "Operation", "AveragePooling2D"],
  ]);
});
