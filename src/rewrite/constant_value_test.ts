import assert from "node:assert/strict";
import { ConstantValue } from "./constant_value.ts";

Deno.test("ConstantValue takes shapes of whole numbers above 0 and no others", () => {
  assert.deepEqual(new ConstantValue({ shape: [2, 3] }).shape, [2, 3]);
  for (const shape of [[0], [2, -1], [1.5], [NaN], [2, "3"], "3", undefined]) {
    assert.throws(
      // What a damaged file may hold
      () => new ConstantValue({ name: "c", shape: shape as number[] }),
      ({ name, message }) =>
        name === "RangeError" &&
        /^Cannot make "c": its shape is .+, a list of whole numbers above 0 and of less than 2\^31 elements is needed$/
          .test(message),
    );
  }
});

Deno.test("ConstantValue gives its numbers for every sample, and says their shape", () => {
  const layer = new ConstantValue({ name: "c", shape: [2, 3] });
  assert.deepEqual(layer.computeOutputShape([null, 7]), [null, 2, 3]);
});
