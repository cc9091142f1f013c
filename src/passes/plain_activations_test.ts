import assert from "node:assert/strict";
import { OPS } from "../ops/mod.ts";
import type { GraphBuilder, Value } from "../onnx/writer.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf } from "./_test_support.ts";
import { plainActivations, plainActivationsOfFiles } from "./plain_activations.ts";

type Kernel = "Sigmoid" | "Elu" | "Selu";

function activation(kernel: Kernel, b: GraphBuilder, x: Value): Value {
  return OPS[kernel].lower(b, { x }, {}) as Value;
}

/** Units in the last place of numbers around 1. */
const UNITS = 1e-6;

for (const kernel of ["Sigmoid", "Elu", "Selu"] as const) {
  Deno.test(`plainActivations() writes ${kernel} when something else is computed of it`, () => {
    const graph = graphOf([3, 7], (b, x) => b.node("Mul", [x, activation(kernel, b, x)]));
    const plain = applied(plainActivations, graph);
    assertSameNumbers(graph, plain, { tolerance: UNITS, real: true });
    assert.deepEqual(opsOf(plain), [kernel, "Mul"]);
  });

  Deno.test(`plainActivations() writes ${kernel} when it is quantized, and so does the step that simulates it`, () => {
    const graph = graphOf([3, 7], (b, x) => fakeQuantized(b, activation(kernel, b, x), { scale: 1 / 256 }));
    for (const pass of [plainActivations, plainActivationsOfFiles]) {
      assert.deepEqual(opsOf(applied(pass, graph)), [kernel, "QuantizeLinear", "DequantizeLinear"]);
    }
  });

  Deno.test(`plainActivationsOfFiles() leaves ${kernel} as it is when nothing is quantized`, () => {
    const graph = graphOf([3, 7], (b, x) => b.node("Mul", [x, activation(kernel, b, x)]));
    assert.equal(applied(plainActivationsOfFiles, graph), graph);
  });

  Deno.test(`plainActivations() leaves alone what is ${kernel} but for one number or one value`, () => {
    const graph = graphOf([3, 7], (b, x) => b.node("Mul", [x, activation(kernel, b, x)]));
    const numbers = [...graph.initializers.keys()];
    for (const name of kernel === "Selu" ? numbers.filter((_, i) => i > 0 && i < 4) : numbers) {
      const tensor = graph.initializers.get(name)!;
      const other = { ...tensor, data: (tensor.data as Float32Array).map((value) => value + 0.25) };
      const changed = { ...graph, initializers: new Map([...graph.initializers, [name, other]]) };
      assert.deepEqual(opsOf(applied(plainActivations, changed)), opsOf(graph), name);
    }
  });
}

Deno.test("plainActivations() leaves a sigmoid as it is when its result leaves the graph or goes into a logarithm", () => {
  const graphs = [
    graphOf([3, 7], (b, x) => activation("Sigmoid", b, x)),
    graphOf([3, 7], (b, x) => b.node("Reshape", [activation("Sigmoid", b, x), b.constant("int64", [1], [21])])),
    graphOf([3, 7], (b, x) => b.node("Neg", [b.node("Log", [activation("Sigmoid", b, x)])])),
    graphOf([3, 7], (b, x) => {
      const bounds = [b.constant("float32", [], [1e-30]), b.constant("float32", [], [1])];
      return b.node("Neg", [b.node("Log", [b.node("Clip", [activation("Sigmoid", b, x), ...bounds])])]);
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(plainActivations, graph)), opsOf(graph));
});

Deno.test("plainActivations() writes Elu when it is an output of the graph", () => {
  const graph = graphOf([3, 7], (b, x) => activation("Elu", b, x));
  assert.deepEqual(opsOf(applied(plainActivations, graph)), ["Elu"]);
});

Deno.test("plainActivations() leaves a sum alone when its two sides are of different values", () => {
  const graph = graphOf([3, 7], (b, x) => {
    const elu = activation("Elu", b, x);
    const other = activation("Elu", b, b.node("Neg", [x]));
    return b.node("Mul", [b.node("Sub", [elu, b.node("Relu", [x])]), b.node("Sub", [other, b.node("Relu", [x])])]);
  });
  assertSameNumbers(graph, applied(plainActivations, graph), { tolerance: UNITS, real: true });
});
