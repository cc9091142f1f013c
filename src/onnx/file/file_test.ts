import assert from "node:assert/strict";
import fc from "fast-check";
import protobuf from "protobufjs";
import { refusalOf, runOnnx } from "../../../tests/_support/ort.ts";
import { decodeModel, encodeModel, OnnxFileError } from "./mod.ts";
import type { Attrs, Graph, Node, Tensor } from "../graph.ts";
import type { DType } from "../../numbers/dtype.ts";

/** The messages as onnx.proto3 spells them, read by protobufjs' own reflection: an oracle for both directions. */
const PROTO = `syntax = "proto3"; package onnx;
message StringStringEntryProto { string key = 1; string value = 2; }
message OperatorSetIdProto { optional string domain = 1; int64 version = 2; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShapeProto { repeated Dimension dim = 1; }
message TypeTensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TypeTensor tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; string doc_string = 3; }
message TensorProto {
  repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5;
  repeated bytes string_data = 6; repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9;
  repeated double double_data = 10; repeated uint64 uint64_data = 11; string doc_string = 12; int32 data_location = 14;
}
message AttributeProto {
  string name = 1; float f = 2; optional int64 i = 3; bytes s = 4; TensorProto t = 5; GraphProto g = 6; repeated float floats = 7;
  repeated int64 ints = 8; repeated bytes strings = 9; string doc_string = 13; int32 type = 20;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated AttributeProto attribute = 5; string doc_string = 6; string domain = 7;
}
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5; string doc_string = 10;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; repeated ValueInfoProto value_info = 13;
}
message ModelProto {
  int64 ir_version = 1; string producer_name = 2; string producer_version = 3; string domain = 4; int64 model_version = 5;
  string doc_string = 6; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
}`;
const ModelProto = protobuf.parse(PROTO, { keepCase: true }).root.lookupType("onnx.ModelProto");

function encodeByReflection(model: Record<string, unknown>): Uint8Array {
  return ModelProto.encode(ModelProto.fromObject(model)).finish();
}

const graph: Graph = {
  name: "net",
  inputs: ["x"],
  outputs: ["y"],
  initializers: new Map<string, Tensor>([
    ["k", { dtype: "float32", shape: [2, 1], data: Float32Array.of(0.5, -0) }],
    ["big", { dtype: "float32", shape: [3, 700], data: Float32Array.from({ length: 2100 }, (_, i) => i) }],
    ["axes", { dtype: "int64", shape: [1], data: BigInt64Array.of(-1n) }],
  ]),
  nodes: [
    { op: "Gemm", name: "dense", inputs: ["x", "k", ""], outputs: ["h"], attrs: { alpha: 2, transB: 0 } },
    { op: "Softmax", name: "softmax", inputs: ["h"], outputs: ["s"], attrs: { axis: -1 } },
    { op: "Unsqueeze", name: "unsqueeze", inputs: ["s", "axes"], outputs: ["u"], attrs: {} },
    {
      op: "Custom",
      domain: "com.microsoft",
      name: "custom",
      inputs: ["u", "big"],
      outputs: ["y"],
      attrs: {
        text: "ünï",
        one: 1.5,
        three: [1, 2, -3],
        halves: [0.5, 1],
        words: ["a", ""],
        grid: { dtype: "int8", shape: [2], data: Int8Array.of(-128, 127) },
      },
    },
  ],
  types: new Map([
    ["x", { dtype: "float32", shape: ["batch", 2] }],
    ["h", { dtype: "float32", shape: ["batch", 1] }],
    ["y", { dtype: "float32", shape: ["batch", 1, 1] }],
  ]),
};

Deno.test("decodeModel() gives back what encodeModel() was given", () => {
  const options = {
    opset: 15,
    irVersion: 7,
    producer: "p",
    producerVersion: "1.2",
    doc: "d",
    metadata: { b: "2", a: "1" },
    valueInfo: true,
  };
  const model = decodeModel(encodeModel(graph, options));
  assert.deepEqual(model.graph, graph);
  assert.deepEqual(model.opsets, { "": 15, "com.microsoft": 1 });
  assert.deepEqual([model.irVersion, model.producer, model.metadata], [7, "p", { b: "2", a: "1" }]);
  assert.deepEqual([model.producerVersion, model.doc], ["1.2", "d"]);
});

