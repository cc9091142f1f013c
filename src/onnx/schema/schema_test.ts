import assert from "node:assert/strict";
import { type Case, cases, refused } from "./_cases.ts";
import { infer, run } from "./_test_case.ts";
import { CONTRIB_OPS, type InferInput, OPS, schemaOf, type StaticType } from "./mod.ts";

function titleOf({ op, inputs, attrs, domain }: Case): string {
  const types = inputs.map((input) => input === null ? "-" : `${input[0]}[${input[1]}]${input[2] ? "!" : ""}`);
  return `${domain ? "com.microsoft." : ""}${op}(${types.join(" ")}) ${JSON.stringify(attrs)}`;
}

for (const item of cases) {
  Deno.test(`infer() gives ONNX Runtime's types for ${titleOf(item)}`, async () => {
    const inferred = infer(item);
    const actual = await run(item, inferred);
    assert.deepEqual(
      inferred.map(({ dtype, shape }) => ({ dtype, shape })),
      actual.map(({ dtype, shape }) => ({ dtype, shape })),
    );
  });
}

for (const item of refused) {
  Deno.test(`infer() refuses, like ONNX Runtime, ${titleOf(item)}`, async () => {
    assert.throws(
      () => infer(item),
      (error) => error instanceof TypeError && error.message.startsWith(`Cannot infer "${item.op}"`),
    );
    const dtype = item.result ?? "float32";
    const shape = item.inputs[0]?.[1] ?? [];
    const declared = Array.from({ length: item.outputs ?? 1 }, (_, i): StaticType => ({
      dtype: i === 0 ? dtype : "int64",
      shape,
    }));
    // It must be the application that is refused, not the type that this test declares for its result.
    await assert.rejects(run(item, declared), (error: Error) => !/output arg|output shape/i.test(error.message));
  });
}

Deno.test("cases apply every operator that the tables describe", () => {
  const applied = new Set(cases.map(({ op, domain }) => `${schemaOf(op, domain)?.domain ?? ""}.${op}`));
  const described = [
    ...[...OPS.keys()].filter((op) => op !== "NonZero").map((op) => `.${op}`),
    ...[...CONTRIB_OPS.keys()].map((op) => `com.microsoft.${op}`),
  ];
  assert.deepEqual(described.filter((op) => !applied.has(op)), []);
});

Deno.test("infer() names the operator, the inputs and the attributes in its errors", () => {
  const x: InferInput = { dtype: "float32", shape: [1, 3, 4, 4] };
  const w: InferInput = { dtype: "float32", shape: [8, 4, 3, 3] };
  assert.throws(() => schemaOf("Conv")?.infer([x, w], { group: 1 }, 1), {
    name: "TypeError",
    message: `Cannot infer "Conv" of (float32[1,3,4,4], float32[8,4,3,3]) with group=1: ` +
      `the data has 3 channels, the kernel reads 4 in each of 1 groups`,
  });
  assert.throws(() => schemaOf("Conv")?.infer([x], {}, 1), /it has 1 inputs, needed are 2 to 3/);
  assert.throws(() => schemaOf("Relu")?.infer([x], {}, 2), /it has 2 outputs, needed are 1 to 1/);
  assert.throws(() => schemaOf("Relu")?.infer([null], {}, 1), /input 0 is missing/);
});

Deno.test("infer() refuses shapes that depend on data", () => {
  const x: InferInput = { dtype: "float32", shape: [4] };
  const shape: InferInput = { dtype: "int64", shape: [2] };
  assert.throws(() => schemaOf("Reshape")?.infer([x, shape], {}, 1), /the shape must be a constant/);
  assert.throws(() => schemaOf("NonZero")?.infer([x], {}, 1), /depends on the data/);
});

Deno.test("schemaOf() looks into the default domain first", () => {
  assert.equal(schemaOf("QuantizeLinear")?.domain, undefined);
  assert.equal(schemaOf("QuantizeLinear", "com.microsoft")?.domain, "com.microsoft");
  assert.equal(schemaOf("Relu", "com.microsoft"), undefined);
  assert.equal(schemaOf("Relu", "elsewhere"), undefined);
});
