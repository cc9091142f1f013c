import assert from "node:assert/strict";
import fc from "fast-check";
import { OPS } from "../../ops/mod.ts";
import { type HostTensor, Session } from "../../runtime/session.ts";
import { assertLegal } from "../../onnx/check/check.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { TypedArray } from "../../numbers/dtype.ts";
import { PER_TENSOR, perChannel } from "../../numbers/scheme.ts";
import type { Graph } from "../../onnx/graph.ts";
import { decodeModel, encodeModel } from "../../onnx/file/mod.ts";
import { countOps, graphOf, realConstant, reals, run } from "../_test_support.ts";
import { type Evaluate, optimizeForExport } from "./mod.ts";

/** Runs a graph in ONNX Runtime, as the exporter does. */
const evaluate: Evaluate = (graph: Graph) => {
  const session = new Session(encodeModel(graph), { optimization: "disabled", keepQdq: true, threads: 1 });
  const outputs: [string, HostTensor][] = Object.entries(session.run({}));
  session.dispose();
  return new Map(outputs.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data as TypedArray }]));
};

/** What may stand between two fake quantizers. */
const LAYERS = ["conv", "conv-norm", "depthwise", "padded", "max", "average", "add", "concat", "same-scale"] as const;
const ACTIVATIONS = ["linear", "relu", "relu6"] as const;

interface Layer {
  readonly kind: (typeof LAYERS)[number];
  readonly activation: (typeof ACTIVATIONS)[number];
  readonly stride: 1 | 2;
}

const OUTPUT_SCALE = 0.05;

/** A trained net as it is recorded: TF.js's layouts, everything that quantization asks for computed from constants. */
class Net {
  #seed = 0;

  constructor(readonly b: GraphBuilder) {}

  /** Applies a kernel of TF.js with one output. */
  kernel(name: keyof typeof OPS, inputs: Readonly<Record<string, Value>>, attrs: Record<string, unknown> = {}): Value {
    const output = OPS[name].lower(this.b, inputs, attrs);
    return "name" in output ? output : output[0];
  }

  real(...shape: readonly number[]): Value {
    return realConstant(this.b, shape, ++this.#seed);
  }

  quantized(x: Value, scale: number, zeroPoint: number): Value {
    const grid = {
      scale: this.b.constant("float32", [], [scale]),
      zeroPoint: this.b.constant("float32", [], [zeroPoint]),
    };
    return this.kernel("FakeQuantize", { x, ...grid }, { qmin: 0, qmax: 255, granularity: PER_TENSOR });
  }

  weights(shape: readonly number[], axis: number): Value {
    const [n] = [shape[axis]];
    const grid = {
      scale: this.b.constant("float32", [n], Array.from({ length: n }, (_, c) => (1 + c / 8) / 127)),
      zeroPoint: this.b.constant("float32", [n], new Array<number>(n).fill(0)),
    };
    const attrs = { qmin: -127, qmax: 127, granularity: perChannel(axis) };
    return this.kernel("FakeQuantize", { x: this.real(...shape), ...grid }, attrs);
  }

  layer(x: Value, { kind, activation, stride }: Layer): Value {
    const [channels] = x.shape.slice(-1);
    const window = { filterSize: 2, strides: stride, pad: "same" };
    const conv = { strides: stride, pad: "same", dataFormat: "NHWC", dilations: 1 };
    switch (kind) {
      case "conv":
      case "conv-norm":
      case "padded": {
        const padded = kind === "padded"
          ? this.kernel("PadV2", { x }, { paddings: [[0, 0], [1, 0], [0, 1], [0, 0]], constantValue: 0 })
          : x;
        const filter = this.weights([3, 3, channels, 4], 3);
        const y = this.kernel("Conv2D", { x: padded, filter }, conv);
        const sum = this.kernel("Add", { a: y, b: this.real(4) });
        return this.#activated(kind === "conv-norm" ? this.#norm(sum) : sum, activation);
      }
      case "depthwise": {
        const y = this.kernel("DepthwiseConv2dNative", { x, filter: this.weights([3, 3, channels, 1], 2) }, conv);
        return this.#activated(this.#norm(y), activation);
      }
      case "max":
        return this.kernel("MaxPool", { x }, window);
      case "same-scale":
        return this.kernel("Transpose", { x: this.kernel("Identity", { x }) }, { perm: [0, 2, 1, 3] });
      case "average":
        return this.quantized(this.kernel("AvgPool", { x }, window), OUTPUT_SCALE, 100);
      case "add":
        return this.quantized(this.#activated(this.kernel("Add", { a: x, b: x }), activation), OUTPUT_SCALE, 90);
      case "concat":
        return this.quantized(
          this.kernel("Concat", [x, x] as object as Record<string, Value>, { axis: 3 }),
          OUTPUT_SCALE,
          110,
        );
    }
  }

  #norm(x: Value): Value {
    const shape = x.shape.slice(-1);
    const variance = this.b.constant("float32", shape, reals(shape[0], 5).map((v) => v + 1.5));
    const inputs = { x, scale: this.real(...shape), offset: this.real(...shape), mean: this.real(...shape), variance };
    return this.kernel("FusedBatchNorm", inputs, { varianceEpsilon: 1e-3 });
  }

  #activated(x: Value, activation: Layer["activation"]): Value {
    if (activation === "linear") return this.quantized(x, OUTPUT_SCALE, 128);
    return this.quantized(
      this.kernel(activation === "relu" ? "Relu" : "Relu6", { x }),
      activation === "relu" ? OUTPUT_SCALE : 6 / 255,
      0,
    );
  }
}

