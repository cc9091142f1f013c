import assert from "node:assert/strict";
import { reducedWeights } from "../recipe.ts";
import { canSaturate } from "../target.ts";
import { exportFor, NETS, testTarget } from "./_test_nets.ts";
import { targetOf } from "./mod.ts";
import { x86 } from "./x86.ts";
import { x86Portable } from "./x86_portable.ts";

// Plain sessions: on a CPU without VNNI these are the kernels that add pairs of products in 16 bits.
testTarget("x86-portable", { session: { precise: false } });

Deno.test('target "x86-portable" uses all codes within ±64 and none beyond, for batch norm alone too', async () => {
  const { exported: { graph } } = await exportFor("x86-portable", NETS["batch norm alone"]);
  const convs = graph.nodes.filter(({ op }) => op === "Conv");
  assert.equal(convs.length, 3);
  for (const { inputs } of convs) {
    const weights = graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!;
    const codes = Array.from(graph.initializers.get(weights.inputs[0])!.data, Number);
    assert.equal(codes.reduce((most, code) => Math.max(most, Math.abs(code)), 0), 64);
  }
  assert.ok(!canSaturate(x86Portable));
});

Deno.test('target "x86-portable" has the very file of target "x86" with weights of a reduced range', async () => {
  for (const net of ["conv", "dense", "add", "batch norm"]) {
    const portable = (await exportFor("x86-portable", NETS[net])).exported.graph;
    const reduced = (await exportFor("x86", NETS[net], { rules: [reducedWeights(x86.weights[0])] })).exported.graph;
    const numbers = ({ initializers }: typeof reduced) => [...initializers.values()];
    assert.deepEqual(numbers(reduced), numbers(portable));
    assert.notDeepEqual(numbers((await exportFor("x86", NETS[net])).exported.graph), numbers(portable));
  }
});

Deno.test("reducedWeights() keeps uint8 weights within 64 codes of the one for 0", async () => {
  const rules = [reducedWeights(targetOf("x86-u8u8").weights[0])];
  const { exported: { graph } } = await exportFor("x86-u8u8", NETS.conv, { rules });
  const weights = [...graph.initializers.values()].filter(({ dtype, shape }) =>
    dtype === "uint8" && shape.length === 4
  );
  const codes = weights.flatMap(({ data }) => Array.from(data as Uint8Array));
  assert.deepEqual([Math.min(...codes), Math.max(...codes)], [64, 192]);
});