Deno.test("encodeModel() writes what protobufjs' reflection reads", () => {
  const model = ModelProto.toObject(ModelProto.decode(encodeModel(graph)), { longs: Number, bytes: Array });
  assert.deepEqual(model.opset_import, [{ domain: "", version: 17 }, { domain: "com.microsoft", version: 1 }]);
  assert.equal(model.ir_version, 8);
  const { node, initializer, input, output } = model.graph;
  assert.deepEqual(node[0], {
    input: ["x", "k", ""],
    output: ["h"],
    name: "dense",
    op_type: "Gemm",
    attribute: [{ name: "alpha", f: 2, type: 1 }, { name: "transB", i: 0, type: 2 }],
  });
  assert.deepEqual(node[1].attribute, [{ name: "axis", i: -1, type: 2 }]);
  assert.deepEqual(initializer[0], { dims: [2, 1], data_type: 1, name: "k", raw_data: [0, 0, 0, 63, 0, 0, 0, 128] });
  assert.equal(initializer[1].raw_data.length, 8400);
  assert.deepEqual(input[0].type.tensor_type.shape, { dim: [{ dim_param: "batch" }, { dim_value: 2 }] });
  assert.deepEqual(output.map((info: { name: string }) => info.name), ["y"]);
});

Deno.test("encodeModel() gives equal bytes for equal graphs and writes no unused domain", () => {
  assert.deepEqual(encodeModel(graph), encodeModel({ ...graph, initializers: new Map(graph.initializers) }));
  const plain = { ...graph, nodes: graph.nodes.slice(0, 2), outputs: ["h"] };
  assert.deepEqual(decodeModel(encodeModel(plain)).opsets, { "": 17 });
});

Deno.test("encodeModel() refuses an attribute or a tensor that does not fit", () => {
  const broken = (attrs: Graph["nodes"][number]["attrs"]) => ({
    ...graph,
    nodes: [{ ...graph.nodes[0], attrs }],
  });
  assert.throws(() => encodeModel(broken({ transB: 0.5 })), /attribute "transB" of "dense" \(Gemm\): it is 0.5/);
  assert.throws(() => encodeModel(broken({ alpha: "2" })), TypeError);
  const short: Tensor = { dtype: "float32", shape: [3], data: Float32Array.of(1) };
  assert.throws(
    () => encodeModel({ ...graph, initializers: new Map([["k", short]]) }),
    /tensor "k": it has 1 elements/,
  );
  assert.throws(() => encodeModel({ ...graph, outputs: ["nowhere"] }), RangeError);
});

