/** ONNX Runtime as the oracle: its own QuantizeLinear and DequantizeLinear against ours. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { ort } from "../runtime/library.ts";
import protobuf from "protobufjs";
import { randomValues, useCpu } from "./_test_support.ts";
import { fakeQuantize } from "./fake_quantize.ts";
import { quantizeLinear } from "../numbers/quantize.ts";
import { type Grid, PER_TENSOR, perChannel, type PerSlice } from "../numbers/scheme.ts";

// The messages of onnx.proto3 that one QuantizeLinear → DequantizeLinear model needs.
const ONNX = protobuf.parse(
  `
  syntax = "proto3";
  message Attribute { string name = 1; int64 i = 3; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated Attribute attribute = 5; }
  message Dim { string dim_param = 2; }
  message Shape { repeated Dim dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message ValueInfo { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
`,
  { keepCase: true },
).root;

interface Kind {
  readonly type: "uint8" | "int8";
  readonly elemType: number;
  readonly codes: { readonly qmin: number; readonly qmax: number };
}

const KINDS: readonly Kind[] = [
  { type: "uint8", elemType: 2, codes: { qmin: 0, qmax: 255 } },
  { type: "int8", elemType: 3, codes: { qmin: -128, qmax: 127 } },
];

function qdqModel(
  elemType: number,
  ranks: { readonly x: number; readonly scale: number; readonly axis: number },
): Uint8Array {
  const value = (name: string, elem_type: number, rank: number) => ({
    name,
    type: {
      tensor_type: {
        elem_type,
        shape: { dim: Array.from({ length: rank }, (_, i) => ({ dim_param: `${name}${i}` })) },
      },
    },
  });
  const attribute = ranks.scale === 0 ? [] : [{ name: "axis", i: ranks.axis, type: 2 }];
  const model = {
    ir_version: 8,
    opset_import: [{ domain: "", version: 17 }],
    graph: {
      name: "qdq",
      node: [
        { op_type: "QuantizeLinear", input: ["x", "s", "z"], output: ["code"], attribute },
        { op_type: "DequantizeLinear", input: ["code", "s", "z"], output: ["y"], attribute },
      ],
      input: [value("x", 1, ranks.x), value("s", 1, ranks.scale), value("z", elemType, ranks.scale)],
      output: [value("code", elemType, ranks.x), value("y", 1, ranks.x)],
    },
  };
  return ONNX.lookupType("Model").encode(model).finish();
}

async function runQdq(
  kind: Kind,
  { x, shape, grid }: { readonly x: Float32Array; readonly shape: number[]; readonly grid: Grid<PerSlice> },
): Promise<{ code: number[]; y: number[] }> {
  const axis = grid.granularity.kind === "per-channel" ? grid.granularity.axis : null;
  const scales = typeof grid.scale === "number" ? [grid.scale] : Array.from(grid.scale);
  const zeroPoints = typeof grid.zeroPoint === "number"
    ? scales.map(() => grid.zeroPoint as number)
    : Array.from(grid.zeroPoint);
  const dims = axis === null ? [] : [scales.length];
  const model = qdqModel(kind.elemType, { x: shape.length, scale: dims.length, axis: axis ?? 0 });
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
  });
  const codes = kind.type === "uint8" ? Uint8Array.from(zeroPoints) : Int8Array.from(zeroPoints);
  const { code, y } = await session.run({
    x: new ort.Tensor("float32", x, shape),
    s: new ort.Tensor("float32", Float32Array.from(scales), dims),
    z: new ort.Tensor(kind.type, codes, dims),
  });
  await session.release();
  return { code: Array.from(code.data, Number), y: Array.from(y.data, Number) };
}

/** Random values, every tie of the grid from beyond one end to beyond the other, and what is just beside them. */
function hardValues(scale: number): Float32Array {
  const ties = Array.from({ length: 600 }, (_, i) => Math.fround((i - 300 + 0.5) * scale));
  const beside = ties.flatMap((tie) => [tie, Math.fround(tie * (1 + 2 ** -23)), Math.fround(tie * (1 - 2 ** -23))]);
  return Float32Array.from([...beside, ...randomValues(2200, { seed: 7, span: 300 * scale }), 0, -0, 1e30, -1e30]);
}

for (const kind of KINDS) {
  for (const scale of [0.5, 0.0173, 1 / 256, 3.7e-5].map(Math.fround)) {
    for (const zeroPoint of kind.type === "uint8" ? [0, 37, 255] : [0, -5, -128]) {
      Deno.test(`fakeQuantize() equals ONNX Runtime when ${kind.type} has scale ${scale}, zero point ${zeroPoint}`, async () => {
        await useCpu();
        const x = hardValues(scale);
        const grid = { scale, zeroPoint, ...kind.codes, granularity: PER_TENSOR };
        const expected = await runQdq(kind, { x, shape: [x.length], grid });
        assert.deepEqual(Array.from(quantizeLinear(x, grid)), expected.code);
        assert.deepEqual(Array.from(fakeQuantize(tf.tensor1d(x), grid).dataSync()), expected.y);
      });
    }
  }
}

for (const axis of [0, 1, 3]) {
  Deno.test(`fakeQuantize() equals ONNX Runtime when int8 has one scale a slice along axis ${axis}`, async () => {
    await useCpu();
    const shape = [3, 4, 2, 5];
    const x = randomValues(120, { seed: 11, span: 4 });
    const scale = Float32Array.from({ length: shape[axis] }, (_, c) => 0.004 + 0.013 * c);
    const grid = { scale, zeroPoint: 0, qmin: -128, qmax: 127, granularity: perChannel(axis) };
    const expected = await runQdq(KINDS[1], { x, shape, grid });
    assert.deepEqual(Array.from(quantizeLinear(x, grid, { shape })), expected.code);
    assert.deepEqual(Array.from(fakeQuantize(tf.tensor(x, shape), grid).dataSync()), expected.y);
  });
}
