import { bytesOf } from "../pixels.ts";
import assert from "node:assert/strict";
import type { SampleSet } from "../samples.ts";
import { generateShapes } from "./shapes_to_find.ts";

/** The boxes of a sample in pixels: edges that pixels lie within, and the class. */
function boxesOf(set: SampleSet, sample: number) {
  const { boxes } = set.targets;
  const { image } = set.inputs;
  assert.ok(boxes.kind === "boxes" && image.kind === "pictures");
  const { height, width } = image;
  return Array.from({ length: boxes.most }, (_, row) => {
    const [x, y, w, h, label] = boxes.values.subarray((sample * boxes.most + row) * 6);
    return {
      label,
      left: (x - w / 2) * width,
      right: (x + w / 2) * width,
      top: (y - h / 2) * height,
      bottom: (y + h / 2) * height,
    };
  }).filter(({ label }) => label >= 0);
}

Deno.test("generateShapes() makes the same first pictures however many are asked for, other ones for another seed", () => {
  const bytes = (options: { train: number; seed?: number }) => {
    const { image } = generateShapes({ test: 1, ...options }).train.inputs;
    assert.ok(image.kind === "pictures");
    return image.bytes.subarray(0, 3 * 96 * 96 * 3).join();
  };
  assert.equal(bytes({ train: 3 }), bytes({ train: 5 }));
  assert.notEqual(bytes({ train: 3 }), bytes({ train: 3, seed: 1 }));
});

Deno.test("generateShapes() has boxes that lie close around what is brighter than the ground", () => {
  for (const shape of [{ height: 96, width: 96, channels: 3 }, { height: 64, width: 128, channels: 1 }]) {
    const { train } = generateShapes({ train: 40, test: 1, shape });
    const { image } = train.inputs;
    assert.ok(image.kind === "pictures");
    const { height, width, channels } = image;
    for (let i = 0; i < train.count; i++) {
      const boxes = boxesOf(train, i);
      assert.ok(boxes.length >= 1 && boxes.length <= 4);
      for (const { left, right, top, bottom } of boxes) {
        assert.ok(left > -1e-3 && top > -1e-3 && right < width + 1e-3 && bottom < height + 1e-3);
        assert.ok(right - left >= 0.05 * height && bottom - top >= 0.05 * height);
      }
      const luma = (x: number, y: number) => {
        const at = ((i * height + y) * width + x) * channels;
        const [r, g, b] = channels === 3
          ? bytesOf(image.bytes).subarray(at, at + 3)
          : Array(3).fill(bytesOf(image.bytes)[at]);
        return 0.299 * r + 0.587 * g + 0.114 * b;
      };
      const isIn = (x: number, y: number, margin: number) =>
        boxes.some((box) =>
          x + 0.5 > box.left - margin && x + 0.5 < box.right + margin && y + 0.5 > box.top - margin &&
          y + 0.5 < box.bottom + margin
        );
      const [inside, outside]: number[][] = [[], []];
      for (const { left, right, top, bottom } of boxes) {
        inside.push(luma(Math.floor((left + right) / 2), Math.floor((top + bottom) / 2)));
      }
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (!isIn(x, y, 1)) outside.push(luma(x, y));
      const ground = outside.reduce((a, b) => a + b, 0) / outside.length;
      assert.ok(Math.min(...inside) > ground + 10, `the middle of a shape is as dark as its ground, ${i}`);
    }
  }
});

Deno.test("generateShapes() draws each class, and refuses counts and shapes that are none", () => {
  const { train } = generateShapes({ train: 60, test: 1 });
  const labels = new Set(Array.from({ length: 60 }, (_, i) => boxesOf(train, i).map(({ label }) => label)).flat());
  assert.deepEqual([...labels].sort(), [0, 1, 2]);
  assert.throws(() => generateShapes({ train: 0 }), /the count is 0, needed is a positive integer/);
  assert.throws(() => generateShapes({ shape: { height: 0, width: 4, channels: 3 } }), /positive sides/);
});
