/** All 256 bytes in every channel: what becomes of them in a file of raw pixels, and in one of numbers. */
import assert from "node:assert/strict";
import { normalizeTable, parseNormalize } from "../../../data/normalize.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, countOps, graphOf, ints, opsOf, run } from "../_test_support.ts";
import { rawPixels } from "./raw_pixels.ts";

type Layout = "nhwc" | "nchw";

/** A picture of 16×16 has each byte once in every channel. */
const SHAPES = { nhwc: [1, 16, 16, 3], nchw: [1, 3, 16, 16] } as const;
const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);

/** The picture as bytes, and as numbers by the table of `data/normalize.ts`. */
function pictures(normalize: string, layout: Layout) {
  const table = normalizeTable(parseNormalize(normalize), 3);
  const channelOf = (i: number) => layout === "nhwc" ? i % 3 : Math.floor(i / 256);
  const byteOf = (i: number) => layout === "nhwc" ? Math.floor(i / 3) : i % 256;
  const bytes = Uint8Array.from({ length: 768 }, (_, i) => BYTES[byteOf(i)]);
  return { bytes, reals: Float32Array.from(bytes, (byte, i) => table[256 * channelOf(i) + byte]) };
}

/** Applies the pass, and asserts that nothing else comes out, bit by bit. */
function taken(graph: Graph, { normalize, layout }: { readonly normalize: string; readonly layout: Layout }): Graph {
  const { mean, std } = parseNormalize(normalize);
  const after = applied(rawPixels({ mean, std, layout }), graph);
  const { bytes, reals } = pictures(normalize, layout);
  assert.equal(after.types.get("x")?.dtype, "uint8");
  const [[expected], [actual]] = [run(graph, { x: reals }), run(after, { x: bytes })];
  assert.deepEqual(actual, expected);
  return after;
}

interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype?: "uint8" | "int8";
}

/** x → `before` → QuantizeLinear → DequantizeLinear → Neg. */
function quantized(grid: Grid, layout: Layout, before = (_: GraphBuilder, x: Value) => x): Graph {
  const { scale, zeroPoint, dtype = "uint8" } = grid;
  return graphOf(SHAPES[layout], (b, x) => {
    const parameters = [b.constant("float32", [], [scale]), b.constant(dtype, [], [zeroPoint])];
    const codes = b.node("QuantizeLinear", [before(b, x), ...parameters]);
    return b.node("Neg", [b.node("DequantizeLinear", [codes, ...parameters])]);
  });
}

const NORMALIZATIONS = ["0..1", "-1..1", "0..255", "imagenet", ".1307:.3081", "0.49,0.48,0.45:0.25,0.24,0.26", "-3..7"];

/** The grid of a normalization's own ends, as calibration finds it; a narrower one; one of int8. */
function gridsFor(normalize: string): readonly Grid[] {
  const table = normalizeTable(parseNormalize(normalize), 3);
  const [least, most] = [Math.min(0, ...table), Math.max(0, ...table)];
  const scale = Math.fround((most - least) / 255);
  const zeroPoint = Math.round(-least / scale);
  return [
    { scale, zeroPoint },
    { scale: Math.fround(scale * 0.937), zeroPoint: Math.min(255, zeroPoint + 3) },
    { scale, zeroPoint: zeroPoint - 128, dtype: "int8" },
  ];
}

for (const normalize of NORMALIZATIONS) {
  for (const layout of ["nhwc", "nchw"] as const) {
    Deno.test(`rawPixels() gives all bytes the codes that they had, as ${normalize} in ${layout}`, () => {
      for (const grid of gridsFor(normalize)) {
        taken(quantized(grid, layout), { normalize, layout });
        taken(quantized(grid, layout, (b, x) => b.node("Transpose", [x], { perm: [0, 3, 1, 2] })), {
          normalize,
          layout,
        });
      }
    });

    Deno.test(`rawPixels() gives all bytes the numbers that they had where nothing is quantized, as ${normalize} in ${layout}`, () => {
      taken(graphOf(SHAPES[layout], (b, x) => b.node("Neg", [x])), { normalize, layout });
      // Read by a quantizer and by others.
      const graph = graphOf(SHAPES[layout], (b, x) => {
        const parameters = [b.constant("float32", [], [0.02]), b.constant("uint8", [], [120])];
        const codes = b.node("QuantizeLinear", [x, ...parameters]);
        return b.node("Sub", [x, b.node("DequantizeLinear", [codes, ...parameters])]);
      });
      taken(graph, { normalize, layout });
    });
  }
}

Deno.test("rawPixels() takes bytes for codes where they are, and leaves nothing to do", () => {
  const scale = Math.fround(1 / 255);
  const graph = quantized({ scale, zeroPoint: 0 }, "nhwc", (b, x) => b.node("Transpose", [x], { perm: [0, 3, 1, 2] }));
  const after = taken(graph, { normalize: "0..1", layout: "nhwc" });
  assert.deepEqual(opsOf(after), ["Transpose", "DequantizeLinear", "Neg"]);
  assert.deepEqual(
    opsOf(taken(quantized({ scale: 1, zeroPoint: 0 }, "nhwc"), { normalize: "0..255", layout: "nhwc" })),
    [
      "DequantizeLinear",
      "Neg",
    ],
  );
});

Deno.test("rawPixels() bakes a factor into the first quantizer's scale", () => {
  const int8 = quantized({ scale: Math.fround(1 / 255), zeroPoint: -128, dtype: "int8" }, "nhwc");
  const after = taken(int8, { normalize: "0..1", layout: "nhwc" });
  assert.deepEqual(opsOf(after), ["Cast", "QuantizeLinear", "DequantizeLinear", "Neg"]);
  assert.equal(after.initializers.get(after.nodes[1].inputs[1])!.data[0], 1);
  const narrow = taken(quantized({ scale: Math.fround(0.9 / 255), zeroPoint: 0 }, "nhwc"), {
    normalize: "0..1",
    layout: "nhwc",
  });
  assert.deepEqual(opsOf(narrow), ["Cast", "QuantizeLinear", "DequantizeLinear", "Neg"]);
});

Deno.test("rawPixels() writes no more arithmetic than it needs", () => {
  const arithmetic = (normalize: string, [grid]: readonly Grid[] = gridsFor(normalize)) => {
    const { QuantizeLinear: _, DequantizeLinear: __, Neg: ___, ...counts } = countOps(
      taken(quantized(grid, "nhwc"), { normalize, layout: "nhwc" }),
    );
    return counts;
  };
  assert.deepEqual(arithmetic("-1..1"), { Cast: 1, Sub: 1, Div: 1 });
  assert.deepEqual(arithmetic("imagenet"), { Cast: 1, Sub: 1, Div: 1 });
});

Deno.test("rawPixels() leaves inputs that are no pictures as they are", () => {
  const graph = graphOf([4, 5], (b, x) => b.node("Reshape", [x, ints(b, [20])]));
  assert.deepEqual(applied(rawPixels({ mean: [0], std: [1], layout: "nhwc" }), graph), graph);
});
