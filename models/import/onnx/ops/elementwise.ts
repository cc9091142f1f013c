/** Operators on each number by itself, and sums and products. */
import { type Call, refuse, type Row } from "../_call.ts";
import { constantAs, constantValue, join, type Laid, scale } from "../_constants.ts";
import { storedShape, type Value } from "../_value.ts";
import { elementwise, operation } from "../_operation.ts";

/** Activations of TF.js, by ONNX's operators. */
const PLAIN: Readonly<Record<string, string>> = {
  Sigmoid: "sigmoid",
  Tanh: "tanh",
  Softsign: "softsign",
  Softplus: "softplus",
  Mish: "mish",
};

/** The rows. */
export const ELEMENTWISE: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(
    Object.entries(PLAIN).map(([op, activation]) => [op, (call: Call) => unary(call, "Activation", { activation })]),
  ),
  Relu: (call) => ({ ...unary(call, "ReLU", {}), isNonNegative: true }),
  LeakyRelu: (call) => unary(call, "LeakyReLU", { alpha: call.number("alpha", 0.01) }),
  Elu: (call) => {
    const alpha = call.number("alpha", 1);
    if (alpha === 1) return unary(call, "ELU", { alpha });
    const x = call.value(0);
    return call.gives(operation(call, "elu", { inbound: [x.read()], options: { alpha } }), x.order);
  },
  Gelu: (call) =>
    unary(call, "Activation", { activation: call.text("approximate", "none") === "tanh" ? "gelu_new" : "gelu" }),
  PRelu: pRelu,
  Clip: clip,
  HardSigmoid: (call) => hardSigmoid(call, { alpha: call.number("alpha", 0.2), beta: call.number("beta", 0.5) }),
  HardSwish: (call) => product(call, call.value(0), hardSigmoid(call, { alpha: 1 / 6, beta: 0.5 })),
  Add: (call) => sum(call, 1),
  Sum: (call) => merge(call, "Add"),
  Sub: (call) => sum(call, -1),
  Mul: multiply,
  Div: divide,
  And: (call) => merge(call, "Multiply"),
  Or: (call) => merge(call, "Maximum"),
  ThresholdedRelu: (call) => unary(call, "ThresholdedReLU", { theta: call.number("alpha", 1) }),
  Max: (call) => merge(call, "Maximum"),
  Min: (call) => merge(call, "Minimum"),
  Mean: (call) => merge(call, "Average"),
  Neg: (call) => scale(call, call.value(0), { factor: -1 }),
  Identity: same,
  Dropout: same,
  Cast: (call) => cast(call, call.number("to", 1)),
  CastLike: (call) => cast(call, call.isInteger(1) ? INTEGERS[0] : REALS[0]),
};

function same(call: Call): Value {
  return call.value(0);
}

/** TensorProto's codes of float32, float16, float64 and bfloat16, of whole numbers, and of booleans. */
const REALS: readonly number[] = [1, 10, 11, 16];
const INTEGERS: readonly number[] = [2, 3, 4, 5, 6, 7, 12, 13];
const BOOL = 9;

/** Masks are real numbers here, 0 and 1, and so are whole numbers. */
function cast(call: Call, to: number): Value {
  const x = call.value(0);
  const isNonNegative = x.isNonNegative === true;
  if (REALS.includes(to)) return x;
  if (INTEGERS.includes(to)) {
    return call.isInteger(0)
      ? x
      : call.gives(operation(call, "trunc", { inbound: [x.read()] }), x.order, { isNonNegative });
  }
  if (to !== BOOL) refuse("it gives texts");
  const nothing = call.builder.constant(x.order.map(() => 1), Float32Array.of(0));
  const isNothing = operation(call, "equal", { inbound: [x.read(), nothing], suffix: "_nothing" });
  return call.gives(operation(call, "not", { inbound: [isNothing] }), x.order, { isNonNegative: true });
}

function unary(call: Call, className: string, config: Readonly<Record<string, string | number | null>>): Value {
  const x = call.value(0);
  return call.gives(call.builder.layer({ className, config: { ...config }, inbound: [x.read()] }), x.order);
}

