/** Random graphs as TF.js's lowerings write them: channels-last, Transposes around what wants channels first. */
import { GraphBuilder, type Value } from "../onnx/writer.ts";
import { codeOf } from "../numbers/dtype.ts";
import { type Attrs, type Graph, sizeOf } from "../onnx/graph.ts";
import { ints, wholeNumbers } from "./_test_support.ts";

/** One step: which operator, and three free choices. */
export interface Step {
  readonly op: number;
  readonly pick: readonly [number, number, number];
}

/** A graph under construction and the values that later steps may read. */
interface State {
  readonly b: GraphBuilder;
  /** Values computed exactly: whole numbers. */
  readonly values: Value[];
  /** Values that only outputs may read: their rounding depends on the order of sums. */
  readonly inexact: Value[];
}

type Apply = (state: State, x: Value, pick: Step["pick"]) => Value | readonly Value[] | undefined;

const MAX_ELEMENTS = 3000;
const FIRST = { perm: [0, 3, 1, 2] };
const LAST = { perm: [0, 2, 3, 1] };

/** Runs `fn` between Transposes, on pictures only. */
function inChannelsFirst(fn: (b: GraphBuilder, x: Value, pick: Step["pick"]) => Value | undefined): Apply {
  return ({ b }, x, pick) => {
    if (x.shape.length !== 4 || x.shape.includes(0)) return undefined;
    const y = fn(b, b.node("Transpose", [x], FIRST), pick);
    return y && b.node("Transpose", [y], LAST);
  };
}

/** Keeps whole numbers small, so that sums of their products stay exact. */
function clip(b: GraphBuilder, x: Value): Value {
  return b.node("Clip", [x, b.constant("float32", [], [-5]), b.constant("float32", [], [4])]);
}

function whole(b: GraphBuilder, shape: readonly number[], seed: number): Value {
  return b.constant("float32", shape, wholeNumbers(sizeOf(shape), { seed, span: 2 }));
}

/** Turns a scalar, vector or picture into an operand that broadcasts against `x`. */
function operandFor(state: State, x: Value, [a, c]: readonly number[]): Value {
  const { b, values } = state;
  const rank = x.shape.length;
  const fitting = values.filter(({ shape }) =>
    shape.length <= rank && shape.every((dim, i) => dim === 1 || dim === x.shape[rank - shape.length + i])
  );
  if (c % 2 === 0 && fitting.length > 0) return fitting[a % fitting.length];
  const length = a % (rank + 1);
  const shape = x.shape.slice(rank - length).map((dim, i) => ((c >> (i + 1)) & 1) === 1 ? 1 : dim);
  if (c % 3 !== 0) return whole(b, shape, a + c);
  // Not a constant: a sum over nothing but a constant and an input's element.
  const zero = b.node("ReduceSum", [values[0], ints(b, values[0].shape.map((_, i) => i))], { keepdims: 0 });
  return b.node("Add", [whole(b, shape, a + c), b.node("Mul", [zero, b.constant("float32", [], [0])])]);
}

