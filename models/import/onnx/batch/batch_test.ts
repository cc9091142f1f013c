import assert from "node:assert/strict";
import type { Attrs } from "../../../../src/onnx/graph.ts";
import { loadBytes, type NetWriter } from "../_test_net.ts";
import { assertSequences, classesOf, sequenceBytes } from "./_test_sequences.ts";

/** Steps, samples, features: no two sides alike. */
const STEPS = { x: [5, "n", 4] } as const;

/** A node of which the input has its samples second. */
interface Row {
  readonly op: string;
  readonly inputs?: (net: NetWriter) => readonly string[];
  readonly attrs?: Attrs;
  readonly outputs?: number;
  /** Where the outputs have them. Default: there too. */
  readonly axes?: readonly number[];
}

const ROWS: readonly Row[] = [
  { op: "Relu" },
  { op: "Add", inputs: (net) => ["x", net.random([4])] },
  { op: "Mul", inputs: (net) => [net.random([5, 1, 4]), "x"] },
  { op: "Add", inputs: (net) => ["x", net.random([5, 1, 1])] },
  { op: "Sub", inputs: (net) => ["x", net.add("Sigmoid", ["x"])] },
  { op: "Div", inputs: (net) => ["x", net.add("Exp", [net.add("ReduceMean", ["x"], { axes: [0], keepdims: 0 })])] },
  { op: "PRelu", inputs: (net) => ["x", net.random([4])] },
  { op: "Where", inputs: (net) => [net.add("Greater", ["x", net.real([], [0])]), "x", net.random([5, 1, 1])] },
  { op: "Softmax", attrs: { axis: 0 } },
  { op: "Softmax", attrs: { axis: -1 } },
  { op: "LogSoftmax", attrs: { axis: 2 } },
  { op: "Concat", inputs: () => ["x", "x"], attrs: { axis: 0 } },
  { op: "Concat", inputs: (net) => [net.add("Relu", ["x"]), "x"], attrs: { axis: -1 } },
  { op: "Split", inputs: (net) => ["x", net.whole(2, 3)], attrs: { axis: 0 }, outputs: 2 },
  { op: "Split", inputs: (net) => ["x", net.whole(1, 3)], attrs: { axis: 2 }, outputs: 2 },
  { op: "Transpose", attrs: { perm: [2, 0, 1] }, axes: [2] },
  { op: "Transpose", axes: [1] },
  { op: "ReduceSum", inputs: (net) => ["x", net.whole(0)], attrs: { keepdims: 0 }, axes: [0] },
  { op: "ReduceMax", attrs: { axes: [0, 2], keepdims: 1 } },
  { op: "ReduceMean", attrs: { axes: [-1], keepdims: 0 } },
  { op: "Slice", inputs: (net) => ["x", net.whole(1, 1), net.whole(4, 9), net.whole(0, 2), net.whole(2, 1)] },
  {
    op: "Slice",
    inputs: (net) => ["x", net.whole(0, 0, 1), net.whole(5, 1000, 3)],
  },
  { op: "Gather", inputs: (net) => ["x", net.whole(4, 0, -2)], attrs: { axis: 0 } },
  { op: "Gather", inputs: (net) => ["x", last(net)], attrs: { axis: 0 }, axes: [0] },
  { op: "Gather", inputs: (net) => ["x", last(net)], attrs: { axis: -1 } },
  { op: "Pad", inputs: (net) => ["x", net.whole(1, 0, 0, 2, 0, 3)] },
  { op: "Tile", inputs: (net) => ["x", net.whole(2, 1, 3)] },
  {
    op: "Expand",
    inputs: (net) => [net.add("ReduceMax", ["x"], { axes: [0], keepdims: 1 }), net.whole(5, 1, 4)],
  },
  { op: "Squeeze", inputs: (net) => [net.add("ReduceMax", ["x"], { axes: [0] }), net.whole(0)], axes: [0] },
  { op: "Unsqueeze", inputs: (net) => ["x", net.whole(0)], axes: [2] },
  { op: "Reshape", inputs: (net) => ["x", net.whole(5, -1, 2, 2)] },
  { op: "MatMul", inputs: (net) => ["x", net.random([4, 3])] },
  { op: "LayerNormalization", inputs: (net) => ["x", net.random([4]), net.random([4])], attrs: { axis: 2 } },
];

function last(net: NetWriter): string {
  return net.add("Squeeze", [net.whole(-1), net.whole(0)]);
}

for (const { op, inputs = () => ["x"], attrs = {}, outputs = 1, axes } of ROWS) {
  const given = ` of ${String(inputs).replace(/^\(\w*\) => /, "").replace(/\s+/g, " ")}`;
  Deno.test(`loadOnnx() brings samples to the front of ${op} ${JSON.stringify(attrs)}${given}`, async () => {
    const model = await assertSequences({
      inputs: STEPS,
      ...(axes === undefined ? {} : { axes }),
      write: (net) => {
        const name = net.add(op, inputs(net), attrs, outputs);
        return Array.from({ length: outputs }, (_, i) => i === 0 ? name : `${name}_${i}`);
      },
    });
    model.dispose();
  });
}