function pRelu(call: Call): Value {
  const x = call.value(0);
  const slope = constantAs(call, 1, x) ?? refuse("its slope is computed, a constant is needed");
  const stored = storedShape(x);
  const sharedAxes = slope.shape.flatMap((side, i) => side === 1 && stored[i] !== 1 ? [i + 1] : []);
  const weights = [{ name: "alpha", shape: slope.shape, data: slope.data }];
  const config = { sharedAxes };
  return call.gives(call.builder.layer({ className: "PReLU", config, inbound: [x.read()], weights }), x.order);
}

/** The largest float32. */
const FLOAT32 = 3.4028234663852886e38;

function clip(call: Call): Value {
  if (call.isValue(1) || call.isValue(2)) return bounded(call);
  const bound = (i: number, otherwise: number) => call.has(i) ? call.reals(i, "bound")[0] : otherwise;
  const [low, high] = [bound(1, -Infinity), bound(2, Infinity)];
  const x = call.value(0);
  const isOpen = high > 3e38;
  if (low < -3e38 && isOpen) return x;
  if (low !== 0) {
    const options = { min: Math.max(low, -FLOAT32), max: Math.min(high, FLOAT32) };
    return call.gives(operation(call, "clip", { inbound: [x.read()], options }), x.order, { isNonNegative: low > 0 });
  }
  return { ...unary(call, "ReLU", { maxValue: isOpen ? null : high }), isNonNegative: true };
}

/** Between bounds that are computed. */
function bounded(call: Call): Value {
  return ([[1, "Maximum"], [2, "Minimum"]] as const).reduce((x, [i, className]) => {
    if (!call.has(i)) return x;
    const bound = call.isValue(i) ? whole(call, call.value(i)) : constantValue(call, i, x);
    return joined(call, className, [whole(call, x), bound]);
  }, call.value(0));
}

/** min(1, max(0, alpha · x + beta)) */
function hardSigmoid(call: Call, { alpha, beta }: { readonly alpha: number; readonly beta: number }): Value {
  const x = call.value(0);
  if (alpha === 0.2 && beta === 0.5) {
    return { ...unary(call, "Activation", { activation: "hardSigmoid" }), isNonNegative: true };
  }
  const name = operation(call, "hardSigmoid", { inbound: [x.read()], options: { alpha, beta } });
  return call.gives(name, x.order, { isNonNegative: true });
}

function product(call: Call, a: Value, b: Value): Value {
  return call.gives(join(call, "Multiply", [a.read(), b.read()]), a.order);
}

function sum(call: Call, sign: 1 | -1): Value {
  const place = call.isValue(0) ? 0 : 1;
  const other = 1 - place;
  if (call.isValue(other)) {
    if (sign === 1) return merge(call, "Add");
    return elementwise(call, "subtract", [0, 1]);
  }
  const x = call.value(place);
  const { shape, data } = constantAs(call, other, x) ?? refuse("one of its inputs is unknown");
  const term = sign === -1 && other === 1 ? data.map((value) => -value) : data;
  const base = sign === -1 && other === 0 ? scale(call, x, { factor: -1 }) : x;
  const biased = asBias(call, base, { shape, data: term, readers: call.readersOf(place) });
  if (biased !== undefined) return { shape: call.outputShape(), order: base.order, read: base.read };
  return call.gives(join(call, "Add", [base.read(), call.builder.constant(shape, term)]), base.order);
}

/** Layers that a bias can be given. */
const BIASED = new Set(["Conv1D", "Conv2D", "DepthwiseConv2D", "GroupConv2D", "Dense", "Conv2DTranspose"]);

