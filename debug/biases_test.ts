import assert from "node:assert/strict";
import { GraphBuilder } from "../src/onnx/writer.ts";
import { biasNoise } from "./biases.ts";

/** A Gemm of layer "fc" whose bias is `values`, or codes of `scale`. */
function gemm(values: readonly number[], scale?: number) {
  const builder = new GraphBuilder();
  const x = builder.input("float32", [1, 2], "x");
  const w = builder.constant("float32", [2, values.length], new Array<number>(2 * values.length).fill(1));
  const bias = scale === undefined
    ? builder.constant("float32", [values.length], values)
    : builder.node("DequantizeLinear", [
      builder.constant("int32", [values.length], values),
      builder.constant("float32", [], [scale]),
    ]);
  builder.layer = "fc";
  const y = builder.node("Gemm", [x, w, bias], {});
  builder.layer = undefined;
  return builder.build("net", [y.name]);
}

Deno.test("biasNoise() compares biases by layer with their codes' values, by hand", () => {
  // 3 and 4 became 3 and 4.5: 25 over 0.25.
  assert.deepEqual([...biasNoise(gemm([6, 9], 0.5), gemm([3, 4]))], [["fc", 20]]);
  assert.deepEqual([...biasNoise(gemm([6, 8], 0.5), gemm([3, 4]))], [["fc", null]]);
});

Deno.test("biasNoise() takes nothing for a bias that is none: of other operators, of none, or of no layer", () => {
  const others = (scale?: number) => {
    const builder = new GraphBuilder();
    const x = builder.input("float32", [1, 2], "x");
    const w = builder.constant("float32", [2, 2], [1, 1, 1, 1]);
    const number = (value: number) =>
      scale === undefined ? builder.constant("float32", [], [value]) : builder.node("DequantizeLinear", [
        builder.constant("int32", [], [value]),
        builder.constant("float32", [], [scale]),
      ]);
    builder.layer = "clip";
    const clipped = builder.node("Clip", [x, number(1), number(2)], {});
    builder.layer = "plain";
    const plain = builder.node("Gemm", [clipped, w], {});
    builder.layer = undefined;
    const y = builder.node("Gemm", [plain, w, number(3)], {});
    return builder.build("net", [y.name]);
  };
  assert.deepEqual([...biasNoise(others(0.5), others())], []);
});

Deno.test("biasNoise() leaves out biases that no codes stand for", () => {
  assert.deepEqual([...biasNoise(gemm([3, 4]), gemm([3, 4]))], []);
});
