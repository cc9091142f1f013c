import assert from "node:assert/strict";
import { testOps } from "../../tests/_support/op_cases.ts";
import { PER_TENSOR, registerQuantKernels } from "../quant/mod.ts";
import { GraphBuilder } from "../onnx/writer.ts";
import { cases } from "./fake_quantize_cases.ts";
import { OPS } from "./mod.ts";

registerQuantKernels();
testOps(OPS, cases);

Deno.test("fakeQuantize lowers to QuantizeLinear and DequantizeLinear when an 8-bit type holds the codes", () => {
  const ops = (qmin: number, qmax: number) => {
    const builder = new GraphBuilder();
    const [x, scale, zeroPoint] = [[4], [], []].map((shape) => builder.input("float32", shape));
    const outputs = OPS.FakeQuantize.lower(builder, { x, scale, zeroPoint }, { qmin, qmax, granularity: PER_TENSOR });
    return builder.build("g", [outputs].flat().map(({ name }) => name)).nodes.map(({ op }) => op).filter((op) =>
      op.endsWith("Linear")
    );
  };
  const pair = ["QuantizeLinear", "DequantizeLinear"];
  for (const [qmin, qmax] of [[0, 255], [1, 255], [0, 15], [-128, 127], [-127, 127], [-64, 64], [-7, 7], [-1, 127]]) {
    assert.deepEqual(ops(qmin, qmax), pair, `${qmin} to ${qmax}`);
  }
  for (const [qmin, qmax] of [[0, 256], [-129, 0], [-1, 128], [-Infinity, Infinity]]) {
    assert.deepEqual(ops(qmin, qmax), [], `${qmin} to ${qmax}`);
  }
});
