import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { joinBytes } from "../../../src/numbers/bytes.ts";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import { field, fieldsOf, textField } from "../../../src/onnx/file/wire.ts";
import { whyUnknown } from "./_refusals.ts";
import { loadBytes, NetWriter } from "./_test_net.ts";

/** AttributeProto.type of a graph. */
const IS_GRAPH = Uint8Array.of(0xa0, 0x01, 5);

/** A graph of one node, as an attribute. */
function branch(name: string, node: Uint8Array, output: string): Uint8Array {
  const graph = joinBytes([field(1, node), textField(2, name), field(12, textField(1, output))]);
  return field(5, joinBytes([textField(1, name), field(6, graph), IS_GRAPH]));
}

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Uint8Array[] = [],
): Uint8Array {
  const read = inputs.map((name) => textField(1, name));
  return joinBytes([...read, textField(2, output), textField(3, output), textField(4, op), ...attributes]);
}

/** A file of what a net holds, of an If behind it, and of its output "y". */
function fileOf({ nodes, initializers }: NetWriter, last: Uint8Array): Uint8Array {
  const types = new Map([["x", { dtype: "float32" as const, shape: ["n", 3] }]]);
  const graph = { name: "net", inputs: ["x"], outputs: [], nodes, initializers, types };
  const more = [field(1, last), field(12, textField(1, "y"))];
  const parts = fieldsOf(encodeModel(graph, { opset: 17 }));
  return joinBytes(parts.map((part) => part.number === 7 ? field(7, joinBytes([part.bytes, ...more])) : part.whole));
}

/** relu(x) if x has so many numbers a sample, else -x; and whether it has within a branch of another. */
function file(numbers: number, { isDeep = false } = {}): Uint8Array {
  const net = new NetWriter();
  const side = net.add("Gather", [net.add("Shape", ["x"]), net.whole(1)]);
  const condition = net.add("Equal", [side, net.whole(numbers)]);
  const branches = (then: string) => [
    branch("then_branch", node("Relu", ["x"], `then_${then}`), `then_${then}`),
    branch("else_branch", node("Neg", ["x"], `else_${then}`), `else_${then}`),
  ];
  const inner = node("If", [condition], "inner", branches("inner"));
  const outer = isDeep
    ? node("If", [condition], "y", [
      branch("then_branch", inner, "inner"),
      branch("else_branch", node("Identity", ["x"], "same"), "same"),
    ])
    : node("If", [condition], "y", branches("y"));
  return fileOf(net, outer);
}

async function answer(bytes: Uint8Array): Promise<number[]> {
  const model = await loadBytes(bytes);
  return Array.from(await (model.predict(tf.tensor2d([[-1, 2, -3]])) as tf.Tensor).data());
}

Deno.test("loadOnnx() takes the branch that shapes decide, and a branch within it", async () => {
  assert.deepEqual(await answer(file(3)), [0, 2, 0]);
  assert.deepEqual(await answer(file(4)), [1, -2, 3]);
  assert.deepEqual(await answer(file(3, { isDeep: true })), [0, 2, 0]);
});

Deno.test("whyUnknown() says why operators cannot be imported", () => {
  const reasons = ["If", "NonZero", "SplitToSequence", "RandomNormalLike", "Magic"].map(whyUnknown);
  assert.deepEqual(reasons, [
    "its inputs decide what is computed",
    "its inputs decide how much it gives",
    "it works on lists of tensors",
    "it is random",
    "the operator is not known",
  ]);
});

Deno.test("fieldsOf() takes a message apart so that its parts make it again", () => {
  const bytes = file(3);
  const parts = fieldsOf(bytes);
  assert.deepEqual(joinBytes(parts.map(({ whole }) => whole)), bytes);
  assert.deepEqual(
    fieldsOf(joinBytes([textField(2, "name"), IS_GRAPH])).map(({ number, bytes }) => [number, bytes.length]),
    [
      [2, 4],
      [20, 0],
    ],
  );
  assert.throws(() => fieldsOf(bytes.subarray(0, bytes.length - 1)), RangeError);
});
