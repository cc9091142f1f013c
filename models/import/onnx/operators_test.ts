import assert from "node:assert/strict";
import type * as tfl from "@tensorflow/tfjs-layers";
import { ONNX_ROWS } from "./mod.ts";
import { RECURRENT } from "./ops/recurrent.ts";
import { MOVEMENT_CASES } from "./_movement_cases.ts";
import { OPERATOR_CASES, PICTURE } from "./_operator_cases.ts";
import { assertImports } from "./_test_net.ts";

/** Classes of all layers but inputs and constants. */
function classesOf({ layers }: tfl.LayersModel): string {
  const names = layers.map((layer) =>
    layer.getClassName() === "Operation" ? `·${layer.getConfig().operation}` : layer.getClassName()
  );
  return names.filter((name) => name !== "InputLayer" && name !== "ConstantValue").join(" ");
}

const CASES = [...OPERATOR_CASES, ...MOVEMENT_CASES];

for (const { op, attrs = {}, inputs = () => [], first = () => "x", shape = PICTURE, ...more } of CASES) {
  const { outputs = 1, opset = 17, batch, layers } = more;
  const told = `${JSON.stringify(attrs)} of opset ${opset}${layers === undefined ? "" : ` as ${layers}`}`;
  Deno.test(`loadOnnx() imports ${op} ${told}`, async () => {
    const model = await assertImports({
      shape,
      opset,
      ...(batch === undefined ? {} : { batch }),
      write: (net) => {
        const name = net.add(op, [first(net), ...inputs(net)], attrs, outputs);
        return Array.from({ length: outputs }, (_, i) => i === 0 ? name : `${name}_${i}`);
      },
    });
    if (layers !== undefined) assert.equal(classesOf(model), layers);
    model.dispose();
  });
}

Deno.test("ONNX_ROWS has no operator without a case", () => {
  // Recurrent operators have a test of their own.
  const known = new Set([...CASES.map(({ op }) => op), ...Object.keys(RECURRENT)]);
  assert.deepEqual(Object.keys(ONNX_ROWS).filter((op) => !known.has(op)), []);
});
