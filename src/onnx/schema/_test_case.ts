/** Applies an operator of a case: by its schema, and by ONNX Runtime. */
import assert from "node:assert/strict";
import { type OrtTensor, runOnnx } from "../../../tests/_support/ort.ts";
import { allocate } from "../../numbers/dtype.ts";
import { type Graph, sizeOf, type Tensor, type ValueType } from "../graph.ts";
import { encodeModel } from "../file/mod.ts";
import type { Case, CaseInput } from "./_cases.ts";
import { type InferInput, schemaOf, type StaticType } from "./mod.ts";

function tensorOf([dtype, shape, elements]: NonNullable<CaseInput>): Tensor {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const element = elements?.[i] ?? (dtype === "int64" ? 0 : 1);
    data[i] = data instanceof BigInt64Array ? BigInt(element) : element;
  }
  return { dtype, shape, data };
}

/** Infers a case's outputs. */
export function infer({ op, inputs, attrs, outputs, domain }: Case): readonly StaticType[] {
  const schema = schemaOf(op, domain);
  assert.ok(schema, `no schema for ${op}`);
  const known = inputs.map((input): InferInput | null => {
    if (input === null) return null;
    const tensor = tensorOf(input);
    return { dtype: input[0], shape: input[1], ...(input[2] === undefined ? {} : { constant: tensor }) };
  });
  return schema.infer(known, attrs ?? {}, outputs ?? 1).slice(0, outputs);
}

/** Runs a case in ONNX Runtime. Its outputs are declared with unknown dimensions, so nothing inferred here helps it. */
export async function run(
  { op, inputs, attrs, domain }: Case,
  declared: readonly StaticType[],
): Promise<readonly OrtTensor[]> {
  const initializers = new Map<string, Tensor>();
  const feeds: Record<string, Tensor> = {};
  inputs.forEach((input, i) => {
    if (input === null) return;
    if (input[2] === undefined) feeds[`x${i}`] = tensorOf(input);
    else initializers.set(`x${i}`, tensorOf(input));
  });
  const names = declared.map((_, i) => `y${i}`);
  const owner = schemaOf(op, domain)?.domain;
  const graph: Graph = {
    name: op,
    inputs: Object.keys(feeds),
    outputs: names,
    initializers,
    nodes: [{
      op,
      ...(owner === undefined ? {} : { domain: owner }),
      name: "node",
      inputs: inputs.map((input, i) => input === null ? "" : `x${i}`),
      outputs: names,
      attrs: attrs ?? {},
    }],
    types: new Map<string, ValueType>([
      ...Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const),
      ...declared.map(({ dtype, shape }, i) =>
        [names[i], { dtype, shape: shape.map((_, axis) => `d${i}_${axis}`) }] as const
      ),
    ]),
  };
  const results = await runOnnx(encodeModel(graph), feeds);
  return names.map((name) => results[name]);
}
