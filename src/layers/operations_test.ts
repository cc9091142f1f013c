import assert from "node:assert/strict";
import { operationRule } from "./operations.ts";

const kindOf = (operation: unknown, options: unknown = {}) => operationRule({ operation, options }).kind;

Deno.test("operationRule() leaves what is padded with 0, or with what is there, on its grid", () => {
  const float = {
    kind: "float",
    because: "ONNX Runtime has no int8 kernel for padding by a number other than 0",
  };
  assert.equal(kindOf("pad", { mode: "constant", value: 0 }), "same-scale");
  assert.equal(kindOf("pad", { mode: "edge", value: 1 }), "same-scale");
  assert.deepEqual(operationRule({ operation: "pad", options: { mode: "constant", value: 1 } }), float);
  assert.deepEqual(operationRule({ operation: "pad", options: { mode: "constant", value: -0.5 } }), float);
});

Deno.test("operationRule() says what ONNX Runtime lacks, by the operation's name or in more words", () => {
  const because = (operation: unknown) => {
    const rule = operationRule({ operation, options: {} });
    return rule.kind === "float" ? rule.because : rule.kind;
  };
  assert.equal(because("sin"), 'ONNX Runtime has no int8 kernel for "sin"');
  assert.equal(because("toString"), 'ONNX Runtime has no int8 kernel for "toString"');
  assert.equal(because("responseNorm"), "ONNX Runtime has no int8 kernel for LRN");
  assert.equal(because(3), "it is no operation that is known");
});
