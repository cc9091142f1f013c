/** Normalizations: by statistics that are known, or by those of each sample. */
import { sizeOf } from "../../../../src/onnx/graph.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import { lastOrder, plainOrder, type Value } from "../_value.ts";
import { reshaped } from "./shape.ts";

/** The rows. */
export const NORMALIZATIONS: Readonly<Record<string, Row>> = {
  BatchNormalization: batchNorm,
  GroupNormalization: groupNorm,
  InstanceNormalization: instanceNorm,
  LayerNormalization: layerNorm,
  LRN: responseNorm,
  LpNormalization: lpNorm,
  MeanVarianceNormalization: meanVarianceNorm,
};

/** Axes that TF.js normalizes at the most, the batch and the channels among them. */
const MOST_AXES = 4;

function batchNorm(call: Call): Value {
  const given = call.value(0);
  if (call.number("training_mode", 0) !== 0) refuse("it is in training mode");
  const [n, channels, ...space] = given.shape;
  const isWide = given.shape.length > MOST_AXES;
  const x = isWide ? reshaped(call, given, [n, channels, sizeOf(space)]) : given;
  const order = lastOrder(x, 1);
  const [gamma, beta, mean, variance] = ["scale", "bias", "mean", "variance"].map((what, i) => call.reals(i + 1, what));
  const shape = [gamma.length];
  const name = call.builder.layer({
    className: "BatchNormalization",
    config: {
      axis: -1,
      momentum: call.number("momentum", 0.9),
      epsilon: call.number("epsilon", 1e-5),
      center: true,
      scale: true,
    },
    inbound: [call.builder.stored(x, order)],
    weights: [
      { name: "gamma", shape, data: gamma },
      { name: "beta", shape, data: beta },
      { name: "moving_mean", shape, data: mean },
      { name: "moving_variance", shape, data: variance },
    ],
  });
  return isWide ? reshaped(call, { shape: x.shape, order, read: () => name }, given.shape) : call.gives(name, order);
}

interface Standardized {
  /** ONNX's axes that mean and variance are over. */
  readonly axes: readonly number[];
  readonly epsilon: number;
}

/** (x − mean) / √(variance + ε), the mean and variance those of each sample over `axes`. */
function standardized(call: Call, x: Value, { axes, epsilon }: Standardized): Value {
  const { builder } = call;
  const options = { by: "mean", axes: axes.map((axis) => x.order.indexOf(axis) + 1).toSorted(), keepDims: true };
  const source = x.read();
  const mean = operation(call, "reduce", { inbound: [source], options, suffix: "_mean" });
  const centred = operation(call, "subtract", { inbound: [source, mean], suffix: "_centred" });
  const squared = operation(call, "square", { inbound: [centred], suffix: "_squared" });
  const variance = operation(call, "reduce", { inbound: [squared], options, suffix: "_variance" });
  const least = builder.constant(x.order.map(() => 1), Float32Array.of(epsilon));
  const positive = builder.layer({ className: "Add", inbound: [variance, least] }, "_positive");
  const deviation = operation(call, "sqrt", { inbound: [positive], suffix: "_deviation" });
  const name = operation(call, "divide", { inbound: [centred, deviation], suffix: "_normed" });
  return { shape: x.shape, order: x.order, read: () => name };
}

/** x · scale + bias, numbers for each channel. */
function byChannel(
  { builder }: Call,
  x: Value,
  { factors, terms }: { readonly factors: Float32Array; readonly terms: Float32Array },
): Value {
  const shape = x.order.map((axis) => axis === 1 ? x.shape[1] : 1);
  const scaled = builder.layer(
    { className: "Multiply", inbound: [x.read(), builder.constant(shape, factors)] },
    "_scaled",
  );
  const name = builder.layer({ className: "Add", inbound: [scaled, builder.constant(shape, terms)] });
  return { shape: x.shape, order: x.order, read: () => name };
}

function instanceNorm(call: Call): Value {
  const x = call.value(0);
  if (x.shape.length < 3) refuse(`it normalizes [${x.shape}], pictures or rows are needed`);
  const axes = x.order.filter((axis) => axis !== 1);
  const normed = standardized(call, x, { axes, epsilon: call.number("epsilon", 1e-5) });
  return byChannel(call, normed, { factors: call.reals(1, "scale"), terms: call.reals(2, "bias") });
}