function netOf(layers: readonly Layer[]): Graph {
  return graphOf([2, 8, 7, 3], (b, x) => {
    const net = new Net(b);
    let y = net.quantized(x, 2 / 255, 128);
    for (const layer of layers) y = net.layer(y, layer);
    const pooled = net.quantized(net.kernel("Mean", { x: y }, { axis: [1, 2], keepDims: false }), 0.02, 60);
    const dense = net.weights([pooled.shape[1], 5], 1);
    const product = net.kernel("BatchMatMul", { a: pooled, b: dense }, { transposeA: false, transposeB: false });
    return net.quantized(net.kernel("Add", { a: product, b: net.real(5) }), OUTPUT_SCALE, 128);
  });
}

const layer: fc.Arbitrary<Layer> = fc.record({
  kind: fc.constantFrom(...LAYERS),
  activation: fc.constantFrom(...ACTIVATIONS),
  stride: fc.constantFrom(1, 2),
});

Deno.test("optimizeForExport() keeps the answers of random quantized nets to a code, and leaves nothing to fold", () => {
  let [compared, different] = [0, 0];
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 5 }), (layers) => {
      const before = netOf(layers);
      const after = optimizeForExport(before, { evaluate, debug: true }).graph;
      assertLegal(after, { opset: 17 });
      const feeds = { x: Float32Array.from(reals(2 * 8 * 7 * 3, 9)) };
      const [expected, actual] = [before, after].map((graph) => run(graph, feeds)[0].data as Float32Array);
      // Rounding the biases to the accumulator's grid moves a value by half of a step that is some hundredths of a code.
      actual.forEach((y, i) => {
        const codes = Math.round((y - expected[i]) / OUTPUT_SCALE);
        assert.ok(Math.abs(codes) <= 1, `${codes} codes`);
        compared++;
        if (codes !== 0) different++;
      });
      const counts = countOps(after);
      assert.equal(counts.BatchNormalization ?? 0, 0);
      assert.equal(counts.ReduceMean ?? 0, 0);
      assert.equal(counts.MatMul ?? 0, 0);
      const isBiased = after.nodes.filter(({ op }) => op === "Conv" || op === "Gemm").every(({ inputs }) =>
        inputs.length === 3
      );
      assert.ok(isBiased);
      // To channels-first; and around what swaps height and width, which is done channels-last.
      assert.ok((counts.Transpose ?? 0) <= 1 + 3 * layers.filter(({ kind }) => kind === "same-scale").length);
    }),
    { seed: 1, numRuns: 80 },
  );
  assert.ok(different <= compared / 20, `${different} of ${compared}`);
});

Deno.test("optimizeForExport() finds nothing more to do in its own result", () => {
  const layers = LAYERS.map((kind, i) => ({ kind, activation: ACTIVATIONS[i % 3], stride: 1 } as const));
  const once = optimizeForExport(netOf(layers), { evaluate, debug: true }).graph;
  const twice = optimizeForExport(once, { evaluate, debug: true }).graph;
  assert.deepEqual(countOps(twice), countOps(once));
  const feeds = { x: Float32Array.from(reals(2 * 8 * 7 * 3, 9)) };
  assert.deepEqual(run(twice, feeds), run(once, feeds));
});

Deno.test("optimizeForExport() leaves ONNX Runtime nothing to compute in float", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const layers = LAYERS.map((kind, i) => ({ kind, activation: ACTIVATIONS[i % 3], stride: 1 } as const));
    const after = optimizeForExport(netOf(layers), { evaluate, debug: true }).graph;
    const path = `${folder}/optimized.onnx`;
    new Session(encodeModel(after), { threads: 1, optimization: "extended", optimizedModelPath: path }).dispose();
    const ops = decodeModel(Deno.readFileSync(path)).graph.nodes.map(({ op }) => op);
    const float = ops.filter((op) => !/^(QLinear|QGemm|Quantize|Dequantize|MaxPool|Transpose|Reshape)/.test(op));
    assert.deepEqual(float, []);
    assert.equal(ops.filter((op) => op === "QLinearConv").length, 4);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