/** Makes a constant term the bias of the layer before, if nobody else reads that and it has a number for each channel. */
function asBias(
  { builder }: Call,
  x: Value,
  { shape, data, readers }: Laid & { readonly readers: number },
): true | undefined {
  const node = builder.nodeOf(x.read());
  const channels = storedShape(x).at(-1);
  if (node === undefined || readers !== 1 || !BIASED.has(node.layer.className)) return undefined;
  if (shape.slice(0, -1).some((side) => side !== 1) || channels === undefined) return undefined;
  const { layer } = node;
  const old = layer.weights.find(({ name }) => name === "bias");
  const bias = Float32Array.from(
    { length: channels },
    (_, i) => Number(old?.data[i] ?? 0) + data[data.length === 1 ? 0 : i],
  );
  const weights = [
    ...layer.weights.filter(({ name }) => name !== "bias"),
    { name: "bias", dtype: "float32" as const, shape: [channels], data: bias },
  ];
  builder.replace({ ...node, layer: { ...layer, config: { ...layer.config, useBias: true }, weights } });
  return true;
}

function multiply(call: Call): Value {
  const place = call.isValue(0) ? 0 : 1;
  if (call.isValue(1 - place)) return merge(call, "Multiply");
  const x = call.value(place);
  const { shape, data } = constantAs(call, 1 - place, x) ?? refuse("one of its inputs is unknown");
  return call.gives(join(call, "Multiply", [x.read(), call.builder.constant(shape, data)]), x.order, {
    isNonNegative: x.isNonNegative === true && data.every((factor) => factor >= 0),
  });
}

/** By constants it is a product; of whole numbers what is left over is dropped. */
function divide(call: Call): Value {
  if (call.isInteger(0)) {
    const quotient = elementwise(call, "divide", [0, 1]);
    return call.gives(operation(call, "trunc", { inbound: [quotient.read()] }), quotient.order);
  }
  if (call.isValue(1)) return elementwise(call, "divide", [0, 1]);
  const x = call.value(0);
  const { shape, data } = constantAs(call, 1, x) ?? refuse("its divisor is unknown");
  const factors = data.map((value) => 1 / value);
  if (!factors.every(Number.isFinite)) refuse("it divides by 0");
  return call.gives(join(call, "Multiply", [x.read(), call.builder.constant(shape, factors)]), x.order, {
    isNonNegative: x.isNonNegative === true && factors.every((factor) => factor >= 0),
  });
}

/** Joins all inputs, constants among them, by a layer of TF.js. */
function merge(call: Call, className: string): Value {
  const places = call.node.inputs.map((_, i) => i);
  const values = places.filter((i) => call.isValue(i)).map((i) => call.value(i));
  const [first] = values;
  const constants = places.filter((i) => !call.isValue(i)).map((i) => constantValue(call, i, first));
  if (places.length === 1) return first;
  const isChoice = className === "Maximum" || className === "Minimum";
  return joined(call, className, [...isChoice ? values.map((value) => whole(call, value)) : values, ...constants]);
}

/** Repeats a value up to the shape of the output: TF.js's gradients of the larger and the smaller want that. */
function whole(call: Call, x: Value): Value {
  const shape = call.outputShape();
  const repeats = x.order.map((axis) => shape[axis] / x.shape[axis]);
  if (shape.length !== x.shape.length || repeats.every((count) => count === 1)) return x;
  const name = operation(call, "tile", { inbound: [x.read()], options: { repeats }, suffix: "_repeated" });
  return { shape: x.shape.map((side, axis) => axis === 0 ? side : shape[axis]), order: x.order, read: () => name };
}

function joined(call: Call, className: string, values: readonly Value[]): Value {
  const shape = call.outputShape();
  const [first] = values.toSorted((a, b) => size(b) - size(a));
  if (values.some((value) => value.shape.length !== shape.length)) {
    refuse(`it joins ${values.map((value) => `[${value.shape}]`).join(" and ")}, values of one rank are needed`);
  }
  const inbound = values.map((value) => call.builder.stored(value, first.order));
  const isNonNegative = values.every((value) => value.isNonNegative === true);
  return call.gives(call.builder.layer({ className, inbound }), first.order, { isNonNegative });
}

function size({ shape }: Value): number {
  return shape.reduce((product, side) => product * side, 1);
}
