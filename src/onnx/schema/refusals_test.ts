/** What shape inference says of applications that are none, and of optional inputs that are missing. */
import assert from "node:assert/strict";
import type { Case } from "./_cases.ts";
import { infer } from "./_test_case.ts";

const REFUSED: readonly (readonly [what: string, application: Case, message: RegExp])[] = [
  ["Einsum without an equation", { op: "Einsum", inputs: [["float32", [2, 2]]] }, /: attribute "equation" is missing$/],
  ["RandomNormal without a shape", { op: "RandomNormal", inputs: [] }, /: attribute "shape" is missing$/],
  [
    "LayerNormalization whose bias is no part of x's shape",
    { op: "LayerNormalization", inputs: [["float32", [2, 4]], ["float32", [4]], ["float32", [3]]] },
    /3/,
  ],
  [
    "LayerNormalization whose scale is no part of x's shape",
    { op: "LayerNormalization", inputs: [["float32", [2, 4]], ["float32", [3]]] },
    /3/,
  ],
  [
    "GlobalAveragePool of a vector",
    { op: "GlobalAveragePool", inputs: [["float32", [4]]] },
    /: \[4\] has rank 1, needed is at least 3$/,
  ],
  [
    "Slice with a step of 0",
    {
      op: "Slice",
      inputs: [
        ["float32", [4]],
        ["int64", [1], [0]],
        ["int64", [1], [2]],
        ["int64", [1], [0]],
        ["int64", [1], [0]],
      ],
    },
    /: the step along axis 0 is 0$/,
  ],
];

for (const [what, application, message] of REFUSED) {
  Deno.test(`infer() refuses ${what}`, () => assert.throws(() => infer(application), { name: "TypeError", message }));
}

const SLICES: readonly (readonly [start: number, end: number, step: number, length: number])[] = [
  [-1, -99, -1, 5],
  [99, -99, -2, 3],
  [3, 0, -1, 3],
  [0, -99, -1, 1],
  [-99, 99, 1, 5],
  [1, -1, 2, 2],
  [4, 2, 1, 0],
  [-6, -5, -1, 0],
];

for (const [start, end, step, length] of SLICES) {
  Deno.test(`infer() gives a slice of 5 from ${start} to ${end} by ${step} ${length} elements`, () => {
    const bounds = [start, end, 0, step].map((value) => ["int64", [1], [value]] as const);
    const [{ shape }] = infer({ op: "Slice", inputs: [["float32", [5]], ...bounds] });
    assert.deepEqual(shape, [length]);
  });
}

Deno.test("infer() gives QGemm's result the type of its zero point, else of its input, else float32", () => {
  const scalar = ["float32", [], [0.5]] as const;
  const zero = (dtype: "uint8" | "int8") => [dtype, [], [0]] as const;
  const a = [["int8", [2, 3]], scalar, zero("int8")] as const;
  const b = [["int8", [3, 4]], scalar, zero("int8")] as const;
  const dtypes = [[], [null, scalar], [null, scalar, zero("uint8")]].map((rest) =>
    infer({ op: "QGemm", domain: "com.microsoft", inputs: [...a, ...b, ...rest] })[0].dtype
  );
  assert.deepEqual(dtypes, ["float32", "int8", "uint8"]);
});
