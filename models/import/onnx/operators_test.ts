import assert from "node:assert/strict";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { ImportFacts } from "../imported.ts";
import { ONNX_LAYERS } from "./layers.ts";
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

/** What a layer computes: its class, or the name of its activation or operation. */
function kindOf(layer: tfl.layers.Layer): string {
  const { operation, activation } = layer.getConfig();
  const name = { Operation: operation, Activation: activation }[layer.getClassName()] ?? layer.getClassName();
  return String(name);
}

/** What nodes of an operator became as layers. */
function kindsOf(op: string, { records }: ImportFacts, model: tfl.LayersModel): readonly string[] {
  const names = records.flatMap(({ operator, became }) => operator === op && Array.isArray(became) ? became : []);
  return names.map((name) => kindOf(model.getLayer(name))).filter((kind) => kind !== "ConstantValue");
}

const CASES = [...OPERATOR_CASES, ...MOVEMENT_CASES];
/** What operators became in all cases. */
const became = new Map<string, Set<string>>();

for (const { op, attrs = {}, inputs = () => [], first = () => "x", shape = PICTURE, ...more } of CASES) {
  const { outputs = 1, opset = 17, batch, layers } = more;
  const told = `${JSON.stringify(attrs)} of opset ${opset}${layers === undefined ? "" : ` as ${layers}`}`;
  Deno.test(`loadOnnx() imports ${op} ${told}`, async () => {
    const facts: ImportFacts[] = [];
    const model = await assertImports({
      shape,
      opset,
      ...(batch === undefined ? {} : { batch }),
      write: (net) => {
        const name = net.add(op, [first(net), ...inputs(net)], attrs, outputs);
        return Array.from({ length: outputs }, (_, i) => i === 0 ? name : `${name}_${i}`);
      },
    }, { onImport: (told) => facts.push(told) });
    if (layers !== undefined) assert.equal(classesOf(model), layers);
    became.set(op, new Set([...became.get(op) ?? [], ...kindsOf(op, facts[0], model)]));
    model.dispose();
  });
}

Deno.test("ONNX_LAYERS says what became of operators in all cases above", () => {
  for (const [op, kinds] of became) assert.deepEqual([...kinds].toSorted(), ONNX_LAYERS[op], op);
  assert.deepEqual(Object.keys(ONNX_LAYERS).toSorted(), Object.keys(ONNX_ROWS).toSorted());
});

Deno.test("ONNX_ROWS has no operator without a case", () => {
  // Recurrent operators have a test of their own.
  const known = new Set([...CASES.map(({ op }) => op), ...Object.keys(RECURRENT)]);
  assert.deepEqual(Object.keys(ONNX_ROWS).filter((op) => !known.has(op)), []);
});
