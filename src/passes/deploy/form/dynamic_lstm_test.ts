import assert from "node:assert/strict";
import { INT8_SYMMETRIC_PER_CHANNEL } from "../../../numbers/scheme.ts";
import type { Attrs, Graph, Node, Tensor, ValueType } from "../../../onnx/graph.ts";
import { runPasses } from "../../pass.ts";
import { applied, opsOf, reals, run } from "../../_test_support.ts";
import {
  assertNear,
  bytesOfConstants,
  columnCodes,
  dynamicCodes,
  fused,
  runFused,
  SMALL_CODES,
} from "./_test_support.ts";
import { dynamicLstm } from "./dynamic_lstm.ts";

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly width: number;
  readonly units: number;
}

const float = (shape: readonly number[], data: readonly number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

/** An LSTM with seeded constants; `inputs` are those behind W and R. */
function lstmGraph({ steps, batch, width, units }: Sizes, options: {
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly inputs?: readonly string[];
  readonly attrs?: Attrs;
} = {}): Graph {
  const { direction = "forward", inputs = ["b"], attrs = {} } = options;
  const directions = direction === "bidirectional" ? 2 : 1;
  const initializers = new Map<string, Tensor>([
    ["w", float([directions, 4 * units, width], reals(directions * 4 * units * width, 1))],
    ["r", float([directions, 4 * units, units], reals(directions * 4 * units * units, 2))],
    ["b", float([directions, 8 * units], reals(directions * 8 * units, 3))],
    ["lengths", { dtype: "int32", shape: [batch], data: Int32Array.from({ length: batch }, (_, i) => 1 + i % steps) }],
    ["h", float([directions, batch, units], reals(directions * batch * units, 4))],
    ["c", float([directions, batch, units], reals(directions * batch * units, 5))],
  ]);
  const node: Node = {
    op: "LSTM",
    name: "lstm",
    layer: "lstm",
    inputs: ["x", "w", "r", ...inputs],
    outputs: ["y", "y_h", "y_c"],
    attrs: { hidden_size: units, direction, ...attrs },
  };
  const state: ValueType = { dtype: "float32", shape: [directions, batch, units] };
  const used = new Set(node.inputs);
  return {
    name: "recurrent",
    inputs: ["x"],
    outputs: ["y", "y_h", "y_c"],
    initializers: new Map([...initializers].filter(([name]) => used.has(name))),
    nodes: [node],
    types: new Map<string, ValueType>([
      ["x", { dtype: "float32", shape: [steps, batch, width] }],
      ["y", { dtype: "float32", shape: [steps, directions, batch, units] }],
      ["y_h", state],
      ["y_c", state],
    ]),
  };
}

/** Rows [m, k] times the codes of weights [columns, k], the rows rounded to one grid, as DynamicQuantizeLSTM does. */
function product(rows: readonly number[], weights: readonly number[], { k, qmax }: {
  readonly k: number;
  readonly qmax: number;
}): readonly (readonly number[])[] {
  const columns = weights.length / k;
  const transposed = Array.from(
    { length: weights.length },
    (_, i) => weights[i % columns * k + Math.floor(i / columns)],
  );
  const w = columnCodes(transposed, columns, qmax);
  const { codes, scale, zeroPoint } = dynamicCodes(Float32Array.from(rows));
  return Array.from({ length: rows.length / k }, (_, row) =>
    w.scales.map((s, c) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += (codes[row * k + i] - zeroPoint) * w.codes[i * columns + c];
      return sum * scale * s;
    }));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** A forward LSTM by its definition, both products on integers: inputs rounded as a whole, states at every step. */
function reference(graph: Graph, x: readonly number[], { steps, batch, width, units }: Sizes, qmax: number): number[] {
  const [w, r, b] = ["w", "r", "b"].map((name) => [...graph.initializers.get(name)!.data as Float32Array]);
  const gates = product(x, w, { k: width, qmax });
  let h = new Array<number>(batch * units).fill(0);
  const c = new Array<number>(batch * units).fill(0);
  const y: number[] = [];
  for (let t = 0; t < steps; t++) {
    const recurrent = product(h, r, { k: units, qmax });
    const gate = (n: number, g: number, u: number) => {
      const at = g * units + u;
      return gates[t * batch + n][at] + recurrent[n][at] + b[at] + b[4 * units + at];
    };
    h = h.map((_, i) => {
      const [n, u] = [Math.floor(i / units), i % units];
      const [input, output, forget] = [0, 1, 2].map((g) => sigmoid(gate(n, g, u)));
      c[i] = forget * c[i] + input * Math.tanh(gate(n, 3, u));
      return output * Math.tanh(c[i]);
    });
    y.push(...h);
  }
  return y;
}

Deno.test("dynamicLstm() computes what an LSTM with rounded inputs, states and weights does", () => {
  for (const sizes of [{ steps: 5, batch: 3, width: 7, units: 4 }, { steps: 1, batch: 1, width: 1, units: 1 }]) {
    const graph = lstmGraph(sizes);
    const after = applied(dynamicLstm(SMALL_CODES), graph);
    assert.deepEqual(opsOf(after), ["DynamicQuantizeLSTM"]);
    const x = reals(sizes.steps * sizes.batch * sizes.width, 9).map(Math.fround);
    const [y] = run(after, { x: Float32Array.from(x) });
    // ONNX Runtime's sigmoid and tanh are polynomials; a state next to a tie may have the neighbouring code.
    assertNear(y.data as Float32Array, reference(graph, x, sizes, 63), 1e-3);
  }
});

const SIZES: Sizes = { steps: 6, batch: 4, width: 20, units: 16 };

for (const direction of ["forward", "reverse", "bidirectional"] as const) {
  for (const inputs of [[], ["b"], ["b", "lengths"], ["b", "", "h", "c"], ["", "", "h"]]) {
    Deno.test(`dynamicLstm() answers close to the float LSTM when given ${direction} and [${inputs}]`, () => {
      const graph = lstmGraph(SIZES, { direction, inputs });
      const after = applied(dynamicLstm(INT8_SYMMETRIC_PER_CHANNEL), graph);
      const x = Float32Array.from(reals(SIZES.steps * SIZES.batch * SIZES.width, 9));
      const expected = run(graph, { x });
      runFused(after, { x }, { precise: true }).forEach((values, i) => {
        assertNear(values, expected[i].data as Float32Array, 0.05);
      });
    });
  }
}

Deno.test("dynamicLstm() keeps activations and clipping", () => {
  const attrs: Attrs = {
    activations: ["HardSigmoid", "Tanh", "Tanh"],
    activation_alpha: [0.2],
    activation_beta: [0.5],
    clip: 1.5,
  };
  const graph = lstmGraph(SIZES, { attrs });
  const after = applied(dynamicLstm(SMALL_CODES), graph);
  const x = Float32Array.from(reals(SIZES.steps * SIZES.batch * SIZES.width, 9));
  assertNear(run(after, { x })[0].data as Float32Array, run(graph, { x })[0].data as Float32Array, 0.05);
});

Deno.test("dynamicLstm() takes a quarter of the bytes, and ONNX Runtime runs the operator as it is", () => {
  const graph = lstmGraph({ steps: 2, batch: 1, width: 128, units: 64 });
  const after = applied(dynamicLstm(INT8_SYMMETRIC_PER_CHANNEL), graph);
  assert.ok(bytesOfConstants(after) < bytesOfConstants(graph) / 3.4);
  assert.deepEqual(opsOf(fused(after)), ["DynamicQuantizeLSTM"]);
});

Deno.test("dynamicLstm() rounds weights that two LSTMs share once, for sessions of every kind", () => {
  const graph = lstmGraph({ steps: 3, batch: 2, width: 8, units: 5 }, { direction: "bidirectional" });
  const [node] = graph.nodes;
  const again: Node = { ...node, name: "again", inputs: ["x", "w", "r"], outputs: ["z", "z_h", "z_c"] };
  const types = new Map([
    ...graph.types,
    ...["y", "y_h", "y_c"].map((y) => [`z${y.slice(1)}`, graph.types.get(y)!] as const),
  ]);
  const twice: Graph = { ...graph, nodes: [node, again], outputs: ["y", "z"], types };
  const after = applied(dynamicLstm(INT8_SYMMETRIC_PER_CHANNEL), twice);
  assert.deepEqual(after.nodes[0].inputs.slice(1, 3), after.nodes[1].inputs.slice(1, 3));
  const x = Float32Array.from(reals(48, 9));
  const expected = run(twice, { x });
  for (const precise of [false, true]) {
    runFused(after, { x }, { precise }).forEach((values, i) => {
      assertNear(values, expected[i].data as Float32Array, 0.05);
    });
  }
});

Deno.test("dynamicLstm() says why an LSTM stays in float", () => {
  const pass = dynamicLstm(INT8_SYMMETRIC_PER_CHANNEL);
  const becauseOf = (graph: Graph) => runPasses([pass], graph).declined.map(({ because }) => because);
  assert.deepEqual(becauseOf(lstmGraph(SIZES, { attrs: { layout: 1 } })), [
    "the batch is its first dimension, which DynamicQuantizeLSTM does not have",
  ]);
  assert.deepEqual(becauseOf({ ...lstmGraph(SIZES), initializers: new Map() }), ["its weights are no constants"]);
});

Deno.test("dynamicLstm() refuses weights that are no numbers, and names them", () => {
  const graph = lstmGraph(SIZES);
  const { data } = graph.initializers.get("r")!;
  (data as Float32Array)[3] = NaN;
  assert.throws(() => dynamicLstm(INT8_SYMMETRIC_PER_CHANNEL).run(graph), {
    name: "RangeError",
    message: `Cannot round constant "r": element 3 is NaN, finite numbers are needed`,
  });
});
