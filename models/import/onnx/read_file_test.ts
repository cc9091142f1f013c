import assert from "node:assert/strict";
import { toHalf } from "../../../src/numbers/half.ts";
import { decodeModel, encodeModel } from "../../../src/onnx/file/mod.ts";
import type { Graph, Tensor } from "../../../src/onnx/graph.ts";
import { registerBackend } from "../../../src/backend/mod.ts";
import { makeLink } from "../../../tests/_support/link.ts";
import { bytesOf, loadBytes } from "./_test_net.ts";
import { loadOnnx } from "./mod.ts";

/** y = x · w + b, of two numbers a sample. */
function graphOf(w: Tensor, change: (graph: Graph) => Partial<Graph> = () => ({})): Graph {
  const type = { dtype: "float32" as const, shape: ["n", 2] };
  const graph: Graph = {
    name: "net",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map([["w", w]]),
    nodes: [
      { op: "MatMul", name: "product", inputs: ["x", "w"], outputs: ["h"], attrs: {} },
      { op: "Relu", name: "relu", inputs: ["h"], outputs: ["y"], attrs: {} },
    ],
    types: new Map([["x", type], ["y", type]]),
  };
  return { ...graph, ...change(graph) };
}

const W: Tensor = { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 0.5) };

/** Puts bytes of protobuf together: a field that is a message. */
function field(number: number, body: Uint8Array | string): number[] {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const size = bytes.length < 128 ? [bytes.length] : [bytes.length % 128 + 128, Math.floor(bytes.length / 128)];
  return [8 * number + 2, ...size, ...bytes];
}

/** A file whose weight lies elsewhere: its tensor stands behind what else is in the graph. */
function externalFile(entries: Readonly<Record<string, string>>): Uint8Array {
  const graph = graphOf(W, () => ({ initializers: new Map(), name: "long".repeat(30) }));
  const file = encodeModel(graph);
  const external = Object.entries(entries).flatMap(([key, value]) =>
    field(13, Uint8Array.from([...field(1, key), ...field(2, value)]))
  );
  const tensor = field(5, Uint8Array.from([8, 2, 8, 2, 16, 1, ...field(8, "w"), ...external, 8 * 14, 1]));
  // The graph is field 7, its length two bytes of seven bits.
  const at = file.indexOf(8 * 7 + 2) + 1;
  const length = file[at] - 128 + 128 * file[at + 1];
  const end = at + 2 + length;
  const longer = length + tensor.length;
  const size = [longer % 128 + 128, Math.floor(longer / 128)];
  return Uint8Array.from([
    ...file.subarray(0, at),
    ...size,
    ...file.subarray(at + 2, end),
    ...tensor,
    ...file.subarray(end),
  ]);
}

