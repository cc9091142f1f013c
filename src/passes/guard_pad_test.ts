import assert from "node:assert/strict";
import { Session } from "../runtime/session.ts";
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf } from "./_test_support.ts";
import { guardPad } from "./guard_pad.ts";

const POOL = { kernel_shape: [3, 3], pads: [0, 0, 0, 0], strides: [1, 1] };
const AMOUNTS = [0, 0, 1, 1, 0, 0, 1, 1];

/** Pad(0) → MaxPool of [1, 1, 3, 3]; `value` is how the 0 is given. */
function padded({ value = true, mode = "constant", read = false, op = "MaxPool" } = {}): Graph {
  return graphOf([1, 1, 3, 3], (b, x) => {
    const inputs = [x, ints(b, AMOUNTS), ...(value ? [b.constant("float32", [], [0])] : [])];
    const pad = b.node("Pad", inputs, { mode });
    return [b.node(op, [pad], POOL), ...(read ? [b.node("Neg", [pad])] : [])];
  });
}

/** What ONNX Runtime makes of nine times -1, with all its optimizations. */
function optimized(graph: Graph): readonly number[] {
  const session = new Session(encodeModel(graph));
  const x = { dtype: "float32" as const, shape: [1, 1, 3, 3], data: new Float32Array(9).fill(-1) };
  const { data } = session.run({ x })[graph.outputs[0]];
  session.dispose();
  return Array.from(data as Float32Array);
}

Deno.test("guardPad() keeps padding zeros against negative values under ONNX Runtime's optimizations", () => {
  for (const value of [true, false]) {
    const y = optimized(applied(guardPad, padded({ value })));
    y.forEach((element, i) =>
      assert.ok(i === 4 ? element === -1 : element <= 0 && element >= -1e-37, `${i}: ${element}`)
    );
  }
});

Deno.test("ONNX Runtime's PadFusion is still wrong, and guardPad() still needed", () => {
  assert.deepEqual(optimized(padded()), new Array(9).fill(-1));
});

Deno.test("guardPad() changes results by nothing that a grid could tell", () => {
  const graph = padded();
  assertSameNumbers(graph, applied(guardPad, graph), { real: true, tolerance: 1e-30 });
});

Deno.test("guardPad() leaves other Pads as they are", () => {
  const graphs = [padded({ mode: "edge" }), padded({ read: true }), padded({ op: "AveragePool" })];
  for (const graph of graphs) {
    const after = applied(guardPad, graph);
    assert.deepEqual(opsOf(after), opsOf(graph));
    assert.deepEqual(after.nodes.map(({ inputs }) => inputs), graph.nodes.map(({ inputs }) => inputs));
  }
});
