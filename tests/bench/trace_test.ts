import assert from "node:assert/strict";
import { GraphBuilder, type Value } from "../../src/onnx/writer.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import { Session } from "../../src/runtime/session.ts";
import { readTrace, type TracedNode } from "./_trace.ts";

/** Runs what `build` makes of an input of `shape` with a trace, and returns its nodes. */
async function traced(
  shape: readonly number[],
  build: (b: GraphBuilder, x: Value) => Value,
): Promise<readonly TracedNode[]> {
  const directory = await Deno.makeTempDir();
  try {
    const b = new GraphBuilder();
    const y = build(b, b.input("float32", shape, "x"));
    const model = encodeModel(b.build("traced", [y.name]));
    const session = new Session(model, { profilePrefix: `${directory}/run`, optimization: "disabled" });
    const data = new Float32Array(shape.reduce((size, dim) => size * dim, 1)).fill(1);
    for (let i = 0; i < 3; i++) session.run({ x: { dtype: "float32", shape, data } });
    session.dispose();
    return await readTrace(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function ones(b: GraphBuilder, ...shape: number[]): Value {
  return b.constant("float32", shape, new Array(shape.reduce((size, dim) => size * dim, 1)).fill(1));
}

Deno.test("readTrace() counts the operations and bytes of a convolution, one node for all its runs", async () => {
  const [node, ...rest] = await traced([2, 3, 40, 40], (b, x) =>
    b.node("Conv", [x, ones(b, 16, 3, 3, 3)], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }));
  assert.deepEqual(rest, []);
  const [output, filter] = [2 * 16 * 20 * 20, 16 * 27];
  assert.equal(node.flops, 2 * output * 27);
  assert.equal(node.bytes, 4 * (2 * 3 * 40 * 40 + filter + output));
  assert.equal(node.group, "convolutions");
  assert.ok(node.ms > 0 && node.ms < 1000);
});

Deno.test("readTrace() counts the operations of products of matrices and of groups of channels", async () => {
  const [, product] = await traced([200, 50], (b, x) => b.node("MatMul", [x, b.node("Transpose", [x])]));
  assert.equal(product.flops, 2 * 200 * 50 * 200);
  const [depthwise] = await traced([2, 32, 30, 30], (b, x) =>
    b.node("Conv", [x, ones(b, 32, 1, 5, 5)], {
      kernel_shape: [5, 5],
      pads: [2, 2, 2, 2],
      group: 32,
    }));
  assert.equal(depthwise.flops, 2 * 2 * 32 * 30 * 30 * 25);
  assert.equal(depthwise.group, "depthwise convolutions");
});

Deno.test("readTrace() counts views as nothing and puts small nodes together", async () => {
  const nodes = await traced([64, 1024], (b, x) => {
    const view = b.node("Reshape", [x, b.constant("int64", [2], [1024, 64])]);
    return b.node("Sqrt", [b.node("ReduceMax", [b.node("Neg", [view])], { keepdims: 0 })]);
  });
  const rows = nodes.map(({ group, bytes }) => ({ group, bytes }));
  assert.deepEqual(rows, [
    { group: "small nodes", bytes: 0 },
    { group: "other elementwise", bytes: 2 * 4 * 65536 },
    { group: "sums and extremes", bytes: 4 * 65536 + 4 },
    { group: "small nodes", bytes: 8 },
  ]);
});