async function withFiles(
  files: Readonly<Record<string, Uint8Array>>,
  run: (dir: string) => Promise<void>,
): Promise<void> {
  await registerBackend();
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(`${dir}/${name}`, bytes);
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const DATA = new Uint8Array(Float32Array.of(9, 1, 2, 3, 0.5).buffer);

Deno.test("loadOnnx() reads weights from a file beside the model, from where that says", () =>
  withFiles({
    "net.onnx": externalFile({ location: "net.data", offset: "4", length: "16" }),
    "short.onnx": externalFile({ location: "net.data", offset: "4" }),
    "net.data": DATA,
  }, async (dir) => {
    for (const name of ["net", "short"]) {
      const model = await loadOnnx(`${dir}/${name}.onnx`);
      assert.deepEqual([...model.getWeights()[0].dataSync()], [1, 2, 3, 0.5]);
    }
  }));

Deno.test("loadOnnx() reads weights from nowhere but the model's own folder, and only as many bytes as there are", () =>
  withFiles({ "net.data": DATA }, async (dir) => {
    const outside = await Deno.makeTempFile();
    await Deno.writeFile(outside, DATA);
    makeLink(outside, `${dir}/link.data`);
    makeLink(`${outside}.not-there`, `${dir}/nothing.data`);
    await Deno.mkdir(`${dir}/folder`);
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ location: outside }, /an absolute path; needed is a file within/],
      [{ location: "C:\\w.data" }, /an absolute path/],
      [{ location: "../w.data" }, /a path out of the model's folder/],
      [{ location: "a/../../w.data" }, /a path out of the model's folder/],
      [{ location: "a\\..\\..\\w.data" }, /a path out of the model's folder/],
      [{ location: "link.data" }, /a link out of the model's folder/],
      [{ location: "nothing.data" }, /a link out of the model's folder/],
      [{ location: "folder" }, /"folder" is no file/],
      [{ location: "none.data" }, /"none\.data" beside it cannot be read: /],
      [{ location: "" }, /in another file, which it does not name/],
      [{ location: "net.data", offset: "8" }, /"net\.data" has 20 bytes, needed are 16 from byte 8 on/],
      [{ location: "net.data", offset: "-4" }, /its offset in "net\.data" is "-4"/],
      [{ location: "net.data", offset: "1e99" }, /its offset in "net\.data" is/],
      [{ location: "net.data", length: "12" }, /it has 12 bytes in "net\.data", needed are 16/],
    ];
    for (const [entries, message] of cases) {
      await Deno.writeFile(`${dir}/net.onnx`, externalFile(entries));
      await assert.rejects(loadOnnx(`${dir}/net.onnx`), (error: Error) => {
        assert.equal(error.name, "ModelFileError");
        assert.match(error.message, /^Cannot load ".*net\.onnx": its tensor "w" cannot be read: /);
        assert.match(error.message, message);
        return true;
      });
    }
    await Deno.remove(outside);
  }));

Deno.test("loadOnnx() computes in single precision what is in half of it", async () => {
  for (
    const [dtype, data] of [
      ["float16", toHalf([1, 2, 3, 0.5])],
      ["bfloat16", Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x3f00)],
    ] as const
  ) {
    const type = { dtype, shape: ["n", 2] };
    const graph = graphOf({ dtype, shape: [2, 2], data }, () => ({ types: new Map([["x", type], ["y", type]]) }));
    const model = await loadBytes(encodeModel(graph));
    assert.deepEqual([...model.getWeights()[0].dataSync()], [1, 2, 3, 0.5], dtype);
    const cast = graphOf({ dtype, shape: [2, 2], data }, ({ nodes: [product, relu] }) => ({
      nodes: [
        { op: "Cast", name: "wide", inputs: ["w"], outputs: ["wide"], attrs: { to: 1 } },
        { ...product, inputs: ["x", "wide"] },
        relu,
      ],
    }));
    assert.deepEqual([...(await loadBytes(encodeModel(cast))).getWeights()[0].dataSync()], [1, 2, 3, 0.5], dtype);
  }
});

Deno.test("decodeModel() keeps what an attribute is, of operators that no schema knows: 1 as a float", () => {
  const kinds = { lambd: "float" as const };
  const shrink = { op: "Shrink", name: "shrink", inputs: ["x"], outputs: ["y"], attrs: { lambd: 1, bias: 0.5 }, kinds };
  const floats = encodeModel(graphOf(W, () => ({ nodes: [shrink] })));
  assert.deepEqual(decodeModel(floats).graph.nodes, [shrink]);
  assert.deepEqual(encodeModel(decodeModel(floats).graph), floats);
});

Deno.test("loadOnnx() takes nodes in any order, and names circles, what nobody gives and what two nodes give", async () => {
  const reversed = await loadBytes(encodeModel(graphOf(W, ({ nodes }) => ({ nodes: nodes.toReversed() }))));
  assert.equal(reversed.layers.at(-1)?.getClassName(), "ReLU");
  const refused = async (change: (graph: Graph) => Partial<Graph>, message: RegExp) =>
    await assert.rejects(loadBytes(encodeModel(graphOf(W, change))), (error: Error) => {
      assert.match(error.message, message);
      return error.name === "ModelFileError";
    });
  await refused(
    ({ nodes: [product, relu] }) => ({ nodes: [{ ...product, inputs: ["y", "w"] }, relu] }),
    /^Cannot load "net\.onnx": its nodes "product", "relu" read one another in a circle$/,
  );
  await refused(() => ({ outputs: [] }), /: it has no outputs, at least one is needed$/);
  await refused(
    () => ({ initializers: new Map() }),
    /its node "product" \(MatMul\) reads "w", which nobody gives: an initializer of that name is missing$/,
  );
  await refused(
    ({ nodes: [product, relu] }) => ({ nodes: [product, relu, { ...relu, name: "again" }] }),
    /its nodes "relu" \(Relu\) and "again" \(Relu\) both give "y"$/,
  );
});

Deno.test("loadOnnx() tells of every node what became of it", async () => {
  const { bytes } = bytesOf({
    shape: [3, 6, 6],
    write: (net) => {
      const kernel = net.add("Mul", [net.random([4, 3, 3, 3]), net.random([1])]);
      const conv = net.add("Conv", ["x", kernel]);
      const moved = net.add("Transpose", [net.add("Add", [conv, net.random([4, 1, 1])])], { perm: [0, 2, 3, 1] });
      net.add("Sigmoid", [conv]);
      return net.add("Relu", [moved]);
    },
  });
  let told: readonly (readonly [string, unknown])[] = [];
  await loadBytes(bytes, {
    onImport: ({ records, compared, source }) => {
      told = records.map(({ operator, became }) => [operator, became]);
      assert.ok(compared?.every(({ error }) => error < 1e-5));
      assert.equal(source?.by, "ONNX Runtime");
    },
  });
  assert.deepEqual(
    told,
    [
      ["Mul", "constant"],
      ["Conv", ["Conv_1"]],
      ["Add", ["Conv_1"]],
      ["Transpose", []],
      ["Sigmoid", "cut"],
      ["Relu", ["Relu_5"]],
    ].map(([operator, became]) => [operator, became]),
  );
});

Deno.test("loadOnnx() takes nodes of one name, which ONNX Runtime does not", async () => {
  const { bytes } = bytesOf({ shape: [4], write: (net) => net.add("Abs", [net.add("Relu", ["x"])]) });
  const { graph } = decodeModel(bytes);
  const twins = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: "twin" })) };
  const model = await loadBytes(encodeModel(twins));
  assert.equal(model.layers.length, 3);
});
