/** Small QDQ graphs made by hand, for the tests of what fuses. */
import { GraphBuilder, type Value } from "../src/onnx/writer.ts";
import type { Attrs, Graph } from "../src/onnx/graph.ts";

/** A grid of uint8 codes. */
export interface Grid {
  readonly scale?: number;
  readonly zeroPoint?: number;
}

/** What graphs are made of. The input "x" is float32 [1, 4, 4, 4], [n, c, h, w]. */
export class Sketch {
  readonly builder: GraphBuilder = new GraphBuilder();
  readonly x: Value = this.builder.input("float32", [1, 4, 4, 4], "x");

  /** Quantizes and dequantizes. */
  qdq(x: Value, { scale = 0.02, zeroPoint = 0 }: Grid = {}): Value {
    const grid = [this.#scalar(scale), this.builder.constant("uint8", [], [zeroPoint])];
    const codes = this.builder.node("QuantizeLinear", [x, ...grid]);
    return this.builder.node("DequantizeLinear", [codes, ...grid]);
  }

  /** An operator that is a layer of its own; both are called `name`. */
  node(name: string, op: string, { inputs, attrs = {} }: {
    readonly inputs: readonly (Value | null)[];
    readonly attrs?: Attrs;
  }): Value {
    this.builder.layer = name;
    const value = this.builder.node(op, inputs, attrs);
    this.builder.layer = undefined;
    return value;
  }

  /** A 1×1 convolution "conv" of 4 channels to 4, with int8 weights unless others are given. */
  conv(x: Value, weights: Value = this.weights([4, 4, 1, 1], 0)): Value {
    const attrs = { kernel_shape: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 1 };
    return this.node("conv", "Conv", { inputs: [x, weights, this.bias(4)], attrs });
  }

  /** Dequantized int8 weights, per channel on `axis`. */
  weights(shape: readonly number[], axis: number): Value {
    const codes = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37) % 255 - 127);
    return this.#dequantized("int8", { shape, codes, axis, scale: 0.01 });
  }

  /** Dequantized int32 biases on the grid of `weights` and of the default input. */
  bias(channels: number): Value {
    const codes = new Array<number>(channels).fill(3);
    return this.#dequantized("int32", { shape: [channels], codes, axis: 0, scale: 0.01 * 0.02 });
  }

  /** A float constant. */
  float(shape: readonly number[], value: number): Value {
    return this.builder.constant("float32", shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(value));
  }

  /** A constant of int64: a shape, pads. */
  ints(...values: readonly number[]): Value {
    return this.builder.constant("int64", [values.length], values);
  }

  #scalar(value: number): Value {
    return this.builder.constant("float32", [], [value]);
  }

  #dequantized(dtype: "int8" | "int32", { shape, codes, axis, scale }: {
    readonly shape: readonly number[];
    readonly codes: readonly number[];
    readonly axis: number;
    readonly scale: number;
  }): Value {
    const channels = shape[axis];
    return this.builder.node("DequantizeLinear", [
      this.builder.constant(dtype, shape, codes),
      this.float([channels], scale),
      this.builder.constant(dtype, [channels], new Array<number>(channels).fill(0)),
    ], { axis });
  }
}

/** Draws a graph; nodes of a layer bear its name. */
export function sketch(draw: (s: Sketch) => Value | readonly Value[]): Graph {
  const s = new Sketch();
  const outputs = [draw(s)].flat() as readonly Value[];
  const graph = s.builder.build("sketch", outputs.map(({ name }) => name));
  return { ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: node.layer ?? node.name })) };
}