const STEPS: Readonly<Record<string, Apply>> = {
  conv: inChannelsFirst((b, x, [a, c, d]) => {
    const k = 1 + a % 3;
    const kernel = whole(b, [1 + c % 4, x.shape[1], k, k], d);
    return clip(
      b,
      b.node("Conv", [x, kernel], {
        kernel_shape: [k, k],
        pads: [k - 1, 0, 0, k - 1],
        strides: [1, 1 + d % 2],
        dilations: [1, 1],
        group: 1,
      }),
    );
  }),
  pool: inChannelsFirst((b, x, [a, c]) => {
    const k = 1 + a % 2;
    return b.node("MaxPool", [x], { kernel_shape: [k, 2], pads: [0, 0, k - 1, 1], strides: [1 + c % 2, 1] });
  }),
  norm: inChannelsFirst((b, x, [a]) => {
    const channels = [x.shape[1]];
    const ones = b.constant("float32", channels, new Array(channels[0]).fill(1));
    return b.node("BatchNormalization", [
      x,
      whole(b, channels, a),
      whole(b, channels, a + 1),
      whole(b, channels, a + 2),
      ones,
    ], { epsilon: 0 });
  }),
  resize: inChannelsFirst((b, x, [a]) => {
    const sizes = ints(b, [x.shape[0], x.shape[1], x.shape[2] + a % 3, x.shape[3] * 2]);
    return b.node("Resize", [x, null, null, sizes], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  }),
  unary: ({ b }, x, [a]) => b.node(["Relu", "Neg", "Abs", "Sign", "Floor", "Identity"][a % 6], [x]),
  binary: (state, x, [a, c, d]) => {
    const op = ["Add", "Sub", "Mul", "Max", "Min", "Add"][a % 6];
    const y = operandFor(state, x, [c, d]);
    return clip(state.b, state.b.node(op, d % 5 === 0 ? [y, x] : [x, y]));
  },
  prelu: ({ b }, x, [a]) => {
    if (x.shape.length === 0) return undefined;
    return clip(b, b.node("PRelu", [x, whole(b, x.shape.slice(a % x.shape.length), a)]));
  },
  where: (state, x, [a, c, d]) => {
    const y = operandFor(state, x, [a, c]);
    return state.b.node("Where", [state.b.node("Greater", [x, y]), x, operandFor(state, x, [c, d])]);
  },
  concat: ({ b, values }, x, [a, c]) => {
    if (x.shape.length === 0) return undefined;
    const axis = a % x.shape.length;
    const fitting = values.filter(({ shape }) =>
      shape.length === x.shape.length && shape.every((dim, i) => i === axis || dim === x.shape[i])
    );
    return b.node("Concat", [x, fitting[c % fitting.length], x], { axis: c % 2 === 0 ? axis : axis - x.shape.length });
  },
  split: ({ b }, x, [a, c]) => {
    const axis = a % Math.max(x.shape.length, 1);
    if (x.shape.length === 0 || x.shape[axis] < 2) return undefined;
    const sizes = ints(b, [1, x.shape[axis] - 1]);
    const attrs: Attrs = axis === 0 ? {} : { axis: c % 2 === 0 ? axis : axis - x.shape.length };
    return b.nodes("Split", [x, sizes], attrs, 2);
  },
  pad: ({ b }, x, [a, c]) => {
    if (x.shape.length === 0) return undefined;
    const amounts = Array.from({ length: 2 * x.shape.length }, (_, i) => (a >> i) & 1);
    return b.node("Pad", [x, ints(b, amounts), b.constant("float32", [], [c % 3])], { mode: "constant" });
  },
  padBeforeConv: ({ b }, x, [a]) => {
    if (x.shape.length !== 4) return undefined;
    const padded = b.node("Pad", [x, ints(b, [0, 1, 1, 0, 0, a % 2, 1, a % 3]), b.constant("float32", [], [0])], {
      mode: "constant",
    });
    const y = b.node("MaxPool", [b.node("Transpose", [padded], FIRST)], {
      kernel_shape: [2, 2],
      pads: [0, 0, 0, 0],
      strides: [1, 1],
    });
    return b.node("Transpose", [y], LAST);
  },
  slice: ({ b }, x, [a, c, d]) => {
    if (x.shape.length === 0) return undefined;
    const axes = x.shape.map((_, i) => i).filter((i) => ((a >> i) & 1) === 1);
    if (axes.length === 0) {
      return b.node("Slice", [
        x,
        ints(b, x.shape.map(() => 0)),
        ints(b, x.shape.map((dim) => Math.max(1, dim - 1))),
      ]);
    }
    const reversed = axes.map((_, i) => ((d >> i) & 1) === 1);
    return b.node("Slice", [
      x,
      ints(b, axes.map((axis, i) => reversed[i] ? -1 : Math.min(1, x.shape[axis] - 1))),
      ints(b, axes.map((axis, i) => reversed[i] ? -1000 : x.shape[axis])),
      ints(b, axes.map((axis) => c % 2 === 0 ? axis : axis - x.shape.length)),
      ints(b, reversed.map((back) => back ? -1 : 1)),
    ]);
  },
  reduceSum: ({ b }, x, [a, c]) => {
    const axes = x.shape.map((_, i) => i).filter((i) => ((a >> i) & 1) === 1).map((i) =>
      c % 3 === 0 ? i - x.shape.length : i
    );
    if (axes.length === 0) return undefined;
    return clip(b, b.node("ReduceSum", [x, ints(b, axes)], { keepdims: c % 2 }));
  },
  reduceMax: ({ b }, x, [a, c]) => {
    const axes = x.shape.map((_, i) => i).filter((i) => ((a >> i) & 1) === 1);
    if (axes.length === 0) return undefined;
    return clip(b, b.node(["ReduceMax", "ReduceMin", "ReduceSumSquare"][c % 3], [x], { axes, keepdims: (c >> 2) % 2 }));
  },
  argMax: ({ b }, x, [a, c]) => {
    if (x.shape.length === 0) return undefined;
    const axis = a % x.shape.length;
    const index = b.node(c % 2 === 0 ? "ArgMax" : "ArgMin", [x], { axis, keepdims: (c >> 1) % 2 });
    return b.node("Cast", [index], { to: codeOf("float32") });
  },
  quantize: ({ b }, x, [a, c]) => {
    const perChannel = c % 2 === 1 && x.shape.length > 0;
    const axis = a % Math.max(x.shape.length, 1);
    const shape = perChannel ? [x.shape[axis]] : [];
    const size = sizeOf(shape);
    const scale = b.constant("float32", shape, Array.from({ length: size }, (_, i) => 2 ** (i % 3 - 1)));
    const zeroPoint = b.constant("uint8", shape, Array.from({ length: size }, (_, i) => 3 + (perChannel ? i % 2 : 0)));
    const attrs: Attrs = perChannel ? { axis: c % 4 === 1 ? axis : axis - x.shape.length } : {};
    const codes = b.node("QuantizeLinear", [x, scale, zeroPoint], attrs);
    return clip(b, b.node("Floor", [b.node("DequantizeLinear", [codes, scale, zeroPoint], attrs)]));
  },
  expand: ({ b }, x, [a, c]) => {
    const shape = x.shape.map((dim, i) => dim === 1 && ((a >> i) & 1) === 1 ? 2 : dim);
    return b.node("Expand", [x, ints(b, c % 3 === 0 ? [2, ...shape] : shape)]);
  },
  tile: ({ b }, x, [a]) => {
    if (x.shape.length === 0) return undefined;
    return b.node("Tile", [x, ints(b, x.shape.map((_, i) => 1 + ((a >> i) & 1)))]);
  },
  flatten: ({ b }, x, [a]) => {
    const cut = a % (x.shape.length + 1);
    return b.node("Reshape", [x, ints(b, [...x.shape.slice(0, cut), sizeOf(x.shape.slice(cut))])]);
  },
  unsqueeze: ({ b }, x) => x.shape.length < 4 ? b.node("Reshape", [x, ints(b, [1, ...x.shape])]) : undefined,
  spread: ({ b }, x) => {
    const [n, ...rest] = x.shape;
    return x.shape.length === 2 ? b.node("Reshape", [x, ints(b, [n, 1, 1, ...rest])]) : undefined;
  },
  transpose: ({ b }, x, [a]) => {
    const perm = x.shape.map((_, i) => i);
    if (perm.length < 2) return undefined;
    const at = a % (perm.length - 1);
    [perm[at], perm[at + 1]] = [perm[at + 1], perm[at]];
    return b.node("Transpose", [x], { perm });
  },
  matmul: ({ b }, x, [a]) => {
    if (x.shape.length < 2) return undefined;
    return clip(b, b.node("MatMul", [x, whole(b, [x.shape[x.shape.length - 1], 1 + a % 3], a)]));
  },
};

/** Steps whose results round: they become outputs and nothing reads them. */
const INEXACT: Readonly<Record<string, Apply>> = {
  softmax: ({ b }, x, [a]) => {
    const rank = x.shape.length;
    if (rank === 0) return undefined;
    // The default axis is the last.
    return b.node("Softmax", [x], a % 5 === 0 ? {} : { axis: a % rank - (a % 2) * rank });
  },
  logSoftmax: ({ b }, x, [a]) =>
    x.shape.length === 0 ? undefined : b.node("LogSoftmax", [x], { axis: a % x.shape.length }),
  mean: ({ b }, x, [a, c]) => {
    const axes = x.shape.map((_, i) => i).filter((i) => ((a >> i) & 1) === 1);
    return axes.length === 0
      ? b.node("ReduceMean", [x], { keepdims: c % 2 })
      : b.node("ReduceMean", [x], { axes, keepdims: c % 2 });
  },
  averagePool: inChannelsFirst((b, x) =>
    b.node("AveragePool", [x], { kernel_shape: [2, 1], pads: [1, 0, 1, 0], strides: [1, 1] })
  ),
};

const EXACT_STEPS = Object.values(STEPS);
const ALL_STEPS = [...EXACT_STEPS, ...Object.values(INEXACT)];

/** Number of different steps. */
export const STEP_COUNT = ALL_STEPS.length;

/** A step that guardPad() answers with numbers next below 0 for 0, which makes a difference to ArgMax. */
export const PAD_BEFORE_POOL: number = Object.keys(STEPS).indexOf("padBeforeConv");

/** Builds the graph that `steps` describe; a step that does not fit the value it is applied to is left out. */
export function randomGraph(steps: readonly Step[]): Graph {
  const b = new GraphBuilder();
  const state: State = { b, values: [b.input("float32", [2, 4, 3, 2], "x")], inexact: [] };
  for (const { op, pick } of steps) {
    // Mostly the newest value, so that chains grow long.
    const back = pick[2] % 3 === 0 ? pick[0] % state.values.length : 0;
    const x = state.values[state.values.length - 1 - back];
    const made = ALL_STEPS[op](state, x, pick);
    const list = made === undefined ? [] : "name" in made ? [made] : made;
    const fitting = list.filter(({ shape }) => sizeOf(shape) > 0 && sizeOf(shape) <= MAX_ELEMENTS && shape.length <= 5);
    (op < EXACT_STEPS.length ? state.values : state.inexact).push(...fitting);
  }
  const last = state.values.slice(1).slice(-2);
  const outputs = [...last, ...state.inexact, ...state.values.slice(1, 2)].map(({ name }) => name);
  if (outputs.length === 0) outputs.push(b.node("Identity", [state.values[0]]).name);
  return b.build("random", [...new Set(outputs)]);
}
