import assert from "node:assert/strict";
import fc from "fast-check";
import type { Case } from "./_cases.ts";
import { infer, run } from "./_test_case.ts";
import type { StaticType } from "./mod.ts";

/** Random applications of an operator; ONNX Runtime must give the inferred shape, or refuse what infer() refuses. */
function property(op: string, applications: fc.Arbitrary<Omit<Case, "op">>): void {
  Deno.test(`infer() agrees with ONNX Runtime on random applications of ${op}`, async () => {
    let legal = 0;
    await fc.assert(
      fc.asyncProperty(applications, async (application) => {
        const item: Case = { op, ...application };
        let inferred: readonly StaticType[];
        try {
          inferred = infer(item);
        } catch (error) {
          assert.ok(error instanceof TypeError);
          const shape = item.inputs[0]?.[1] ?? [];
          await assert.rejects(run(item, [{ dtype: "float32", shape }]), error.message);
          return;
        }
        const [{ shape }] = await run(item, inferred);
        assert.deepEqual(shape, inferred[0].shape);
        legal++;
      }),
      { numRuns: 100, seed: 7 },
    );
    assert.ok(legal >= 30, `only ${legal} of 100 applications were legal`);
  });
}

const pair = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));
const spatial = pair(1, 9);
const kernel = pair(1, 4);
const autoPad = fc.constantFrom("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID");
const strides = pair(1, 4);

/** Pads less than the kernel, which pools ask for; only where auto_pad leaves them to us. */
function padsFor([kh, kw]: readonly [number, number]) {
  const within = (k: number) => fc.integer({ min: 0, max: k - 1 });
  return fc.tuple(within(kh), within(kw), within(kh), within(kw));
}

const windows = fc.record({ spatial, kernel, autoPad, strides }).chain(({ spatial, kernel, autoPad, strides }) =>
  padsFor(kernel).map((pads) => ({
    spatial,
    kernel,
    attrs: { strides, auto_pad: autoPad, ...(autoPad === "NOTSET" ? { pads } : {}) },
  }))
);

property(
  "Conv",
  fc.tuple(windows, pair(1, 2)).map(([{ spatial, kernel, attrs }, dilations]) => ({
    inputs: [["float32", [1, 2, ...spatial]], ["float32", [3, 2, ...kernel]]],
    // ONNX Runtime's SAME padding asks for undilated kernels.
    attrs: { ...attrs, ...(attrs.auto_pad.startsWith("SAME") ? {} : { dilations }) },
  })),
);

property(
  "ConvTranspose",
  windows.map(({ spatial, kernel, attrs }) => ({
    inputs: [["float32", [1, 2, ...spatial]], ["float32", [2, 3, ...kernel]]],
    attrs,
  })),
);

/**
 * Windows that pools accept on both sides.
 *
 * Where one does not fit, ONNX Runtime gives an empty result and infer() refuses: no model means that. With SAME
 * padding and a stride beyond the kernel ONNX Runtime's pools fail as they run, on a negative padding.
 */
const poolWindows = windows
  .filter(({ spatial, kernel }) => spatial.every((size, i) => size >= kernel[i]))
  .filter(({ kernel, attrs }) => !attrs.auto_pad.startsWith("SAME") || attrs.strides.every((s, i) => s <= kernel[i]));

for (const op of ["MaxPool", "AveragePool"]) {
  property(
    op,
    fc.tuple(poolWindows, fc.nat(1)).map(([{ spatial, kernel, attrs }, ceil]) => ({
      inputs: [["float32", [1, 2, ...spatial]]],
      attrs: { ...attrs, kernel_shape: kernel, ceil_mode: ceil },
    })),
  );
}

const index = fc.integer({ min: -12, max: 12 });
property(
  "Slice",
  fc.tuple(spatial, fc.tuple(index, index), fc.tuple(index, index), pair(-3, 3)).map((
    [shape, starts, ends, steps],
  ) => ({
    inputs: [
      ["float32", shape],
      ["int64", [2], starts],
      ["int64", [2], ends],
      ["int64", [2], [0, -1]],
      ["int64", [2], steps],
    ],
  })),
);

const dims = fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 1, maxLength: 4 });
property(
  "Reshape",
  fc.tuple(
    fc.constantFrom([4], [2, 2], [2, 1, 2], [3, 4], [12]),
    fc.oneof(dims, fc.constantFrom([0, -1], [-1, 2], [2, 2], [-1])),
  )
    .map(([shape, wanted]) => ({ inputs: [["float32", shape], ["int64", [wanted.length], wanted]] })),
);

property(
  "Resize",
  fc.tuple(spatial, fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }))).map((
    [shape, [a, b]],
  ) => ({
    inputs: [["float32", [1, 1, ...shape]], null, ["float32", [4], [1, 1, a / 20, b / 20]]],
  })),
);

const small = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
property("Add", fc.tuple(small, small).map(([a, b]) => ({ inputs: [["float32", a], ["float32", b]] })));
const tiny = fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 4 });
property("MatMul", fc.tuple(tiny, tiny).map(([a, b]) => ({ inputs: [["float32", a], ["float32", b]] })));
property("Expand", fc.tuple(small, small).map(([a, b]) => ({ inputs: [["float32", a], ["int64", [b.length], b]] })));
