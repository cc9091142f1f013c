/** Files for ARM and WebNN hold the numbers of those for x86, moved by 128. */
import assert from "node:assert/strict";
import type { Graph, Tensor } from "../src/onnx/graph.ts";
import { exportFor, NETS } from "../quantize/targets/_test_nets.ts";

/** What a file holds: by node of a grid of activations its scale and zero point, and all codes of constants with scales. */
function numbersOf({ nodes, initializers }: Graph) {
  const activations: (readonly [name: string, scale: number, zeroPoint: number])[] = [];
  const constants: (readonly [name: string, codes: readonly number[], scales: readonly number[]])[] = [];
  for (const { op, name: own, inputs } of nodes) {
    // TF.js counts layers without a name.
    const name = own.replace(/Dense\d+/, "Dense");
    if (op !== "QuantizeLinear" && op !== "DequantizeLinear") continue;
    const [codes, scale, zero] = inputs.map((input) => initializers.get(input));
    if (codes === undefined) activations.push([name, Number(scale!.data[0]), Number(zero!.data[0])]);
    else constants.push([name, numbers(codes), numbers(scale!)]);
  }
  return { activations, constants };
}

function numbers({ data }: Tensor): readonly number[] {
  return Array.from<number | bigint, number>(data, Number);
}

for (const [net, build] of Object.entries(NETS)) {
  Deno.test(`files for arm and webnn hold the numbers of those for x86, codes less 128, when the net is: ${net}`, async () => {
    const x86 = numbersOf((await exportFor("x86", build)).exported.graph);
    const shifted = x86.activations.map(([name, scale, zeroPoint]) => [name, scale, zeroPoint - 128]);
    assert.ok(shifted.length > 0 && x86.constants.length > 0);
    const arm = numbersOf((await exportFor("arm", build)).exported.graph);
    assert.deepEqual(arm.activations, shifted);
    assert.deepEqual(arm.constants, x86.constants);
    const webnn = numbersOf((await exportFor("webnn", build)).exported.graph);
    assert.deepEqual(webnn.activations, shifted);
    // Those of a Gemm are transposed, and biases of zeros come on top.
    const sorted = (codes: readonly number[]) => codes.toSorted((a, b) => a - b);
    for (const [name, codes, scales] of x86.constants) {
      const found = webnn.constants.find(([other, ...same]) =>
        other.startsWith(name) && sorted(same[0]).join() === sorted(codes).join() && same[1].join() === scales.join()
      );
      assert.ok(found !== undefined, `${name} has other numbers`);
    }
  });
}
