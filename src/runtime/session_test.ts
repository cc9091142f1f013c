import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { decodeModel, encodeModel } from "../onnx/file/mod.ts";
import { type HostTensor, Session } from "./session.ts";

/** y = a + b and z = a · b of float32 [2]. */
function sumAndProduct(): Uint8Array {
  const b = new GraphBuilder();
  const [x, y] = ["a", "b"].map((name) => b.input("float32", [2], name));
  return encodeModel(b.build("test", [b.node("Add", [x, y]).name, b.node("Mul", [x, y]).name]));
}

/** Conv between Q/DQ pairs. */
function quantizedConv(): Uint8Array {
  const b = new GraphBuilder();
  const pair = (value: ReturnType<typeof b.input>, scale: number) => {
    const grid = [b.constant("float32", [], [scale]), b.constant("uint8", [], [0])];
    return b.node("DequantizeLinear", [b.node("QuantizeLinear", [value, ...grid]), ...grid]);
  };
  const codes = b.constant("int8", [4, 3, 3, 3], Array.from({ length: 108 }, (_, i) => i - 54), "codes");
  const kernel = b.node("DequantizeLinear", [codes, b.constant("float32", [], [0.01]), b.constant("int8", [], [0])]);
  const attrs = { kernel_shape: [3, 3], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };
  const y = b.node("Conv", [pair(b.input("float32", [1, 3, 8, 8], "x"), 0.02), kernel], attrs);
  return encodeModel(b.build("test", [pair(y, 0.05).name]));
}

const float = (...elements: number[]): HostTensor => ({
  dtype: "float32",
  shape: [elements.length],
  data: Float32Array.from(elements),
});

Deno.test("Session runs a model and returns every output by name", () => {
  const session = new Session(sumAndProduct(), { threads: 1 });
  const outputs = session.run({ a: float(1, 2), b: float(3, 4) });
  const [sum, product] = session.outputs.map(({ name }) => outputs[name]);
  assert.deepEqual(sum, { dtype: "float32", shape: [2], data: Float32Array.of(4, 6) });
  assert.deepEqual(product, { dtype: "float32", shape: [2], data: Float32Array.of(3, 8) });
  session.dispose();
});

Deno.test("Session tells its inputs and outputs, symbolic dimensions as -1", () => {
  const b = new GraphBuilder();
  const y = b.node("Relu", [b.input("float32", [7, 3], "x")]);
  const graph = b.build("test", [y.name]);
  const types = new Map([...graph.types].map(([name, type]) => [name, { ...type, shape: ["batch", 3] }]));
  const session = new Session(encodeModel({ ...graph, types }), { threads: 1 });
  assert.deepEqual(session.inputs, [{ name: "x", dtype: "float32", shape: [-1, 3] }]);
  assert.deepEqual(session.outputs, [{ name: y.name, dtype: "float32", shape: [-1, 3] }]);
  for (const n of [1, 2]) {
    const { [y.name]: out } = session.run({
      x: { dtype: "float32", shape: [n, 3], data: new Float32Array(3 * n).fill(-1) },
    });
    assert.deepEqual(out.shape, [n, 3]);
  }
  session.dispose();
});

Deno.test("Session reads parts of larger arrays, and gives arrays of their own", () => {
  const session = new Session(sumAndProduct(), { threads: 1 });
  const feeds = { a: { ...float(0, 0), data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) }, b: float(3, 4) };
  const [first, second] = [session.run(feeds), session.run(feeds)];
  for (const [at, values] of [[0, [4, 6]], [1, [3, 8]]] as const) {
    const { name } = session.outputs[at];
    // One given back leaves the other as it is.
    assert.ok(first[name].data.buffer instanceof ArrayBuffer);
    first[name].data.buffer.transfer(0);
    assert.deepEqual([...second[name].data as Float32Array], values);
  }
  session.dispose();
});

const DTYPES = {
  float32: Float32Array.of(1.5, -2),
  uint8: Uint8Array.of(0, 255),
  int8: Int8Array.of(-128, 127),
  int32: Int32Array.of(-(2 ** 31), 7),
  int64: BigInt64Array.of(-(2n ** 63n), 5n),
  bool: Uint8Array.of(1, 0),
  float64: Float64Array.of(0.1, -1e300),
} as const;

for (const [dtype, data] of Object.entries(DTYPES) as [keyof typeof DTYPES, (typeof DTYPES)[keyof typeof DTYPES]][]) {
  Deno.test(`Session takes and gives ${dtype}`, () => {
    const b = new GraphBuilder();
    const y = b.node("Identity", [b.input(dtype, [2], "x")]);
    const session = new Session(encodeModel(b.build("test", [y.name])), { threads: 1 });
    assert.deepEqual(session.run({ x: { dtype, shape: [2], data } })[y.name], { dtype, shape: [2], data });
    session.dispose();
  });
}

Deno.test("Session fuses Q/DQ pairs into int8 kernels, unless it is told to keep them", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const opsWith = (options: ConstructorParameters<typeof Session>[1]) => {
      const path = `${folder}/${JSON.stringify(options).length}.onnx`;
      new Session(quantizedConv(), { ...options, threads: 1, optimizedModelPath: path }).dispose();
      return decodeModel(Deno.readFileSync(path)).graph.nodes.map(({ op }) => op);
    };
    assert.ok(opsWith({}).includes("QLinearConv"));
    assert.ok(opsWith({ optimization: "extended" }).includes("QLinearConv"));
    assert.ok(!opsWith({ keepQdq: true }).includes("QLinearConv"));
    assert.ok(!opsWith({ optimization: "basic" }).includes("QLinearConv"));
    assert.equal(opsWith({ optimization: "disabled" }).filter((op) => op === "DequantizeLinear").length, 3);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("Session throws ONNX Runtime's reason for a broken model and for wrong feeds", () => {
  assert.throws(() => new Session(Uint8Array.of(1, 2, 3)), Error);
  const session = new Session(sumAndProduct(), { threads: 1 });
  assert.throws(() => session.run({ a: float(1, 2) }), /b/);
  assert.throws(() => session.run({ a: float(1, 2), b: float(1, 2, 3) }), Error);
  assert.throws(
    () => session.run({ a: float(1, 2), b: { dtype: "int32", shape: [2], data: Int32Array.of(1, 2) } }),
    Error,
  );
  assert.throws(() => session.run({ a: float(1, 2), b: { ...float(1, 2), dtype: "int32" } }), Error);
  // It goes on after all that.
  assert.equal(Object.keys(session.run({ a: float(1, 2), b: float(3, 4) })).length, 2);
  session.dispose();
});

Deno.test("Session throws when it runs after dispose(), which may be called again", () => {
  const session = new Session(sumAndProduct(), { threads: 1 });
  session.dispose();
  session.dispose();
  assert.throws(() => session.run({ a: float(1, 2), b: float(3, 4) }), /disposed/i);
});

Deno.test("Session writes a profile when it is disposed", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const session = new Session(sumAndProduct(), { threads: 1, profilePrefix: `${folder}/profile` });
    session.run({ a: float(1, 2), b: float(3, 4) });
    session.dispose();
    const [file] = [...Deno.readDirSync(folder)];
    assert.match(Deno.readTextFileSync(`${folder}/${file.name}`), /"Add/);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
