import assert from "node:assert/strict";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Attrs } from "../../../src/onnx/graph.ts";
import { testWithShared } from "../../../tests/_support/shared.ts";
import { registerBackend } from "../../../src/backend/mod.ts";
import { loadOnnx } from "./mod.ts";
import { assertImports, bytesOf, loadBytes, type NetWriter } from "./_test_net.ts";

/** No two of its sides are alike, nor are those of what it becomes here: layouts are told by them. */
const PICTURE = [4, 13, 10] as const;

function classesOf({ layers }: tfl.LayersModel): string {
  return layers.map((layer) => layer.getClassName()).join(" ");
}

/** A net of one node, and what it becomes. */
interface OneNode {
  readonly op: string;
  readonly attrs?: Attrs;
  /** Its inputs behind the first. */
  readonly inputs?: (net: NetWriter) => readonly string[];
  /** Of the input. Default: a picture. */
  readonly shape?: readonly number[];
  readonly opset?: number;
  /** Classes of the layers. */
  readonly layers: string;
}

const kernel = (...shape: readonly number[]) => (net: NetWriter) => [net.random(shape), net.random([shape[0]])];

/** Nets of one node, and the layers that they become. */
const NODES: readonly OneNode[] = [
  { op: "Conv", attrs: { pads: [1, 1, 1, 1] }, inputs: kernel(6, 4, 3, 3), layers: "InputLayer Conv2D" },
  {
    op: "Conv",
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1] },
    inputs: kernel(6, 4, 3, 3),
    layers: "InputLayer ZeroPadding2D Conv2D",
  },
  {
    op: "Conv",
    attrs: { strides: [2, 1], pads: [0, 2, 1, 0] },
    inputs: kernel(6, 4, 3, 2),
    layers: "InputLayer ZeroPadding2D Conv2D",
  },
  {
    op: "Conv",
    attrs: { auto_pad: "SAME_UPPER", strides: [2, 2] },
    inputs: kernel(6, 4, 3, 4),
    layers: "InputLayer Conv2D",
  },
  {
    op: "Conv",
    attrs: { auto_pad: "SAME_LOWER", strides: [2, 2] },
    inputs: kernel(6, 4, 4, 4),
    layers: "InputLayer ZeroPadding2D Conv2D",
  },
  { op: "Conv", attrs: { auto_pad: "VALID" }, inputs: kernel(6, 4, 3, 3), layers: "InputLayer Conv2D" },
  {
    op: "Conv",
    attrs: { dilations: [2, 2], pads: [2, 2, 2, 2] },
    inputs: kernel(6, 4, 3, 3),
    layers: "InputLayer Conv2D",
  },
  {
    op: "Conv",
    attrs: { group: 4, pads: [1, 1, 1, 1] },
    inputs: kernel(8, 1, 3, 3),
    layers: "InputLayer DepthwiseConv2D",
  },
  {
    op: "Conv",
    attrs: { pads: [1, 1] },
    inputs: kernel(6, 4, 3),
    shape: [4, 11],
    layers: "InputLayer Permute Conv1D Permute",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [2, 2] },
    inputs: (net) => [net.random([4, 6, 2, 2]), net.random([6])],
    layers: "InputLayer Conv2DTranspose",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    inputs: (net) => [net.random([4, 6, 3, 3])],
    layers: "InputLayer Conv2DTranspose Cropping2D",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [3, 2] },
    inputs: (net) => [net.random([4, 6, 2, 5])],
    layers: "InputLayer Conv2DTranspose Cropping2D",
  },
  { op: "MaxPool", attrs: { kernel_shape: [2, 2], strides: [2, 2] }, layers: "InputLayer MaxPooling2D" },
  {
    op: "MaxPool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    layers: "InputLayer MaxPooling2D MaxPooling2D",
  },
  {
    op: "MaxPool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    layers: "InputLayer MaxPooling2D Cropping2D MaxPooling2D",
  },
  {
    op: "AveragePool",
    attrs: { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
    layers: "InputLayer AveragePooling2D",
  },
  {
    op: "AveragePool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    layers: "InputLayer ZeroPadding2D AveragePooling2D",
  },
  {
    op: "AveragePool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    layers: "InputLayer ZeroPadding2D AveragePooling2D ConstantValue Multiply",
  },
  { op: "GlobalAveragePool", layers: "InputLayer GlobalAveragePooling2D Reshape" },
  { op: "GlobalMaxPool", layers: "InputLayer GlobalMaxPooling2D Reshape" },
  { op: "ReduceMean", attrs: { axes: [2, 3], keepdims: 0 }, layers: "InputLayer GlobalAveragePooling2D" },
  { op: "Relu", layers: "InputLayer ReLU" },
  { op: "LeakyRelu", attrs: { alpha: 0.3 }, layers: "InputLayer LeakyReLU" },
  { op: "Clip", inputs: (net) => [net.real([], [0]), net.real([], [1.5])], layers: "InputLayer ReLU" },
  { op: "Sigmoid", layers: "InputLayer Activation" },
  { op: "Tanh", layers: "InputLayer Activation" },
  { op: "Softplus", layers: "InputLayer Activation" },
  { op: "HardSigmoid", layers: "InputLayer Activation" },
  { op: "PRelu", inputs: (net) => [net.random([4, 1, 1])], layers: "InputLayer PReLU" },
  { op: "Softmax", attrs: { axis: 1 }, layers: "InputLayer Softmax" },
  { op: "Softmax", attrs: { axis: 3 }, layers: "InputLayer Permute Softmax Permute" },
  {
    op: "BatchNormalization",
    inputs: (net) => [[4, -1], [4, -1], [4, -1], [4, 0.5]].map(([n, low]) => net.random([n], low)),
    layers: "InputLayer BatchNormalization",
  },
  { op: "Flatten", layers: "InputLayer Permute Reshape" },
  { op: "Pad", attrs: { pads: [0, 0, 1, 2, 0, 0, 3, 0] }, opset: 10, layers: "InputLayer ZeroPadding2D" },
  {
    op: "Upsample",
    attrs: { mode: "nearest" },
    inputs: (net) => [net.real([4], [1, 1, 2, 3])],
    opset: 9,
    layers: "InputLayer UpSampling2D",
  },
];

