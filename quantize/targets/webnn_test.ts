import assert from "node:assert/strict";
import { toOnnx } from "../../export/to_onnx.ts";
import { exportFor, NETS, testTarget } from "./_test_nets.ts";

testTarget("webnn", { session: { int8Activations: true, precise: true } });

Deno.test('target "webnn" has products with biases, whose weights are in rows', async () => {
  for (const net of [NETS.dense, NETS["batch norm alone"], NETS.conv]) {
    const { exported: { graph } } = await exportFor("webnn", net);
    const products = graph.nodes.filter(({ op }) => op === "Conv" || op === "Gemm");
    assert.ok(products.length > 0);
    for (const { op, inputs, attrs } of products) {
      assert.equal(inputs.length, 3);
      if (op === "Gemm") assert.equal(attrs.transB, 1);
      const [codes, , zero] = graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!.inputs
        .map((name) => graph.initializers.get(name)!);
      assert.equal(codes.dtype, "int8");
      assert.ok(Array.from(zero.data, Number).every((z) => z === 0));
    }
  }
});

Deno.test('target "webnn" has files of Q/DQ pairs only', async () => {
  const { prepared: { model } } = await exportFor("webnn", NETS.conv);
  await assert.rejects(toOnnx(model, { format: "qoperator" }), {
    name: "RangeError",
    message: /^Cannot write "\w+" as qoperator for target "webnn": its files are qdq$/,
  });
});
