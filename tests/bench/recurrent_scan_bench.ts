/**
 * GRU and RNN in float, against a Scan that multiplies on integers whose ranges are found at every step.
 *
 * What docs/design/recurrent_layers.md decides by. Graphs within graphs are nothing that `src/onnx` writes, so that the
 * Scan's file is put together here, of the part of the format that it needs.
 */
import protobuf from "protobufjs";
import type { TypedArray } from "../../src/numbers/dtype.ts";
import type { Attrs } from "../../src/onnx/graph.ts";
import { GraphBuilder, type Value } from "../../src/onnx/writer.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import { type HostTensor, Session } from "../../src/runtime/session.ts";
import { randomArray } from "../_support/small_models.ts";

const STEPS = 28;

interface Size {
  readonly kind: "GRU" | "RNN";
  readonly batch: number;
  readonly units: number;
  readonly features: number;
}

const SIZES = (["GRU", "RNN"] as const).flatMap((kind): Size[] => [
  { kind, batch: 1, units: 32, features: 28 },
  { kind, batch: 1, units: 128, features: 28 },
  { kind, batch: 1, units: 256, features: 128 },
  { kind, batch: 1, units: 512, features: 256 },
  { kind, batch: 16, units: 128, features: 28 },
  { kind, batch: 16, units: 256, features: 128 },
]);

/** A matrix [rows, columns]. */
interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

function random(rows: number, columns: number, seed: number): Matrix {
  return { rows, columns, data: randomArray(rows * columns, seed).map((value) => value / Math.sqrt(rows)) };
}

function columnsOf({ rows, columns, data }: Matrix, from: number, to: number): Matrix {
  const width = to - from;
  const part = Float32Array.from(
    { length: rows * width },
    (_, i) => data[Math.floor(i / width) * columns + from + i % width],
  );
  return { rows, columns: width, data: part };
}

