import assert from "node:assert/strict";
import sharp from "sharp";
import { Random } from "../../src/numbers/random.ts";
import { type Affine, IDENTITY, inTurn, inverse, moveBy, movePoint, stretchBy, turnBy } from "./affine.ts";
import { type Area, warp, warpMask } from "./warp.ts";

const GREY = 114;

/** Moves the picture of one channel 1 2 3 / 4 5 6, in tens. */
function moved(map: Affine, border: "grey" | "edge" = "grey"): number[] {
  const shape = { height: 2, width: 3, channels: 1 };
  const out = new Uint8Array(6);
  const source = Uint8Array.of(10, 20, 30, 40, 50, 60);
  warp(out, { shape, source, map, border, area: { left: 0, top: 0, right: 3, bottom: 2 } });
  return [...out];
}

Deno.test("warp() moves, mirrors, scales and turns pictures, by hand", () => {
  assert.deepEqual(moved(IDENTITY), [10, 20, 30, 40, 50, 60]);
  assert.deepEqual(moved(moveBy({ x: 1, y: 0 })), [GREY, 10, 20, GREY, 40, 50]);
  assert.deepEqual(moved(moveBy({ x: 1, y: 0 }), "edge"), [10, 10, 20, 40, 40, 50]);
  // Halves of neighbours; the outermost has no other neighbour.
  assert.deepEqual(moved(moveBy({ x: 0.5, y: 0 })), [10, 15, 25, 40, 45, 55]);
  assert.deepEqual(moved(moveBy({ x: 0, y: -0.5 })), [25, 35, 45, GREY, GREY, GREY]);
  assert.deepEqual(moved({ ...IDENTITY, xx: -1, x0: 3 }), [30, 20, 10, 60, 50, 40]);
  // Twice as large from the upper left corner: pixel i looks at (i + 0.5) / 2 - 0.5.
  assert.deepEqual(moved(stretchBy({ x: 2, y: 1 })), [10, 13, 18, 40, 43, 48]);
  // Half a turn around the middle.
  const half = inTurn(moveBy({ x: -1.5, y: -1 }), turnBy(Math.PI), moveBy({ x: 1.5, y: 1 }));
  assert.deepEqual(moved(half), [60, 50, 40, 30, 20, 10]);
  // A quarter from x towards y: what lay at the right lies below.
  const quarter = inTurn(moveBy({ x: -1.5, y: -1 }), turnBy(Math.PI / 2), moveBy({ x: 1.5, y: 1 }));
  assert.equal(moved(quarter)[1], (10 + 20 + 40 + 50) / 4);
});

Deno.test("warp() writes its part of a picture and no more", () => {
  const shape = { height: 2, width: 3, channels: 1 };
  const source = Uint8Array.of(10, 20, 30, 40, 50, 60);
  for (const map of [moveBy({ x: 1, y: 0 }), inTurn(turnBy(1e-9), moveBy({ x: 1, y: 0 }))]) {
    const write = (area: Area) => {
      const out = new Uint8Array(6).fill(7);
      warp(out, { shape, source, map, border: "grey", area });
      return [...out];
    };
    assert.deepEqual(write({ left: 0, top: 1, right: 2, bottom: 2 }), [7, 7, 7, GREY, 40, 7]);
    assert.deepEqual(write({ left: 1, top: 0, right: 3, bottom: 1 }), [7, 10, 20, 7, 7, 7]);
  }
});

Deno.test("warp() gives the same where it turns by next to nothing as where it does not turn", () => {
  const random = new Random(6);
  const shape = { height: 9, width: 11, channels: 3 };
  const source = Uint8Array.from({ length: 9 * 11 * 3 }, () => random.below(256));
  const area = { left: 0, top: 0, right: 11, bottom: 9 };
  for (let run = 0; run < 40; run++) {
    const straight = inTurn(
      stretchBy({ x: random.between(0.5, 2), y: random.between(0.5, 2) }),
      moveBy({ x: random.between(-4, 4), y: random.between(-4, 4) }),
    );
    for (const border of ["grey", "edge"] as const) {
      const [a, b] = [straight, { ...straight, xy: 1e-200 }].map((map) => {
        const out = new Uint8Array(source.length);
        warp(out, { shape, source, map, border, area });
        return out;
      });
      // Steps are summed up, so a position may fall on the other side of a half.
      assert.ok(a.every((value, i) => Math.abs(value - b[i]) <= 1));
      assert.ok(a.filter((value, i) => value !== b[i]).length < 6);
    }
  }
});

