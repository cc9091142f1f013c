/** Applications that lowering functions refuse: as wrong, in the words of TF.js's own kernels, or as unsupported. */
import assert from "node:assert/strict";
import type { DType } from "../numbers/dtype.ts";
import { GraphBuilder } from "../onnx/writer.ts";
import { type KernelName, OPS } from "./mod.ts";
import { type Inputs, Unsupported } from "./op.ts";

interface Refusal {
  readonly kernel: KernelName;
  readonly name: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Default "float32". */
  readonly dtype?: DType;
  readonly attrs?: Readonly<Record<string, unknown>>;
  readonly message: RegExp;
}

const wrong: readonly Refusal[] = [
  {
    kernel: "BatchMatMul",
    name: "a matrix times a vector",
    shapes: { a: [2, 3], b: [3] },
    attrs: { transposeA: false, transposeB: false },
    message: /Cannot multiply shapes \[2,3\] and \[3\]/,
  },
  {
    kernel: "Concat",
    name: "shapes that differ beside the axis, one without elements",
    shapes: { 0: [2, 0, 3], 1: [2, 1, 4] },
    attrs: { axis: 1 },
    message: /does not match/,
  },
  { kernel: "ExpandDims", name: "an axis too low", shapes: { input: [3] }, attrs: { dim: -3 }, message: /\[-2, 1\]/ },
  { kernel: "ExpandDims", name: "an axis too high", shapes: { input: [3] }, attrs: { dim: 2 }, message: /\[-2, 1\]/ },
  {
    kernel: "Einsum",
    name: "two arrows",
    shapes: { 0: [2, 3], 1: [3, 2] },
    attrs: { equation: "ij->jk->ik" },
    message: /exactly one arrow/,
  },
  {
    kernel: "Einsum",
    name: "dimensions that differ",
    shapes: { 0: [2, 3], 1: [2, 2] },
    attrs: { equation: "ij,jk->ik" },
    message: /dimension 3 at axis 0 of input shaped/,
  },
  {
    kernel: "Slice",
    name: "more elements than there are",
    shapes: { x: [3, 3] },
    attrs: { begin: [1, 0], size: [3, 3] },
    message: /begin\[0\] \+ size\[0\]/,
  },
];

const unsupported: readonly Refusal[] = [
  {
    kernel: "MaxPool",
    name: "a window in the padding alone",
    shapes: { x: [1, 2, 2, 3] },
    attrs: { filterSize: 1, strides: 2, pad: 1 },
    message: /ONNX needs narrower pads/,
  },
  {
    kernel: "AvgPool",
    name: "a window in the padding alone",
    shapes: { x: [1, 2, 2, 3] },
    attrs: { filterSize: 1, strides: 2, pad: 1 },
    message: /ONNX needs narrower pads/,
  },
  {
    kernel: "Conv2DBackpropInput",
    name: "a gradient that no forward pass has",
    shapes: { dy: [1, 8, 8, 2], filter: [3, 3, 2, 2] },
    attrs: { strides: 1, pad: "same", inputShape: [1, 4, 4, 2] },
    message: /needed is \[1,4,4,2\]/,
  },
  { kernel: "AddN", name: "bools", shapes: { 0: [2], 1: [2] }, dtype: "bool", message: /AddN/ },
  {
    kernel: "LRNGrad",
    name: "integers",
    shapes: { x: [1, 1, 1, 2], y: [1, 1, 1, 2], dy: [1, 1, 1, 2] },
    dtype: "int32",
    attrs: { depthRadius: 1, bias: 1, alpha: 1, beta: 0.5 },
    message: /LRNGrad/,
  },
  ...(["string", "complex64"] as const).map((dtype): Refusal => ({
    kernel: "Fill",
    name: `numbers as ${dtype}`,
    shapes: {},
    attrs: { shape: [2], value: 1, dtype },
    message: new RegExp(`Cannot lower "Fill" of ${dtype}: ONNX has no such element type here`),
  })),
  {
    kernel: "Fill",
    name: "a text",
    shapes: {},
    attrs: { shape: [2], value: "1", dtype: "" },
    message: /Cannot lower "Fill" of string/,
  },
];

/** Lowers the application; the error is the test's matter. */
function lower({ kernel, shapes, dtype = "float32", attrs = {} }: Refusal): void {
  const builder = new GraphBuilder();
  const inputs: Inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, builder.input(dtype, shape)]),
  );
  OPS[kernel].lower(builder, inputs, attrs);
}

for (const refusal of wrong) {
  Deno.test(`${refusal.kernel} lower() throws on ${refusal.name}`, () => {
    assert.throws(() => lower(refusal), (error: Error) => {
      assert.match(error.message, refusal.message);
      // The cpu backend's kernel would be asked otherwise.
      assert.ok(!(error instanceof Unsupported));
      return true;
    });
  });
}

for (const refusal of unsupported) {
  Deno.test(`${refusal.kernel} lower() leaves ${refusal.name} to the cpu backend`, () => {
    assert.throws(() => lower(refusal), (error: Error) => {
      assert.match(error.message, refusal.message);
      return error instanceof Unsupported;
    });
  });
}

Deno.test("GatherV2 lower() throws on known indices out of bounds and lets others pass", () => {
  const lowerWith = (elements: Int32Array | undefined) => {
    const builder = new GraphBuilder();
    const indices = { ...builder.input("int32", [1]), ...(elements === undefined ? {} : { elements }) };
    return OPS.GatherV2.lower(builder, { x: builder.input("float32", [2, 2]), indices }, { axis: 0 });
  };
  assert.throws(() => lowerWith(Int32Array.of(2)), /GatherV2: the index value 2 is not in \[0, 1\]/);
  assert.throws(() => lowerWith(Int32Array.of(-1)), /GatherV2: the index value -1 is not in \[0, 1\]/);
  lowerWith(Int32Array.of(1));
  lowerWith(undefined);
});
