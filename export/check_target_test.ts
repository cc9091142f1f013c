import assert from "node:assert/strict";
import { targetOf } from "../quantize/targets/mod.ts";
import type { Graph, Tensor } from "../src/onnx/graph.ts";
import { toQOperators } from "../src/passes/deploy/mod.ts";
import { assertHeld } from "./check_target.ts";
import { sketch } from "./_test_qdq.ts";

/** Q → DQ → Conv → Q → DQ, uint8 and int8 a channel, with an int32 bias. */
const SOUND = sketch((s) => s.qdq(s.conv(s.qdq(s.x))));

/** The graph with the initializers that `change` picks changed. */
function changed(pick: (name: string, tensor: Tensor) => Partial<Tensor> | undefined): Graph {
  const initializers = new Map(
    [...SOUND.initializers].map(([name, tensor]) => [name, { ...tensor, ...pick(name, tensor) }]),
  );
  return { ...SOUND, initializers };
}

const isCodes = ({ dtype, shape }: Tensor) => dtype === "int8" && shape.length === 4;

/** The same on codes. */
function onCodes(graph: Graph): Graph {
  return toQOperators.run(graph).graph;
}

/** Weights whose channels have these zero points. */
const around = (...zeros: readonly number[]) =>
  changed((_, { dtype, data }) => dtype === "int8" && data.length === 4 ? { data: Int8Array.from(zeros) } : {});

const AROUND_1 = around(1, 1, 1, 1);

const FAULTS: Readonly<Record<string, readonly [string, Graph, RegExp]>> = {
  "code -128": [
    "fbgemm",
    changed((_, tensor) =>
      isCodes(tensor) ? { data: Int8Array.from(tensor.data as Int8Array, (c, i) => i ? c : -128) } : {}
    ),
    /Cannot write "conv" for target "fbgemm": its weights are int8 -128 to .* around 0 with 4 scales, int8 -127 to 127, symmetric, per channel or/,
  ],
  "codes of 127": ["x86-portable", SOUND, /its weights are int8 .* int8 -64 to 64, symmetric, per channel/],
  "a scale a channel": ["qnnpack", SOUND, /with 4 scales, int8 -128 to 127, symmetric, per tensor is needed/],
  "int8 weights": ["x86-u8u8", SOUND, /uint8 1 to 255/],
  "uint8 activations": ["arm", SOUND, /its activations are uint8 around 0 with 1 scale, int8 -128 to 127/],
  "weights around 1": ["fbgemm", AROUND_1, /its weights are int8 .* around 1 with 4 scales/],
  "weights around two numbers": ["x86", around(1, 1, 1, 2), /its weights are int8 .* around 1, 2 with 4 scales/],
  "a bias around 1": [
    "x86",
    changed((_, { dtype, data }) =>
      dtype === "int32" && data.every((v) => Number(v) === 0) ? { data: Int32Array.of(1, 1, 1, 1) } : {}
    ),
    /its bias has a zero point, 0 is needed/,
  ],
};

Deno.test("assertHeld() finds nothing when a graph is as its target has it", () => {
  assertHeld(SOUND, targetOf("x86"), { opset: 17 });
  // What batch normalization makes of an affine grid of one scale.
  assertHeld(AROUND_1, targetOf("x86"), { opset: 17 });
  assert.deepEqual(onCodes(SOUND).nodes.map(({ op }) => op), ["QuantizeLinear", "QLinearConv", "DequantizeLinear"]);
  assertHeld(onCodes(SOUND), targetOf("x86"), { opset: 17, format: "qoperator" });
});

for (const [name, [target, graph, message]] of Object.entries(FAULTS)) {
  Deno.test(`assertHeld() refuses ${name} for target "${target}"`, () => {
    assert.throws(() => assertHeld(graph, targetOf(target), { opset: 17 }), { name: "RangeError", message });
    // On codes a bias has no zero point.
    if (/bias/.test(name)) return;
    assert.throws(() => assertHeld(onCodes(graph), targetOf(target), { opset: 17 }), { name: "RangeError", message });
  });
}

Deno.test("assertHeld() refuses a grid that the graph computes, by the layer that it belongs to", () => {
  const computed = sketch((s) => {
    const scale = s.node("range", "Abs", { inputs: [s.float([], 0.02)] });
    const codes = s.builder.node("QuantizeLinear", [s.x, scale, s.builder.constant("uint8", [], [0])]);
    return s.builder.node("DequantizeLinear", [codes, scale, s.builder.constant("uint8", [], [0])]);
  });
  const message = /Cannot write ".*" for target "x86": a grid is computed, constants are needed/;
  assert.throws(() => assertHeld(computed, targetOf("x86"), { opset: 17 }), { name: "RangeError", message });
});

Deno.test("assertHeld() refuses other opsets, and any file for a target without one", () => {
  assert.throws(
    () => assertHeld(SOUND, targetOf("arm"), { opset: 18 }),
    /opset 18 for target "arm": 13 to 17 are needed/,
  );
  assert.throws(() => assertHeld(SOUND, targetOf("simulation"), { opset: 17 }), /it is simulated only and has no file/);
});