/** Bilinear interpolation, plainly: in floats, a pixel at a time. */
function plainly(source: Uint8Array, { side, map, border }: {
  readonly side: number;
  readonly map: Affine;
  readonly border: "grey" | "edge";
}): number[] {
  const at = (x: number, y: number, ch: number) => {
    const clamp = (i: number) => Math.min(side - 1, Math.max(0, i));
    return source[(clamp(y) * side + clamp(x)) * 3 + ch];
  };
  return Array.from({ length: side * side * 3 }, (_, i) => {
    const [ch, x, y] = [i % 3, Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    const look = movePoint({ x: x + 0.5, y: y + 0.5 }, inverse(map));
    const isOut = look.x < 0 || look.x >= side || look.y < 0 || look.y >= side;
    if (isOut && border === "grey") return GREY;
    const [u, v] = [look.x, look.y].map((value) => Math.min(side - 1, Math.max(0, value - 0.5)));
    const [i0, j0] = [Math.floor(u), Math.floor(v)];
    const [fx, fy] = [u - i0, v - j0];
    return (at(i0, j0, ch) * (1 - fx) + at(i0 + 1, j0, ch) * fx) * (1 - fy) +
      (at(i0, j0 + 1, ch) * (1 - fx) + at(i0 + 1, j0 + 1, ch) * fx) * fy;
  });
}

Deno.test("warp() interpolates as plain arithmetic does, turned or not, at either border", () => {
  const random = new Random(5);
  const side = 13;
  const source = Uint8Array.from({ length: side * side * 3 }, () => random.below(256));
  const area = { left: 0, top: 0, right: side, bottom: side };
  for (let run = 0; run < 60; run++) {
    const angle = run % 3 === 0 ? 0 : random.between(-4, 4);
    const scale = random.between(0.4, 2.5);
    const map = inTurn(
      moveBy({ x: -side / 2, y: -side / 2 }),
      turnBy(angle),
      stretchBy({ x: run % 2 === 0 ? scale : -scale, y: scale }),
      moveBy({ x: side / 2 + random.between(-3, 3), y: side / 2 + random.between(-3, 3) }),
    );
    for (const border of ["grey", "edge"] as const) {
      const out = new Uint8Array(source.length);
      warp(out, { shape: { height: side, width: side, channels: 3 }, source, map, area, border });
      const expected = plainly(source, { side, map, border });
      // Weights in 256ths are off by 1/512 on each axis, of a difference of up to 255; then it is rounded.
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - out[i])));
      assert.ok(worst <= 1.5, `${worst} at ${JSON.stringify(map)}`);
    }
  }
});

Deno.test("warp() turns a picture as sharp's bilinear interpolation does", async () => {
  const random = new Random(8);
  const side = 24;
  // Waves: neighbours are alike, so that half a step of position shows little.
  const source = Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    return 128 + 100 * Math.sin(x / 4 + (i % 3)) * Math.cos(y / 5);
  });
  const shape = { height: side, width: side, channels: 3 };
  const raw = { width: side, height: side, channels: 3 } as const;
  for (let run = 0; run < 4; run++) {
    const scale = random.between(0.8, 1.25);
    const angle = random.between(-0.5, 0.5);
    const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    // sharp moves the middles of pixels, and its result begins where the moved picture does.
    const { data, info } = await sharp(source, { raw }).affine([[a, -b], [b, a]], { interpolator: "bilinear" }).raw()
      .toBuffer({ resolveWithObject: true });
    const map: Affine = { xx: a, xy: -b, x0: 0, yx: b, yy: a, y0: 0 };
    const middle = movePoint({ x: side / 2, y: side / 2 }, map);
    const centred = inTurn(map, moveBy({ x: side / 2 - middle.x, y: side / 2 - middle.y }));
    const out = new Uint8Array(source.length);
    warp(out, { shape, source, map: centred, border: "edge", area: { left: 0, top: 0, right: side, bottom: side } });
    const [left, top] = [(info.width - side) / 2, (info.height - side) / 2].map(Math.round);
    let [sum, count] = [0, 0];
    for (let y = 6; y < side - 6; y++) {
      for (let x = 6; x < side - 6; x++) {
        const [own, other] = [(y * side + x) * 3, ((y + top) * info.width + x + left) * info.channels];
        sum += Math.abs(out[own] - data[other]);
        count++;
      }
    }
    // A pixel aside is 25 steps of the waves, and their middles may be half a pixel apart.
    assert.ok(sum / count < 13, `${sum / count} on average`);
  }
});

Deno.test("warpMask() takes the nearest pixel's class, and none where nothing is", () => {
  const source = Uint8Array.of(0, 1, 255, 2);
  const run = (map: Affine) => {
    const out = new Int32Array(5).fill(9);
    warpMask(out, { height: 2, width: 2, source, map, to: 1 });
    return [...out];
  };
  assert.deepEqual(run(IDENTITY), [9, 0, 1, -1, 2]);
  assert.deepEqual(run(moveBy({ x: 0.4, y: 0 })), [9, 0, 1, -1, 2]);
  assert.deepEqual(run(moveBy({ x: 0.6, y: 0 })), [9, -1, 0, -1, -1]);
  assert.deepEqual(run({ ...IDENTITY, xx: -1, x0: 2 }), [9, 1, 0, 2, -1]);
  assert.deepEqual(run(moveBy({ x: 0, y: -0.6 })), [9, -1, 2, -1, -1]);
  // A quarter from x towards y: the upper left goes to the upper right.
  const quarter = inTurn(moveBy({ x: -1, y: -1 }), turnBy(Math.PI / 2), moveBy({ x: 1, y: 1 }));
  assert.deepEqual(run(quarter), [9, -1, 0, 2, 1]);
});