/** Until opset 20 scale and bias are of groups, since then of channels. */
function groupNorm(call: Call): Value {
  const x = call.value(0);
  const [n, channels, ...space] = x.shape;
  const groups = call.number("num_groups", 1);
  const own = channels / groups;
  const parted = reshaped(call, x, [n, groups, own, ...space]);
  const axes = parted.order.filter((axis) => axis !== 1);
  const normed = standardized(call, parted, { axes, epsilon: call.number("epsilon", 1e-5) });
  const [factors, terms] = ["scale", "bias"].map((what, i) => {
    const given = call.reals(i + 1, what);
    return given.length === channels
      ? given
      : Float32Array.from({ length: channels }, (_, c) => given[Math.floor(c / own)]);
  });
  return byChannel(call, reshaped(call, normed, x.shape), { factors, terms });
}

function meanVarianceNorm(call: Call): Value {
  const x = call.value(0);
  const axes = (call.numbers("axes") ?? [0, 2, 3]).map((axis) => axis < 0 ? axis + x.shape.length : axis);
  if (axes.includes(0)) refuse("it is over the batch");
  // Source: ONNX, MeanVarianceNormalization-13, whose function adds 1e-9 to the deviation.
  return standardized(call, x, { axes, epsilon: 1e-9 });
}

/** x / ‖x‖ along an axis; nothing stays nothing. */
function lpNorm(call: Call): Value {
  const x = call.value(0);
  const axis = call.axis(-1, x.shape.length);
  if (axis === 0) refuse("it is over the batch");
  const options = { by: call.number("p", 2) === 1 ? "l1" : "l2", axes: [x.order.indexOf(axis) + 1], keepDims: true };
  const norm = operation(call, "reduce", { inbound: [x.read()], options, suffix: "_norm" });
  const least = call.builder.constant(x.order.map(() => 1), Float32Array.of(1e-30));
  const positive = call.builder.layer({ className: "Maximum", inbound: [norm, least] }, "_positive");
  return call.gives(operation(call, "divide", { inbound: [x.read(), positive] }), x.order);
}

/** x / (bias + alpha / size · Σ x²)^beta, the sum over `size` channels around each. */
function responseNorm(call: Call): Value {
  const x = call.value(0);
  const size = call.number("size", 1);
  if (x.shape.length !== 4 || size % 2 === 0) {
    refuse(`it is over ${size} channels of [${x.shape}], an odd number of a picture's are needed`);
  }
  const order = lastOrder(x, 1);
  const options = {
    radius: (size - 1) / 2,
    bias: call.number("bias", 1),
    alpha: call.number("alpha", 1e-4) / size,
    beta: call.number("beta", 0.75),
  };
  return call.gives(operation(call, "responseNorm", { inbound: [call.builder.stored(x, order)], options }), order);
}

/** (x − mean) / √(variance + ε) · scale + bias over the last axes of each sample. */
function layerNorm(call: Call): Value {
  const given = call.value(0);
  const rank = given.shape.length;
  const firstAxis = call.axis(-1, rank);
  if (firstAxis < 1) refuse("it is over the batch");
  if (call.node.outputs.slice(1).some((name) => call.isRead(name))) refuse("its mean or deviation is read too");
  const size = sizeOf(given.shape.slice(firstAxis));
  const isWide = rank > MOST_AXES;
  const x = isWide ? reshaped(call, given, [given.shape[0], sizeOf(given.shape.slice(1, firstAxis)), size]) : given;
  const axis = isWide ? 2 : firstAxis;
  const sides = x.shape.slice(axis);
  // Those that are not there stand for nothing: without them TF.js has no gradient.
  const parameter = (i: number, name: string, otherwise: number) => {
    if (!call.has(i)) return { name, shape: sides, data: new Float32Array(size).fill(otherwise) };
    const tensor = call.constant(i) ?? refuse(`its ${name} is computed, a constant is needed`);
    if (call.reals(i, name).length !== size) refuse(`its ${name} is [${tensor.shape}], [${sides}] is needed`);
    return { name, shape: sides, data: call.reals(i, name) };
  };
  const weights = [parameter(1, "gamma", 1), parameter(2, "beta", 0)];
  const axes = sides.map((_, i) => axis + i);
  const name = call.builder.layer({
    className: "LayerNormalization",
    config: {
      axis: axes.length === 1 ? -1 : axes,
      epsilon: call.number("epsilon", 1e-5),
      scale: true,
      center: true,
    },
    inbound: [call.builder.stored(x)],
    weights,
  });
  const order = plainOrder(x.shape.length);
  return isWide ? reshaped(call, { shape: x.shape, order, read: () => name }, given.shape) : call.gives(name, order);
}
