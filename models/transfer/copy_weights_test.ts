import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { answersOf, apart, type NetForm, residualNet } from "./_test_nets.ts";
import { copyWeights } from "./copy_weights.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const OURS: NetForm = { seed: 1 };

/** Nets of other programs, and what of ours gets no statistics of its own. */
const THEIRS: readonly {
  readonly name: string;
  readonly ours?: NetForm;
  readonly theirs: NetForm;
  readonly idle?: number;
}[] = [
  { name: "other names", theirs: { prefix: "m." } },
  { name: "the same names in another order", theirs: { skipFirst: true } },
  { name: "other names and terms of a sum in another order", theirs: { prefix: "m.", skipFirst: true } },
  { name: "another epsilon", theirs: { prefix: "m.", epsilon: 0.3 } },
  { name: "a bias before batch normalization", theirs: { prefix: "m.", bias: true } },
  { name: "a bias on both sides", ours: { bias: true }, theirs: { prefix: "m.", bias: true, epsilon: 0.1 } },
  { name: "batch normalization folded", theirs: { prefix: "m.", norm: false }, idle: 3 },
  { name: "batch normalization that ours has not", ours: { norm: false }, theirs: { prefix: "m.", bias: true } },
  { name: "no batch normalization on either side", ours: { norm: false }, theirs: { norm: false, prefix: "m." } },
  { name: "a convolution of 1×1 in the place of the dense layer", theirs: { prefix: "m.", asConv: true } },
];

for (const { name, ours = {}, theirs, idle = 0 } of THEIRS) {
  Deno.test(`copyWeights() makes a net answer as the other does with ${name}`, async () => {
    const [own, other] = [residualNet({ ...OURS, ...ours }), residualNet({ seed: 50, ...theirs })];
    const copied = await copyWeights(own, other);
    const [before, after, wanted] = [await answersOf(own), await answersOf(copied.model), await answersOf(other)];
    assert.ok(apart(after, wanted) < 1e-5, `${apart(after, wanted)}`);
    assert.ok(apart(before, wanted) > 0.01, "the nets begin with other weights");
    assert.deepEqual([copied.layers, copied.idle.length], [4, idle]);
    assert.ok(copied.distance !== undefined && copied.distance < 1e-5, `${copied.distance}`);
  });
}

Deno.test("copyWeights() takes a convolution over sequences of width 1 for a dense layer, and the other way", async () => {
  const net = (prefix: string, isConv: boolean) => {
    const options = { name: `${prefix}map`, inputShape: [6, 3] };
    const map = isConv
      ? tfl.layers.conv1d({ ...options, filters: 4, kernelSize: 1, activation: "relu" })
      : tfl.layers.dense({ ...options, units: 4, activation: "relu" });
    const wide = tfl.layers.conv1d({ name: `${prefix}wide`, filters: 2, kernelSize: 3 });
    return tfl.sequential({ layers: [map, wide] });
  };
  for (const isConv of [true, false]) {
    const { distance } = await copyWeights(net("", isConv), net("m.", !isConv));
    assert.ok(distance !== undefined && distance < 1e-6, `${distance}`);
  }
});

Deno.test("copyWeights() takes sums whose terms look alike but for what is before them by what that is", async () => {
  // Two branches of one kernel's shape, of which one has another before it: the order of the sum decides nothing.
  const net = (prefix: string, isSwapped: boolean) => {
    const image = tfl.input({ shape: [4, 4, 2], name: `${prefix}image` });
    const conv = (name: string, x: tfl.SymbolicTensor, kernelSize = 1) =>
      tfl.layers.conv2d({ name: `${prefix}${name}`, filters: 2, kernelSize, padding: "same" })
        .apply(x) as tfl.SymbolicTensor;
    const long = conv("long2", conv("long1", image, 3));
    const short = conv("short", image);
    const sum = tfl.layers.add({ name: `${prefix}sum` }).apply(isSwapped ? [short, long] : [long, short]);
    return tfl.model({ inputs: image, outputs: sum as tfl.SymbolicTensor });
  };
  const [own, other] = [net("", false), net("m.", true)];
  const { model, distance } = await copyWeights(own, other);
  assert.ok(distance !== undefined && distance < 1e-6);
  assert.deepEqual(
    model.getLayer("short").getWeights()[0].dataSync(),
    other.getLayer("m.short").getWeights()[0].dataSync(),
  );
});