Deno.test("loadOnnx() parts channels into any parts, picks by masks, and takes means that are the same for all samples", async () => {
  const net = await assertImports({
    shape: PICTURE,
    write: (net) => {
      const [few, more] = [net.add("Split", ["x", net.whole(1, 3)], { axis: 1 }, 2)].flatMap((
        name,
      ) => [name, `${name}_1`]);
      const isLarge = net.add("Cast", [net.add("Greater", [few, net.real([], [0.5])])], { to: 9 });
      const picked = net.add("Where", [isLarge, few, net.add("Neg", [few])]);
      return net.add("Concat", [more, picked, net.add("Expand", [few, net.whole(1, 1, 13, 10)])], { axis: 1 });
    },
  });
  net.dispose();
});

for (const { op, attrs = {}, inputs = () => [], shape = PICTURE, opset = 17, layers } of NODES) {
  Deno.test(`loadOnnx() makes ${layers} of ${op} ${JSON.stringify(attrs)}`, async () => {
    const model = await assertImports({ shape, opset, write: (net) => net.add(op, ["x", ...inputs(net)], attrs) });
    assert.equal(classesOf(model), layers);
    model.dispose();
  });
}

Deno.test("loadOnnx() transposes nothing inside of a net of pictures, and lays out the kernel behind it instead", async () => {
  const model = await assertImports({
    shape: PICTURE,
    write: (net) => {
      const a = net.add("Relu", [net.add("Conv", ["x", net.random([6, 4, 3, 3])], { pads: [1, 1, 1, 1] })]);
      const b = net.add("Relu", [net.add("Conv", [a, net.random([6, 6, 1, 1]), net.random([6])])]);
      const joined = net.add("Concat", [net.add("Add", [a, b]), a], { axis: 1 });
      const pooled = net.add("MaxPool", [joined], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      return net.add("Gemm", [net.add("Flatten", [pooled]), net.random([5, 420]), net.random([5])], { transB: 1 });
    },
  });
  assert.equal(
    classesOf(model),
    "InputLayer Conv2D ReLU Conv2D ReLU Add Concatenate ZeroPadding2D MaxPooling2D Flatten Dense",
  );
});

Deno.test("loadOnnx() pads with zeros before a maximum only where nothing is below 0", async () => {
  const pool = (net: NetWriter, x: string) =>
    net.add("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const relu = await assertImports({ shape: [4, 12, 8], write: (net) => pool(net, net.add("Relu", ["x"])) });
  assert.equal(classesOf(relu), "InputLayer ReLU ZeroPadding2D MaxPooling2D");
  const tanh = await assertImports({ shape: [4, 12, 8], write: (net) => pool(net, net.add("Tanh", ["x"])) });
  assert.equal(classesOf(tanh), "InputLayer Activation MaxPooling2D MaxPooling2D");
});

Deno.test("loadOnnx() reads transposes as another order of axes: shuffles and heads cost a reshape, or nothing", async () => {
  const shuffle = await assertImports({
    shape: [6, 5, 4],
    write: (net) => {
      const a = net.add("Conv", ["x", net.random([6, 6, 1, 1])]);
      const parted = net.add("Reshape", [a, net.whole(0, 2, 3, 5, 4)]);
      const moved = net.add("Transpose", [parted], { perm: [0, 2, 1, 3, 4] });
      return net.add("Conv", [net.add("Reshape", [moved, net.whole(0, 6, 5, 4)]), net.random([3, 6, 1, 1])]);
    },
  });
  assert.equal(classesOf(shuffle), "InputLayer Conv2D Reshape Permute Reshape Conv2D");
  const head = await assertImports({
    shape: [4, 5, 3],
    write: (net) => {
      const boxes = net.add("Conv", ["x", net.random([8, 4, 1, 1])]);
      const last = net.add("Transpose", [boxes], { perm: [0, 2, 3, 1] });
      return net.add("Softmax", [net.add("Reshape", [last, net.whole(0, -1, 4)])], { axis: 2 });
    },
  });
  assert.equal(classesOf(head), "InputLayer Conv2D Reshape Softmax");
});

Deno.test("loadOnnx() takes channels last as they are where a file begins by moving them", async () => {
  const model = await assertImports({
    shape: [6, 5, 3],
    write: (net) => net.add("Conv", [net.add("Transpose", ["x"], { perm: [0, 3, 1, 2] }), net.random([2, 3, 1, 1])]),
  });
  assert.equal(classesOf(model), "InputLayer Conv2D");
  assert.deepEqual(model.inputs[0].shape, [null, 6, 5, 3]);
});

Deno.test("loadOnnx() makes constants added to a layer its bias, unless somebody reads it without", async () => {
  const conv = (net: NetWriter) => net.add("Conv", ["x", net.random([6, 4, 1, 1])]);
  const biased = await assertImports({
    shape: PICTURE,
    write: (net) => net.add("Add", [net.random([6, 1, 1]), conv(net)]),
  });
  assert.equal(classesOf(biased), "InputLayer Conv2D");
  const shared = await assertImports({
    shape: PICTURE,
    write: (net) => {
      const a = conv(net);
      return net.add("Mul", [a, net.add("Add", [a, net.random([1, 6, 1, 1])])]);
    },
  });
  assert.equal(classesOf(shared), "InputLayer Conv2D ConstantValue Add Multiply");
  const map = await assertImports({
    shape: PICTURE,
    write: (net) => net.add("Sub", [net.random([13, 10]), conv(net)]),
  });
  assert.match(classesOf(map), /Add$/);
});

Deno.test("loadOnnx() keeps outputs by their names and in their order, and what shapes compute out of the model", async () => {
  const model = await assertImports({
    shape: PICTURE,
    write: (net) => {
      const rows = net.add("Gather", [net.add("Shape", ["x"]), net.whole(0)]);
      const to = net.add("Concat", [rows, net.whole(-1)], { axis: 0 });
      return [net.add("Sigmoid", ["x"]), net.add("Reshape", ["x", to])];
    },
  });
  assert.deepEqual(model.outputNames.map((name) => name.split("/")[0]), ["Sigmoid_3", "Reshape_4"]);
});

Deno.test("loadOnnx() keeps outputs that are one value, or the input, each by its name", async () => {
  const write = (net: NetWriter) => {
    const relu = net.add("Relu", ["x"]);
    return [net.add("Identity", [relu]), net.add("Identity", ["x"]), net.add("Identity", [relu])];
  };
  const model = await assertImports({ shape: PICTURE, write });
  assert.deepEqual(model.outputs.map(({ sourceLayer }) => sourceLayer.name), [
    "Identity_1",
    "Identity_2",
    "Identity_3",
  ]);
});

Deno.test("loadOnnx() names all nodes that it cannot import, and what would be needed", async () => {
  const { bytes } = bytesOf({
    shape: PICTURE,
    write: (net) => {
      const a = net.add("ReduceMax", ["x"], { axes: [0] });
      const b = net.add("Softmax", ["x"], { axis: 0 });
      const c = net.add("Relu", [a]);
      return net.add("Add", [net.add("Add", [c, b]), net.add("RandomUniformLike", ["x"])]);
    },
  });
  await assert.rejects(loadBytes(bytes), {
    name: "ModelFileError",
    message: 'Cannot load "net.onnx": 3 of its nodes cannot be imported: ' +
      '"ReduceMax_0" (ReduceMax): it is over the batch; "Softmax_1" (Softmax): it is over the batch; ' +
      '"RandomUniformLike_4" (RandomUniformLike): it is random',
  });
});

Deno.test("loadOnnx() says where paddings below 0 leave nothing", async () => {
  const { bytes } = bytesOf({
    shape: PICTURE,
    write: (net) => net.add("Pad", ["x", net.whole(0, 0, -PICTURE[1], 0, 0, 0, 0, 0)]),
  });
  await assert.rejects(loadBytes(bytes), /"Pad_\d" \(Pad\): it takes away all of \[/);
});

Deno.test("loadOnnx() takes values within a model for outputs, which cuts off what it cannot import", async () => {
  const { bytes } = bytesOf({
    shape: PICTURE,
    write: (net) => net.add("Softmax", [net.add("Relu", [net.add("Sigmoid", ["x"])])], { axis: 0 }),
  });
  const model = await loadBytes(bytes, { outputs: ["Relu_1", "Sigmoid_0"] });
  assert.deepEqual(model.outputs.map(({ name }) => name.split("/")[0]), ["Relu_1", "Sigmoid_0"]);
  await assert.rejects(loadBytes(bytes, { outputs: ["Relu"] }), /its value "Relu".*did you mean "Relu_1"/);
});

Deno.test("loadOnnx() says in one line what is wrong with a file", async () => {
  const { bytes } = bytesOf({ shape: PICTURE, write: (net) => net.add("Relu", ["x"]) });
  await assert.rejects(loadBytes(bytes.subarray(0, 20)), /^ModelFileError: Cannot load "net\.onnx": /);
  await assert.rejects(loadBytes(new Uint8Array()), /^ModelFileError: Cannot load "net\.onnx": /);
  const old = bytesOf({ shape: PICTURE, opset: 6, write: (net) => net.add("Relu", ["x"]) });
  await assert.rejects(loadBytes(old.bytes), /its opset is 6, needed is 7 to 22$/);
  const renamed = new TextDecoder("latin1").decode(bytes).replaceAll("Relu_0", "Relu_1").replace("Relu_1", "Relu_0");
  await assert.rejects(
    loadBytes(Uint8Array.from(renamed, (c) => c.charCodeAt(0))),
    /: nobody gives its output "Relu_\d", needed is one of Relu_\d/,
  );
  await assert.rejects(loadOnnx("none.onnx"), /^ModelFileError: Cannot load "none\.onnx": /);
});

/** Files of others, and what they become. */
const SHARED: Readonly<Record<string, RegExp>> = {
  "models/onnx/mnist-8.onnx": /^InputLayer Conv2D ReLU MaxPooling2D Conv2D ReLU MaxPooling2D Flatten Dense$/,
  "models/onnx/squeezenet_cifar10.onnx":
    /^InputLayer Conv2D ReLU .*Concatenate Conv2D ReLU GlobalAveragePooling2D Softmax$/,
  "peers/resnet20.float.onnx": /^InputLayer Conv2D ReLU .*Add ReLU GlobalAveragePooling2D Dense$/,
};

for (const [file, layers] of Object.entries(SHARED)) {
  testWithShared(`loadOnnx() reads ${file} as layers without a transpose`, file, async (path) => {
    await registerBackend();
    const model = await loadOnnx(path);
    assert.match(classesOf(model), layers);
    assert.doesNotMatch(classesOf(model), /Permute|Reshape/);
    model.dispose();
  });
}