Deno.test("encodeModel() writes a model that ONNX Runtime runs", async () => {
  const runnable: Graph = {
    ...graph,
    nodes: graph.nodes.slice(0, 3),
    outputs: ["u", "h"],
    types: new Map([...graph.types, ["u", { dtype: "float32", shape: ["batch", 1, 1] }]]),
  };
  const { h, u } = await runOnnx(encodeModel(runnable, { valueInfo: true }), {
    x: { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  });
  assert.deepEqual([...h.data as Float32Array], [1, 3]);
  assert.deepEqual(u.shape, [2, 1, 1]);
});

Deno.test("decodeModel() reads elements from the typed fields of every element type", () => {
  const cases: readonly [DType, Record<string, unknown>, readonly (number | bigint)[]][] = [
    ["float32", { data_type: 1, float_data: [0.5, -2] }, [0.5, -2]],
    ["uint8", { data_type: 2, int32_data: [0, 255] }, [0, 255]],
    ["int8", { data_type: 3, int32_data: [-128, 127] }, [-128, 127]],
    ["uint16", { data_type: 4, int32_data: [0, 65535] }, [0, 65535]],
    ["int16", { data_type: 5, int32_data: [-32768, 1] }, [-32768, 1]],
    ["int32", { data_type: 6, int32_data: [-(2 ** 31), 7] }, [-(2 ** 31), 7]],
    ["int64", { data_type: 7, int64_data: ["-9223372036854775808", "9007199254740993"] }, [
      -(2n ** 63n),
      2n ** 53n + 1n,
    ]],
    ["bool", { data_type: 9, int32_data: [1, 0] }, [1, 0]],
    ["float16", { data_type: 10, int32_data: [0x3c00, 0xc000] }, [0x3c00, 0xc000]],
    ["float64", { data_type: 11, double_data: [0.1, -1] }, [0.1, -1]],
    ["uint32", { data_type: 12, uint64_data: [4294967295, 0] }, [4294967295, 0]],
    ["uint64", { data_type: 13, uint64_data: ["18446744073709551615", "1"] }, [2n ** 64n - 1n, 1n]],
  ];
  const initializer = cases.map(([name, tensor]) => ({ name, dims: [2], ...tensor }));
  const { initializers } = decodeModel(encodeByReflection({ graph: { initializer } })).graph;
  for (const [dtype, , expected] of cases) {
    const tensor = initializers.get(dtype);
    assert.equal(tensor?.dtype, dtype);
    assert.deepEqual(Array.from<number | bigint>(tensor.data as Float32Array), expected, dtype);
  }
});

Deno.test("decodeModel() skips subgraph attributes and fields that it does not know", () => {
  const node = {
    op_type: "If",
    name: "if",
    input: ["c"],
    output: ["y"],
    doc_string: "doc",
    attribute: [{ name: "then_branch", g: { name: "inner" }, type: 5 }, { name: "zero", type: 2 }],
  };
  const { graph } = decodeModel(encodeByReflection({ doc_string: "d", graph: { node: [node], doc_string: "d" } }));
  assert.deepEqual(graph.nodes, [{ op: "If", name: "if", inputs: ["c"], outputs: ["y"], attrs: { zero: 0 } }]);
});

Deno.test("decodeModel() keeps how an attribute is written where neither a schema nor its value tells", () => {
  const nodeOf = (op_type: string, domain: string) => ({
    op_type,
    domain,
    name: "n",
    input: ["x"],
    output: ["y"],
    attribute: [{ name: "alpha", f: 1, type: 1 }, { name: "beta", f: 0.5, type: 1 }, { name: "count", i: 2, type: 2 }],
  });
  const kindsOf = (op: string, domain = "") =>
    decodeModel(encodeByReflection({ graph: { node: [nodeOf(op, domain)] } })).graph.nodes[0].kinds;
  assert.deepEqual(kindsOf("Unheard"), { alpha: "float" });
  assert.deepEqual(kindsOf("Gemm", "elsewhere"), { alpha: "float" });
  assert.equal(kindsOf("Gemm"), undefined);
  assert.equal(kindsOf("Gemm", "ai.onnx"), undefined);
});

Deno.test("decodeModel() leaves initializers out of the inputs and open dimensions named", () => {
  const info = (name: string) => ({
    name,
    type: { tensor_type: { elem_type: 1, shape: { dim: [{}, { dim_value: 3 }] } } },
  });
  const initializer = [{ name: "w", dims: [1, 3], data_type: 1, float_data: [1, 2, 3] }];
  const { graph } = decodeModel(encodeByReflection({ graph: { input: [info("x"), info("w")], initializer } }));
  assert.deepEqual(graph.inputs, ["x"]);
  assert.deepEqual(graph.types.get("x"), { dtype: "float32", shape: ["x_0", 3] });
});

Deno.test("decodeModel() copies tensors out of the bytes", () => {
  const bytes = encodeModel(graph);
  const { initializers } = decodeModel(bytes).graph;
  bytes.fill(0);
  assert.deepEqual(initializers, graph.initializers);
});

Deno.test("decodeModel() says why it cannot read a tensor", () => {
  const read = (tensor: Record<string, unknown>) => () =>
    decodeModel(encodeByReflection({ graph: { initializer: [{ name: "w", ...tensor }] } }));
  assert.throws(read({ data_type: 8, dims: [1] }), /tensor "w": its element type is number 8/);
  assert.throws(read({ data_type: 1, dims: [2], data_location: 1 }), /another file/);
  assert.throws(read({ data_type: 1, dims: [3], float_data: [1] }), /do not fill float32\[3\] \(12 bytes\)/);
  assert.throws(read({ data_type: 1, dims: [1], raw_data: [1, 2, 3] }), OnnxFileError);
  assert.throws(read({ data_type: 1, dims: [-1, -1], float_data: [1] }), OnnxFileError);
});

Deno.test("decodeModel() throws an OnnxFileError when the file is cut anywhere", () => {
  const bytes = encodeModel({ ...graph, initializers: new Map([...graph.initializers].slice(0, 1)) });
  const graphEnds = bytes.length - 2 - "com.microsoft".length - 2 - 2 - 2 - 4;
  for (let length = 0; length < bytes.length; length++) {
    try {
      decodeModel(bytes.subarray(0, length));
      assert.ok(length >= graphEnds, `a file cut to ${length} of ${bytes.length} bytes was read`);
    } catch (error) {
      assert.ok(error instanceof OnnxFileError, `cut to ${length}: ${error}`);
    }
  }
});

Deno.test("decodeModel() reads garbage or throws an OnnxFileError, nothing else", () => {
  const bytes = encodeModel({ ...graph, initializers: new Map([...graph.initializers].slice(0, 1)) }, {
    valueInfo: true,
  });
  const survives = (mutant: Uint8Array) => {
    try {
      decodeModel(mutant);
    } catch (error) {
      assert.ok(error instanceof OnnxFileError, String(error));
    }
  };
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const mutant = bytes.slice();
      for (const [at, value] of changes) mutant[at] = value;
      survives(mutant);
    }),
    { numRuns: 2000, seed: 1 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 500, seed: 1 });
});

