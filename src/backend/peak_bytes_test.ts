import assert from "node:assert/strict";
import { GraphBuilder, type Value } from "../onnx/writer.ts";
import { peakBytes } from "./_peak_bytes.ts";

/** Bytes of the graph that `fn` makes of an input of 10 floats. */
function peakOf(fn: (b: GraphBuilder, x: Value) => readonly Value[]): number {
  const b = new GraphBuilder();
  const outputs = fn(b, b.input("float32", [10], "x"));
  return peakBytes(b.build("step", outputs.map(({ name }) => name)));
}

Deno.test("peakBytes() counts a value until its last use, and no inputs or outputs", () => {
  assert.equal(peakOf((b, x) => [b.node("Neg", [x])]), 0);
  // A value and the next one are alive at once; the last is the output.
  assert.equal(peakOf((b, x) => [b.node("Neg", [b.node("Abs", [x])])]), 40);
  assert.equal(peakOf((b, x) => [b.node("Neg", [b.node("Abs", [b.node("Exp", [x])])])]), 80);
  assert.equal(peakOf((b, x) => [b.node("Neg", [b.node("Abs", [b.node("Exp", [b.node("Sqrt", [x])])])])]), 80);
});

Deno.test("peakBytes() counts what waits for a later node, at its element's size", () => {
  const kept = (b: GraphBuilder, x: Value) => {
    const early = b.node("Exp", [x]);
    const isLess = b.node("Less", [early, x]);
    const late = b.node("Abs", [b.node("Neg", [b.node("Sqrt", [early])])]);
    return [b.node("Where", [isLess, late, x])];
  };
  // 10 booleans wait, while two lists of floats are alive.
  assert.equal(peakOf(kept), 90);
});
