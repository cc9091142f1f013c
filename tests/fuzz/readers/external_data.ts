/** ONNX models whose weights lie beside them. */
import { loadOnnx } from "../../../models/import/onnx/mod.ts";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import { field, fieldsOf, textField } from "../../../src/onnx/file/wire.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { startTf } from "./_start.ts";

/** Field numbers of onnx.proto3. */
const GRAPH = 7;
const INITIALIZER = 5;
const TENSOR = { name: 8, external: 13, location: 14 };

/** A file that says where its weight lies, or the weight's file, damaged. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const type = { dtype: "float32" as const, shape: ["n", 2] };
  const plain = encodeModel({
    name: "net",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map(),
    nodes: [{ op: "MatMul", name: "product", inputs: ["x", "w"], outputs: ["y"], attrs: {} }],
    types: new Map([["x", type], ["y", type]]),
  });
  const entries = Object.entries({ location: "net.data", offset: "4", length: "16" }).map(([key, value]) =>
    field(TENSOR.external, Uint8Array.from([...textField(1, key), ...textField(2, value)]))
  );
  // dims [2, 2], of float32, its data external.
  const head = [8, 2, 8, 2, 16, 1, ...textField(TENSOR.name, "w")];
  const tensor = Uint8Array.from([...head, ...entries.flatMap((entry) => [...entry]), 8 * TENSOR.location, 1]);
  const file = Uint8Array.from(
    fieldsOf(plain).flatMap(({ number, whole, bytes }) =>
      number === GRAPH ? [...field(GRAPH, Uint8Array.from([...bytes, ...field(INITIALIZER, tensor)]))] : [...whole]
    ),
  );
  const data = new Uint8Array(Float32Array.of(9, 1, 2, 3, 0.5).buffer);
  return async (random) => {
    const isModel = random.chance(0.8);
    const { bytes, what } = mutateBytes(random, isModel ? file : data);
    await Deno.writeFile(`${dir}/net.onnx`, isModel ? bytes : file);
    await Deno.writeFile(`${dir}/net.data`, isModel ? data : bytes);
    const read = async () => {
      const model = await loadOnnx(`${dir}/net.onnx`);
      check(model.outputs.length > 0, "no outputs");
      model.dispose();
    };
    return { what, read };
  };
};
