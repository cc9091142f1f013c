/**
 * ONNX Runtime's integer kernels against their arithmetic as `asKernels` writes it down: the same graph, fused and not.
 *
 * Scales are drawn in relations that make ties (equal, small fractions, powers of two) and in ones that do not.
 */
import { codeRangeOf } from "../../src/numbers/codes.ts";
import { Random } from "../../src/numbers/random.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import { type Graph, sizeOf } from "../../src/onnx/graph.ts";
import { GraphBuilder, type Value } from "../../src/onnx/writer.ts";
import { asKernels } from "../../src/passes/step/kernels/as_kernels.ts";
import { Session, type SessionOptions } from "../../src/runtime/session.ts";

/** Types of codes that kernels have. */
export type KernelCodes = "uint8" | "int8";

/** A grid. */
interface Drawn {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What a case is drawn from. */
interface Draw {
  readonly random: Random;
  readonly dtype: KernelCodes;
  /** Draws a grid; all grids of a case are related. */
  grid(): Drawn;
}

/** A kernel's operator between grids. */
export interface KernelCase {
  readonly shapes: readonly (readonly number[])[];
  readonly grids: readonly Drawn[];
  readonly output: Drawn;
  /** Writes the operator on dequantized inputs. */
  readonly write: (b: GraphBuilder, inputs: readonly Value[]) => Value;
  /** The inputs' codes where they are not drawn. */
  readonly codes?: readonly ArrayLike<number>[];
}

/** How many codes differ. */
export interface SweepResult {
  readonly compared: number;
  readonly different: number;
}

/** The kernels that are swept, by the name of ONNX Runtime's operator. */
export const SWEPT: Readonly<Record<string, (draw: Draw) => KernelCase>> = {
  QLinearAdd: (draw) => allPairs("Add", draw),
  QLinearMul: (draw) => allPairs("Mul", draw),
  "QLinearAdd, spread": (draw) => spread("Add", draw),
  "QLinearMul, spread": (draw) => spread("Mul", draw),
  QLinearAveragePool: average,
  QLinearGlobalAveragePool: globalAverage,
  QLinearConv: convolution,
  QGemm: matrixProduct,
};

/** Draws `cases` cases of `kernel` and compares all their codes. */
export function sweep(kernel: string, options: {
  readonly cases: number;
  readonly seed: number;
  readonly dtype: KernelCodes;
  /** Computes the float operators instead, as training does. */
  readonly inFloat?: boolean;
}): SweepResult {
  let [compared, different] = [0, 0];
  for (let i = 0; i < options.cases; i++) {
    const random = new Random(options.seed, [Object.keys(SWEPT).indexOf(kernel), i]);
    const drawn = SWEPT[kernel](drawOf(random, options.dtype, i));
    const graph = graphOf(drawn, options.dtype);
    const feeds = feedsOf(drawn, options.dtype, random);
    const fused = run(graph, feeds, { precise: true, int8Activations: options.dtype === "int8" });
    const written = run(options.inFloat ? graph : asKernels.run(graph).graph, feeds, {
      optimization: "disabled",
      keepQdq: true,
    });
    compared += fused.length;
    for (let k = 0; k < fused.length; k++) if (fused[k] !== written[k]) different++;
  }
  return { compared, different };
}

function drawOf(random: Random, dtype: KernelCodes, i: number): Draw {
  const base = random.between(0.001, 0.1);
  const { qmin, qmax } = codeRangeOf(dtype);
  const ratios = [
    () => 1,
    () => (1 + random.below(8)) / (1 + random.below(8)),
    () => 2 ** (random.below(9) - 4),
    () => random.between(0.05, 20),
  ];
  const ratio = ratios[i % ratios.length];
  return {
    random,
    dtype,
    grid: () => ({
      scale: Math.fround(base * ratio()),
      zeroPoint: random.chance(0.3) ? qmin : qmin + random.below(qmax - qmin + 1),
    }),
  };
}

function allPairs(op: string, { grid, dtype }: Draw): KernelCase {
  const { qmin } = codeRangeOf(dtype);
  const codes = [
    Array.from({ length: 65536 }, (_, i) => qmin + (i & 255)),
    Array.from({ length: 65536 }, (_, i) => qmin + (i >> 8)),
  ];
  return {
    shapes: [[65536], [65536]],
    grids: [grid(), grid()],
    output: productsFit(op, grid()),
    write: (b, [x, y]) => b.node("Relu", [b.node(op, [x, y])]),
    codes,
  };
}

/** Products of values of small scales would all be 0 on a grid like theirs. */
function productsFit(op: string, { scale, zeroPoint }: Drawn): Drawn {
  return op === "Mul" ? { scale: Math.fround(scale * scale * 16), zeroPoint } : { scale, zeroPoint };
}

/** One number a channel, or one in all, against a picture, on either side. */
function spread(op: string, { random, grid }: Draw): KernelCase {
  const picture = [2, 5, 7, 9];
  const small = [[2, 5, 1, 1], [1, 5, 1, 1], [1, 5, 7, 9], [1, 1, 1, 1], [2, 5, 1, 9]][random.below(5)];
  return {
    shapes: random.chance(0.5) ? [picture, small] : [small, picture],
    grids: [grid(), grid()],
    output: productsFit(op, grid()),
    write: (b, [x, y]) => b.node(op, [x, y]),
  };
}

function average(draw: Draw): KernelCase {
  const { random, grid } = draw;
  if (random.chance(0.2)) return wholeAverage(draw);
  const window = [1 + random.below(4), 1 + random.below(4)];
  const pads = [0, 1, 2, 3].map((i) => random.chance(0.5) ? 0 : random.below(window[i % 2]));
  const attrs = { kernel_shape: window, strides: [1 + random.below(3), 1 + random.below(3)], pads };
  return {
    shapes: [[2, 1 + random.below(20), 9, 11]],
    grids: [grid()],
    output: grid(),
    write: (b, [x]) => b.node("AveragePool", [x], attrs),
  };
}

/** A window as large as the picture. */
function wholeAverage({ random, grid }: Draw): KernelCase {
  const window = [1 + random.below(7), 1 + random.below(7)];
  return {
    shapes: [[4, 1 + random.below(40), ...window]],
    grids: [grid()],
    output: grid(),
    write: (b, [x]) => b.node("AveragePool", [x], { kernel_shape: window, strides: [2, 2] }),
  };
}

function globalAverage({ random, grid }: Draw): KernelCase {
  return {
    shapes: [[4, 1 + random.below(40), 1 + random.below(9), 1 + random.below(9)]],
    grids: [grid()],
    output: grid(),
    write: (b, [x]) => b.node("GlobalAveragePool", [x]),
  };
}

function convolution(draw: Draw): KernelCase {
  const { random } = draw;
  const isDepthwise = random.chance(0.5);
  const [channels, outputs] = isDepthwise ? [12, 12] : [1 + random.below(24), 1 + random.below(24)];
  const attrs = { kernel_shape: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1] };
  const group = isDepthwise ? channels : 1;
  const weighted = weightsFor(draw, { shape: [outputs, channels / group, 3, 3], axis: 0 });
  return {
    ...weighted,
    shapes: [[4, channels, 16, 16]],
    write: (b, [x]) => {
      const { weights, bias } = weighted.constants(b);
      return b.node("Relu", [b.node("Conv", [x, weights, bias], { ...attrs, group })]);
    },
  };
}