/** ONNX's form of a weight, [1, columns, rows]. */
function turned({ rows, columns, data }: Matrix): Float32Array {
  return Float32Array.from({ length: data.length }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

/** A layer's weights, z, r, h side by side. */
function weightsOf({ kind, units, features }: Size) {
  const width = (kind === "GRU" ? 3 : 1) * units;
  const bias = randomArray(width, 3).map((value) => value / 10);
  return { width, kernel: random(features, width, 1), recurrent: random(units, width, 2), bias };
}

function floatModel(size: Size): Uint8Array {
  const { kind, batch, units, features } = size;
  const { width, kernel, recurrent, bias } = weightsOf(size);
  const b = new GraphBuilder();
  const x = b.input("float32", [STEPS, batch, features], "x");
  const both = new Float32Array(2 * width);
  both.set(bias);
  const weights: Value[] = [
    b.constant("float32", [1, width, features], turned(kernel)),
    b.constant("float32", [1, width, units], turned(recurrent)),
    b.constant("float32", [1, 2 * width], both),
  ];
  const activations: Attrs = kind === "GRU"
    ? { activations: ["HardSigmoid", "Tanh"], activation_alpha: [0.2], activation_beta: [0.5] }
    : { activations: ["Tanh"] };
  const y = b.node(kind, [x, ...weights], { hidden_size: units, ...activations });
  const states = b.node("Squeeze", [y, b.constant("int64", [1], [1])]);
  return encodeModel(b.build("float", [b.node("Identity", [states]).name]));
}

const FORMAT = protobuf.parse(
  `
  syntax = "proto3";
  message Attribute { string name = 1; float f = 2; int64 i = 3; Graph g = 6; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message Dim { int64 dim_value = 1; }
  message Shape { repeated Dim dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message Port { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated Port input = 11; repeated Port output = 12; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
`,
  { keepCase: true },
).root.lookupType("Model");

/** Codes of the attribute types and element types that are written. */
const ATTRIBUTE = { float: 1, int: 2, graph: 5 } as const;
const ELEMENT = { float32: 1, int8: 3, int64: 7 } as const;

const port = (name: string, shape: readonly number[]) => ({
  name,
  type: { tensor_type: { elem_type: ELEMENT.float32, shape: { dim: shape.map((dim_value) => ({ dim_value })) } } },
});
const node = (
  op_type: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly object[] = [],
) => ({
  op_type,
  input,
  output,
  attribute,
  domain: op_type === "DynamicQuantizeMatMul" ? "com.microsoft" : "",
});
const tensor = (name: string, dtype: keyof typeof ELEMENT, dims: readonly number[], data: TypedArray) => ({
  name,
  dims,
  data_type: ELEMENT[dtype],
  raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});
const axis1 = { name: "axis", i: 1, type: ATTRIBUTE.int };

/** A matrix in codes of -127 to 127, and their scale, called `name` and `name_scale`. */
function codes(name: string, { rows, columns, data }: Matrix) {
  const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  return [
    tensor(name, "int8", [rows, columns], Int8Array.from(data, (value) => Math.round(value / scale))),
    tensor(`${name}_scale`, "float32", [], Float32Array.of(scale)),
  ];
}

function lengths(name: string, values: readonly number[]) {
  return tensor(name, "int64", [values.length], BigInt64Array.from(values.map(BigInt)));
}

/** A step of each layer: h is the state before it, `ofX` its product with x. */
const BODIES = {
  RNN: [
    node("DynamicQuantizeMatMul", ["h", "gates", "gates_scale"], ["product"]),
    node("Add", ["product", "ofX"], ["sum"]),
    node("Tanh", ["sum"], ["after"]),
  ],
  GRU: [
    node("Split", ["ofX", "gates_new"], ["x_gates", "x_new"], [axis1]),
    node("DynamicQuantizeMatMul", ["h", "gates", "gates_scale"], ["product"]),
    node("Add", ["product", "x_gates"], ["sum"]),
    node("HardSigmoid", ["sum"], ["open"], [
      { name: "alpha", f: 0.2, type: ATTRIBUTE.float },
      { name: "beta", f: 0.5, type: ATTRIBUTE.float },
    ]),
    node("Split", ["open", "z_r"], ["z", "r"], [axis1]),
    node("Mul", ["r", "h"], ["reset"]),
    node("DynamicQuantizeMatMul", ["reset", "new", "new_scale"], ["product_new"]),
    node("Add", ["product_new", "x_new"], ["sum_new"]),
    node("Tanh", ["sum_new"], ["fresh"]),
    node("Sub", ["one", "z"], ["rest"]),
    node("Mul", ["rest", "fresh"], ["added"]),
    node("Mul", ["z", "h"], ["kept"]),
    node("Add", ["kept", "added"], ["after"]),
  ],
} as const;

function scanModel(size: Size): Uint8Array {
  const { kind, batch, units, features } = size;
  const { width, kernel, recurrent, bias } = weightsOf(size);
  const state = [batch, units];
  const body = {
    name: "step",
    node: [...BODIES[kind], node("Identity", ["after"], ["y"])],
    input: [port("h", state), port("ofX", [batch, width])],
    output: [port("after", state), port("y", state)],
  };
  const last = kind === "GRU" ? 2 * units : units;
  const graph = {
    name: "scan",
    node: [
      node("DynamicQuantizeMatMul", ["x", "kernel", "kernel_scale", "", "bias"], ["products"]),
      node("Scan", ["zeros", "products"], ["end", "states"], [
        { name: "num_scan_inputs", i: 1, type: ATTRIBUTE.int },
        { name: "body", g: body, type: ATTRIBUTE.graph },
      ]),
    ],
    initializer: [
      ...codes("kernel", kernel),
      ...codes("gates", columnsOf(recurrent, 0, last)),
      ...(kind === "GRU" ? codes("new", columnsOf(recurrent, last, width)) : []),
      tensor("bias", "float32", [width], bias),
      tensor("zeros", "float32", state, new Float32Array(batch * units)),
      tensor("one", "float32", [], Float32Array.of(1)),
      lengths("gates_new", [2 * units, units]),
      lengths("z_r", [units, units]),
    ],
    input: [port("x", [STEPS, batch, features])],
    output: [port("states", [STEPS, ...state])],
  };
  const opset_import = [{ domain: "", version: 17 }, { domain: "com.microsoft", version: 1 }];
  return FORMAT.encode(FORMAT.fromObject({ ir_version: 8, graph, opset_import })).finish();
}

for (const size of SIZES) {
  const { kind, batch, units, features } = size;
  const shape = [STEPS, batch, features];
  const x: HostTensor = { dtype: "float32", shape, data: randomArray(STEPS * batch * features, 9) };
  const sessions = { float: floatModel(size), scan: scanModel(size) };
  const [float, scan] = Object.values(sessions).map((bytes) => new Session(bytes, { threads: 1, precise: true }));
  const run = (session: Session) => Object.values(session.run({ x }))[0].data as Float32Array;
  const [expected, actual] = [run(float), run(scan)];
  const off = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i])), 0);
  const group = `${kind}, batch ${batch}, ${units} units, ${features} features; off by ${off.toFixed(2)}`;
  Deno.bench("float", { group, baseline: true }, () => void run(float));
  Deno.bench("Scan on integers", { group }, () => void run(scan));
}