Deno.test("loadOnnx() multiplies steps and samples that are one axis as what they were", async () => {
  const model = await assertSequences({
    inputs: STEPS,
    write: (net) => {
      const rows = net.add("Reshape", ["x", net.whole(-1, 4)]);
      const dense = net.add("Gemm", [rows, net.random([3, 4]), net.random([3])], { transB: 1 });
      return net.add("Reshape", [net.add("Relu", [dense]), net.whole(5, -1, 3)]);
    },
  });
  assert.equal(classesOf(model), "InputLayer Dense ReLU");
});

Deno.test("loadOnnx() takes heads and samples that are one axis apart again", async () => {
  const write = (net: NetWriter) => {
    const heads = net.add("Transpose", [net.add("Reshape", ["x", net.whole(5, -1, 2)])], { perm: [1, 0, 2] });
    const keys = net.add("Transpose", [heads], { perm: [0, 2, 1] });
    const shares = net.add("Softmax", [net.add("MatMul", [heads, keys])], { axis: -1 });
    const context = net.add("Transpose", [net.add("MatMul", [shares, heads])], { perm: [1, 0, 2] });
    return net.add("Reshape", [context, net.whole(5, -1, 4)]);
  };
  (await assertSequences({ inputs: STEPS, write })).dispose();
  // Of one sample the file could mean any axis by its batch.
  (await assertSequences({ inputs: { x: [5, 1, 4] }, write, axis: 1 })).dispose();
});

Deno.test("loadOnnx() finds the batch of inputs that are fixed as no node mixes samples", async () => {
  const lstm = (net: NetWriter, x: string) =>
    net.add("RNN", [x, net.random([1, 6, 4]), net.random([1, 6, 6])], { hidden_size: 6 });
  const second = await loadBytes(sequenceBytes({ inputs: { x: [5, 2, 4] }, write: (net) => lstm(net, "x") }).bytes);
  assert.deepEqual(second.inputs[0].shape, [null, 5, 4]);
  const first = await loadBytes(
    sequenceBytes({
      inputs: { x: [2, 5, 4] },
      write: (net) => lstm(net, net.add("Transpose", ["x"], { perm: [1, 0, 2] })),
    }).bytes,
  );
  assert.deepEqual(first.inputs[0].shape, [null, 5, 4]);
  const rows = await loadBytes(
    sequenceBytes({ inputs: { x: [2, 5] }, write: (net) => net.add("MatMul", ["x", net.random([5, 3])]) }).bytes,
  );
  assert.deepEqual(rows.inputs[0].shape, [null, 5]);
});

/** What mixes samples, and how it is refused. */
const MIXED: readonly (readonly [string, (net: NetWriter) => string, RegExp])[] = [
  ["a product", (net) => net.add("MatMul", [net.add("Transpose", ["x"], { perm: [0, 2, 1] }), "x"]), /over samples/],
  ["a sum", (net) => net.add("ReduceSum", ["x", net.whole(1)]), /the axis of the batch \(1 of \[5,2,4\]\)/],
  ["a reshape", (net) => net.add("Reshape", ["x", net.whole(4, 10)]), /samples have to stay apart/],
  ["constants by sample", (net) => net.add("Add", ["x", net.random([5, 2, 4])]), /differs by sample/],
  ["padding", (net) => net.add("Pad", ["x", net.whole(0, 1, 0, 0, 0, 0)]), /it pads the batch/],
  ["some of them", (net) => net.add("Slice", ["x", net.whole(1), net.whole(2), net.whole(1)]), /axis of the batch/],
  ["a repetition", (net) => net.add("Tile", ["x", net.whole(1, 2, 1)]), /it repeats samples/],
  ["an operator that wants them first", (net) => net.add("GlobalAveragePool", ["x"]), /samples to be axis 0/],
];

for (const [what, write, message] of MIXED) {
  Deno.test(`loadOnnx() refuses ${what} where samples are mixed`, async () => {
    // Two recurrent layers say where samples are.
    const rnn = (net: NetWriter) =>
      net.add("RNN", ["x", net.random([1, 2, 4]), net.random([1, 2, 2])], { hidden_size: 2 });
    const { bytes } = sequenceBytes({
      inputs: { x: [5, 2, 4] },
      write: (net) => [rnn(net), rnn(net), write(net)],
    });
    await assert.rejects(loadBytes(bytes), message);
  });
}

Deno.test("loadOnnx() asks for the shape of an input whose open axis cannot be its batch", async () => {
  const { bytes } = sequenceBytes({
    inputs: { x: [1, "t", 4] },
    write: (net) => net.add("MatMul", ["x", net.add("Transpose", ["x"], { perm: [0, 2, 1] })]),
  });
  await assert.rejects(
    loadBytes(bytes),
    /its input "x" is \[1,t,4\], needed are numbers behind the batch \(--shape x=1,…\)$/,
  );
  const model = await loadBytes(bytes, { shapes: { x: [1, 5, 4] } });
  assert.deepEqual(model.inputs[0].shape, [null, 5, 4]);
});