function matrixProduct(draw: Draw): KernelCase {
  const shape = [1 + draw.random.below(90), 1 + draw.random.below(40)];
  const weighted = weightsFor(draw, { shape, axis: 1 });
  return {
    ...weighted,
    shapes: [[133, shape[0]]],
    write: (b, [x]) => {
      const { weights, bias } = weighted.constants(b);
      return b.node("Add", [b.node("MatMul", [x, weights]), bias]);
    },
  };
}

interface Weighted extends Pick<KernelCase, "grids" | "output"> {
  /** Writes the constants: weights of int8 per channel, and biases on the grid of the sums. */
  constants(b: GraphBuilder): { readonly weights: Value; readonly bias: Value };
}

/** Weights, and an output on which sums of products spread over many codes: in every other case with exact ties. */
function weightsFor({ random, grid }: Draw, { shape, axis }: {
  readonly shape: readonly number[];
  readonly axis: number;
}): Weighted {
  const input = grid();
  const channels = shape[axis];
  const [own, hasTies] = [random.between(0.0005, 0.004), random.chance(0.5)];
  const scales = Float32Array.from({ length: channels }, () => hasTies ? own : random.between(0.0005, 0.004));
  const codes = Int8Array.from({ length: sizeOf(shape) }, () => random.below(255) - 127);
  const biases = Int32Array.from({ length: channels }, () => random.below(40_001) - 20_000);
  // Sums that are odd multiples of half this many are ties.
  const steps = 2 * Math.ceil(50 * Math.sqrt(sizeOf(shape) / channels) * random.between(0.5, 2));
  const of = (b: GraphBuilder, type: "int8" | "int32", to: readonly number[], data: Int8Array | Int32Array) => {
    const scale = type === "int8" ? scales : scales.map((scale) => input.scale * scale);
    const zeroPoint = b.constant(type, [channels], new Array<number>(channels).fill(0));
    const parameters = [b.constant("float32", [channels], scale), zeroPoint];
    return b.node("DequantizeLinear", [b.constant(type, to, data), ...parameters], {
      axis: to.length === 1 ? 0 : axis,
    });
  };
  return {
    grids: [input],
    output: { ...grid(), scale: Math.fround(input.scale * scales[0] * steps) },
    constants: (b) => ({ weights: of(b, "int8", shape, codes), bias: of(b, "int32", [channels], biases) }),
  };
}

function graphOf({ shapes, grids, output, write }: KernelCase, dtype: KernelCodes): Graph {
  const b = new GraphBuilder();
  const parameters = ({ scale, zeroPoint }: Drawn) => [
    b.constant("float32", [], [scale]),
    b.constant(dtype, [], [zeroPoint]),
  ];
  const inputs = shapes.map((shape, i) =>
    b.node("DequantizeLinear", [b.input(dtype, shape, `x${i}`), ...parameters(grids[i])])
  );
  const y = write(b, inputs);
  return b.build("kernel", [b.node("QuantizeLinear", [y, ...parameters(output)]).name]);
}

type Feeds = Parameters<Session["run"]>[0];

function feedsOf({ shapes, codes }: KernelCase, dtype: KernelCodes, random: Random): Feeds {
  const { qmin, qmax } = codeRangeOf(dtype);
  // Pictures have saturated areas: the last codes are more common than others.
  const draw = () => random.chance(0.1) ? qmax : qmin + random.below(qmax - qmin + 1);
  return Object.fromEntries(shapes.map((shape, i) => {
    const values = codes?.[i] ?? Array.from({ length: sizeOf(shape) }, draw);
    return [`x${i}`, { dtype, shape, data: dtype === "uint8" ? Uint8Array.from(values) : Int8Array.from(values) }];
  }));
}

function run(graph: Graph, feeds: Feeds, options: SessionOptions): Uint8Array | Int8Array {
  const session = new Session(encodeModel(graph), { ...options, threads: 1 });
  try {
    // The graph's output is codes.
    return session.run(feeds)[graph.outputs[0]].data as Uint8Array | Int8Array;
  } finally {
    session.dispose();
  }
}