Deno.test("refusalOf() tells ONNX Runtime's reason for a broken model", async () => {
  const unknown = { ...graph, outputs: ["h"], nodes: [{ ...graph.nodes[0], op: "Nonesuch" }] };
  assert.match(await refusalOf(encodeModel(unknown)) ?? "", /Nonesuch/);
});

Deno.test("decodeModel() reads the graph that ONNX Runtime's optimizer writes", async () => {
  const node = (op: string, name: string, inputs: readonly string[], output: string, attrs: Attrs = {}): Node => ({
    op,
    name,
    inputs,
    outputs: [output],
    attrs,
  });
  const nodes = [
    node("QuantizeLinear", "x_q", ["x", "s", "z"], "xq"),
    node("DequantizeLinear", "x_dq", ["xq", "s", "z"], "xd"),
    node("DequantizeLinear", "w_dq", ["w", "ws", "wz"], "wd", { axis: 0 }),
    node("Conv", "conv", ["xd", "wd"], "h", { pads: [1, 1, 1, 1] }),
    node("QuantizeLinear", "y_q", ["h", "s", "z"], "hq"),
    node("DequantizeLinear", "y_dq", ["hq", "s", "z"], "y"),
  ];
  const convolution: Graph = {
    name: "conv",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map<string, Tensor>([
      ["s", { dtype: "float32", shape: [], data: Float32Array.of(0.5) }],
      ["z", { dtype: "uint8", shape: [], data: Uint8Array.of(3) }],
      ["w", { dtype: "int8", shape: [4, 2, 3, 3], data: Int8Array.from({ length: 72 }, (_, i) => i - 36) }],
      ["ws", { dtype: "float32", shape: [4], data: Float32Array.of(0.1, 0.2, 0.3, 0.4) }],
      ["wz", { dtype: "int8", shape: [4], data: new Int8Array(4) }],
    ]),
    nodes,
    types: new Map([
      ["x", { dtype: "float32", shape: ["n", 2, 8, 8] }],
      ["y", { dtype: "float32", shape: ["n", 4, 8, 8] }],
    ]),
  };
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    const feeds = { x: { dtype: "float32", shape: [1, 2, 8, 8], data: new Float32Array(128) } };
    await runOnnx(encodeModel(convolution), feeds, { graphOptimizationLevel: "all", optimizedModelFilePath: path });
    const { graph, opsets } = decodeModel(await Deno.readFile(path));
    const fused = graph.nodes.find((node) => node.op === "QLinearConv");
    assert.equal(opsets[""], 17);
    assert.match(fused?.name ?? "", /^conv/);
    assert.deepEqual(fused?.attrs.pads, [1, 1, 1, 1]);
    assert.deepEqual(graph.initializers.get("ws"), convolution.initializers.get("ws"));
  } finally {
    await Deno.remove(path);
  }
});