/** Returns the message of what is refused. */
async function refusal(ours: NetForm, theirs: NetForm, exceptHead = false): Promise<string> {
  const own = residualNet(ours);
  const before = own.getWeights().map((weight) => weight.dataSync().slice());
  const error = await copyWeights(own, residualNet(theirs), { exceptHead, path: "net.onnx" }).then(
    () => assert.fail("it is not refused"),
    (error: Error) => error,
  );
  assert.equal(error.name, "RangeError");
  assert.deepEqual(own.getWeights().map((weight) => weight.dataSync()), before, "nothing is loaded in part");
  return error.message;
}

Deno.test("copyWeights() names every layer that differs with both shapes, and what leaves out the last", async () => {
  assert.equal(
    await refusal({}, { prefix: "m.", classes: 5 }),
    'Cannot give "net" the weights of "net.onnx": "fc" is Dense [4,3], in the file Dense [4,5] ("m.fc") (a new head ' +
      "leaves out the last layer: --head)",
  );
  assert.equal(
    await refusal({}, { filters: [6, 6] }),
    'Cannot give "net" the weights of "net.onnx": "conv" is Conv2D [3,3,2,4], in the file Conv2D [3,3,2,6]; ' +
      '"depthwise" is DepthwiseConv2D [3,3,4,1], in the file DepthwiseConv2D [3,3,6,1]; "skip" is Conv2D [1,1,2,4], in ' +
      'the file Conv2D [1,1,2,6]; "fc" is Dense [4,3], in the file Dense [6,3]',
  );
});

Deno.test("copyWeights() refuses a bias that there is no place for", async () => {
  assert.match(
    await refusal({ norm: false, bias: false }, { prefix: "m.", norm: false }),
    /"conv" has no bias, in the file it has one; "depthwise" has no bias.*$/,
  );
});

Deno.test("copyWeights() says which layers are missing, and which have no place", async () => {
  const net = (...units: readonly number[]) =>
    tfl.sequential({
      name: "mlp",
      layers: units.map((n, i) =>
        tfl.layers.dense({ name: `d${n}`, units: n, ...(i === 0 ? { inputShape: [2] } : {}) })
      ),
    });
  await assert.rejects(copyWeights(net(3, 4, 5), net(3, 5), { path: "f" }), {
    message:
      'Cannot give "mlp" the weights of "f": "d4", Dense [3,4], has none in the file; "d5" is Dense [4,5], in the ' +
      "file Dense [3,5]",
  });
  await assert.rejects(copyWeights(net(3, 5), net(3, 5, 7), { path: "f" }), {
    message:
      'Cannot give "mlp" the weights of "f": "d7" of the file, Dense [5,7], has no place in the net (a new head ' +
      "leaves out the last layer: --head)",
  });
});

Deno.test("copyWeights() leaves the heads as they are where that is asked for, and takes all else", async () => {
  const [own, other] = [residualNet({ seed: 1 }), residualNet({ seed: 50, prefix: "m.", classes: 7 })];
  const { model, layers, distance } = await copyWeights(own, other, { exceptHead: true });
  assert.deepEqual([layers, model.outputs[0].shape], [3, [null, 3]]);
  assert.ok(distance !== undefined && distance < 1e-5);
  assert.deepEqual(model.getLayer("fc").getWeights()[0].dataSync(), own.getLayer("fc").getWeights()[0].dataSync());
  assert.deepEqual(
    model.getLayer("conv").getWeights()[0].dataSync(),
    other.getLayer("m.conv").getWeights()[0].dataSync(),
  );
});

Deno.test("copyWeights() tells how far nets are apart that compute otherwise with the same weights", async () => {
  const net = (prefix: string, activation: "relu" | "tanh") =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ name: `${prefix}a`, units: 8, activation, inputShape: [5] }),
        tfl.layers.dense({ name: `${prefix}b`, units: 2 }),
      ],
    });
  const { distance } = await copyWeights(net("", "relu"), net("m.", "tanh"));
  assert.ok(distance !== undefined && distance > 0.05, `${distance}`);
});

Deno.test("copyWeights() names eight layers that do not fit in a line, and all of them in the log", async () => {
  const net = (units: number) =>
    tfl.sequential({
      name: "deep",
      layers: Array.from({ length: 10 }, (_, i) =>
        tfl.layers.dense({ name: `d${i}`, units, ...(i === 0 ? { inputShape: [units] } : {}) })),
    });
  const lines: string[] = [];
  await assert.rejects(copyWeights(net(2), net(3), { log: (line) => lines.push(line) }), {
    message: /^Cannot give "deep" .*"d7" is Dense \[2,2\], in the file Dense \[3,3\]; and 2 more, which the log lists$/,
  });
  assert.deepEqual([lines.length, lines[9]], [10, '"d9" is Dense [2,2], in the file Dense [3,3]']);
});
