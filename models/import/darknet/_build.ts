/** Makes TF.js layers of what a configuration says, and gives them the weights of a file, in its order. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { ChannelSplit } from "../../../src/channels/mod.ts";
import { groupConv2d } from "../../../src/grouped/mod.ts";
import { seedFor } from "../../../src/numbers/seed.ts";
import { refuse } from "./_cfg.ts";
import { type DarknetActivation, INPUT, type Plan, type Shape, type Spec } from "./_specs.ts";
import type { WeightReader } from "./_weights.ts";

const { layers, initializers } = tfl;

type Value = tfl.SymbolicTensor;
type Layer = tfl.layers.Layer;
type Of<K extends Spec["kind"]> = Extract<Spec, { kind: K }>;

/** How a net is made. */
export interface BuildOptions {
  /** Of the model. */
  readonly name: string;
  /** Of fresh weights. */
  readonly seed: number;
  /** Where weights come from; absent: they are fresh. */
  readonly reader?: WeightReader;
}

/** Epsilon of batch normalization, as in `normalize_kernel` of darknet's blas_kernels.cu. */
const EPSILON = 1e-5;

/** Slope of "leaky" for negative values. */
const SLOPE = 0.1;

/**
 * Makes a model. Layers are named by their kind and place: "conv0", "conv0_bn", "conv0_leaky".
 *
 * @throws {ModelFileError} If the weights are fewer or more than the net asks for, or a section has no form in TF.js.
 */
export function buildNet({ input, specs }: Plan, options: BuildOptions): tfl.LayersModel {
  const image = tfl.input({ shape: [...input], name: "image" });
  const values: Value[] = [];
  const outputs: Value[] = [];
  const at = (place: number) => place === INPUT ? image : values[place];
  specs.forEach((spec, i) => {
    const from = spec.from.map(at);
    const before = spec.from[0] === INPUT ? input : specs[spec.from[0]].shape;
    const isHead = specs[i + 1]?.kind === "boxes";
    const name = isHead ? headName(specs, i + 1, input) : `${PREFIXES[spec.kind]}${spec.section.index}`;
    const value = apply(spec, { ...options, from, before, name });
    values.push(value);
    if (spec.kind === "boxes") outputs.push(value);
  });
  const last = values[values.length - 1];
  options.reader?.end();
  return tfl.model({ name: options.name, inputs: image, outputs: outputs.length > 0 ? outputs : last });
}

const PREFIXES: Readonly<Record<Spec["kind"], string>> = {
  convolutional: "conv",
  connected: "connected",
  maxpool: "pool",
  shortcut: "shortcut",
  upsample: "upsample",
  dropout: "dropout",
  route: "route",
  avgpool: "avgpool",
  softmax: "softmax",
  cost: "cost",
  boxes: "boxes",
};

/** Outputs are named by their strides; of several with one stride, the later ones by their places too. */
function headName(specs: readonly Spec[], place: number, [height]: Shape): string {
  const strideOf = (spec: Spec) => Math.round(height / spec.shape[0]);
  const stride = strideOf(specs[place]);
  const isFirst = !specs.slice(0, place).some((spec) => spec.kind === "boxes" && strideOf(spec) === stride);
  return `boxes_${stride}${isFirst ? "" : `_${specs[place].section.index}`}`;
}

interface Applying extends BuildOptions {
  readonly from: readonly Value[];
  /** Of the first that is read. */
  readonly before: Shape;
  /** Of the layer that computes; those behind it are named after it. */
  readonly name: string;
}

function apply(spec: Spec, applying: Applying): Value {
  const { from: [x], name } = applying;
  switch (spec.kind) {
    case "convolutional":
      return convolution(spec, applying);
    case "connected":
      return connection(spec, applying);
    case "maxpool":
      return pool(spec, applying);
    case "shortcut":
      return shortcut(spec, applying);
    case "route":
      return route(spec, applying);
    case "upsample":
      return run(layers.upSampling2d({ name, size: [spec.stride, spec.stride] }), [asPicture(x, name)]);
    case "dropout":
      return run(layers.dropout({ name, rate: spec.rate }), [x]);
    case "avgpool":
      return run(layers.globalAveragePooling2d({ name }), [asPicture(x, name)]);
    case "softmax":
      return run(layers.softmax({ name, axis: -1 }), [flat(x, name)]);
    case "boxes":
    case "cost":
      return x;
  }
}

function run(layer: Layer, from: readonly Value[]): Value {
  // A layer of one output that is called on symbols gives one.
  return layer.apply(from.length === 1 ? from[0] : [...from]) as Value;
}

/** Joins layers, or one part of the channels of each. */
function route({ groups: parts, group: index }: Of<"route">, { from, name }: Applying): Value {
  const read = from.map((x, i) =>
    parts === 1 ? x : run(new ChannelSplit({ name: `${name}_part${i === 0 ? "" : i}`, parts, index }), [x])
  );
  return read.length === 1 ? read[0] : run(layers.concatenate({ name, axis: -1 }), alike(read, name));
}

/**
 * Adds what came before. Of a larger picture every so many pixels are added, of more channels the first, and of fewer
 * zeros behind them (`shortcut_cpu` of darknet's blas.c): a convolution of 1×1 that is not trained has those.
 */
function shortcut({ activation, shape }: Of<"shortcut">, { from: [x, ...others], name }: Applying): Value {
  const terms = alike(others, name).map((other, i) => {
    const [, height, , channels] = other.shape;
    const strides = other.shape.length === 4 && height !== null ? height / shape[0] : 1;
    if (strides === 1 && other.shape.at(-1) === shape[2]) return other;
    const picked = layers.conv2d({
      name: `${name}_picked${i === 0 ? "" : i}`,
      filters: shape[2],
      kernelSize: 1,
      strides,
      useBias: false,
      trainable: false,
      kernelInitializer: "zeros",
    });
    const y = run(picked, [asPicture(other, name)]);
    const inputs = channels ?? shape[2];
    const values = new Float32Array(inputs * shape[2]);
    for (let c = 0; c < Math.min(inputs, shape[2]); c++) values[c * shape[2] + c] = 1;
    setWeights(picked, [{ values, shape: [1, 1, inputs, shape[2]] }]);
    return y;
  });
  return activate(run(layers.add({ name }), alike([x, ...terms], name)), activation, name);
}

/** A row of numbers as a picture of one pixel, as darknet has it; a picture as it is. */
function asPicture(x: Value, name: string): Value {
  if (x.shape.length === 4) return x;
  return run(
    layers.reshape({ name: `${name}_${x.name}_picture`.replaceAll("/", "_"), targetShape: [1, 1, x.shape[1]!] }),
    [x],
  );
}

/** Rows among pictures as pictures of one pixel. */
function alike(from: readonly Value[], name: string): readonly Value[] {
  return from.some(({ shape }) => shape.length === 4) ? from.map((x) => asPicture(x, name)) : from;
}

/** A picture as a row of numbers; a row as it is. */
function flat(x: Value, name: string): Value {
  return x.shape.length === 2 ? x : run(layers.flatten({ name: `${name}_flat` }), [x]);
}

function convolution(spec: Of<"convolutional">, applying: Applying): Value {
  const { from: [x], before: [height, width, channels], name, reader, seed } = applying;
  const { size, stride, padding, groups, section, shape: [, , filters] } = spec;
  const isDepthwise = groups > 1 && groups === channels && filters === channels;
  // TF.js pads unevenly where a stride leaves an odd rest; darknet always pads both sides alike.
  const picture = asPicture(x, name);
  const isSame = stride === 1 && size % 2 === 1 && padding === (size - 1) / 2 && height > 0 && width > 0;
  const padded = padding === 0 || isSame
    ? picture
    : run(layers.zeroPadding2d({ name: `${name}_pad`, padding: [padding, padding] }), [picture]);
  const shared = {
    name,
    kernelSize: size,
    strides: stride,
    padding: isSame && padding > 0 ? "same" as const : "valid" as const,
    useBias: !spec.isNormalized,
  };
  const start = initializers.heNormal({ seed: seedFor(name, seed) });
  const ofFilters = { ...shared, filters, kernelInitializer: start };
  const inGroups = () => groups === 1 ? layers.conv2d(ofFilters) : groupConv2d({ ...ofFilters, groups });
  const layer = isDepthwise ? layers.depthwiseConv2d({ ...shared, depthwiseInitializer: start }) : inGroups();
  const y = run(layer, [padded]);
  const norm = spec.isNormalized
    ? layers.batchNormalization({ name: `${name}_bn`, epsilon: EPSILON, momentum: 0.9 })
    : undefined;
  const normed = norm === undefined ? y : run(norm, [y]);
  if (reader !== undefined) {
    const { bias, statistics } = readBefore(spec, reader, filters);
    const kernel = reader.read(size * size * (channels / groups) * filters, whose(section, "kernel"));
    const order = { out: filters, in: channels / groups, size };
    setWeights(layer, [
      {
        values: toChannelsLast(kernel, order),
        shape: isDepthwise ? [size, size, filters, 1] : [size, size, channels / groups, filters],
      },
      ...(norm === undefined ? [{ values: bias, shape: [filters] }] : []),
    ]);
    if (norm !== undefined && statistics !== undefined) setNorm(norm, bias, statistics);
  }
  return activate(normed, spec.activation, name);
}

/** Scales, means and variances. */
type Statistics = readonly [scale: Float32Array, mean: Float32Array, variance: Float32Array];

/** A convolution's bias comes first, and after it what normalizes. */
function readBefore(
  { section, isNormalized }: Of<"convolutional">,
  reader: WeightReader,
  filters: number,
): { readonly bias: Float32Array; readonly statistics?: Statistics } {
  const bias = reader.read(filters, whose(section, "biases"));
  return isNormalized ? { bias, statistics: readStatistics(reader, section, filters) } : { bias };
}

function readStatistics(reader: WeightReader, section: Spec["section"], count: number): Statistics {
  return [
    reader.read(count, whose(section, "scales")),
    reader.read(count, whose(section, "means")),
    reader.read(count, whose(section, "variances")),
  ];
}

/** Says for messages what numbers of a section are. */
function whose({ kind, line }: Spec["section"], what: string): string {
  return `the ${what} of [${kind}] at line ${line} of the configuration`;
}

/** Kernels [out, in, height, width] → [height, width, in, out]; of a depthwise convolution [height, width, out, 1]. */
export function toChannelsLast(
  kernel: Float32Array,
  { out, in: channels, size }: { readonly out: number; readonly in: number; readonly size: number },
): Float32Array {
  const area = size * size;
  const moved = new Float32Array(kernel.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < area; p++) moved[(p * channels + c) * out + o] = kernel[(o * channels + c) * area + p];
    }
  }
  return moved;
}

function connection(spec: Of<"connected">, applying: Applying): Value {
  const { from: [x], before, name, reader, seed } = applying;
  const { section, shape: [, , units], isNormalized, activation } = spec;
  const inputs = before[0] * before[1] * before[2];
  const layer = layers.dense({
    name,
    units,
    useBias: !isNormalized,
    kernelInitializer: initializers.heNormal({ seed: seedFor(name, seed) }),
  });
  const y = run(layer, [flat(x, name)]);
  const norm = isNormalized
    ? layers.batchNormalization({ name: `${name}_bn`, epsilon: EPSILON, momentum: 0.9 })
    : undefined;
  const normed = norm === undefined ? y : run(norm, [y]);
  if (reader !== undefined) {
    const bias = reader.read(units, whose(section, "biases"));
    const kernel = reader.read(inputs * units, whose(section, "kernel"));
    const shape = x.shape.length === 2 ? [1, 1, inputs] as const : before;
    setWeights(layer, [
      { values: toRows(kernel, shape, units), shape: [inputs, units] },
      ...(norm === undefined ? [{ values: bias, shape: [units] }] : []),
    ]);
    if (norm !== undefined) setNorm(norm, bias, readStatistics(reader, section, units));
  }
  return activate(normed, activation, name);
}

/** Kernels [out, channels · height · width] → [height · width · channels, out]. */
function toRows(kernel: Float32Array, [height, width, channels]: Shape, out: number): Float32Array {
  const area = height * width;
  const moved = new Float32Array(kernel.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < area; p++) moved[(p * channels + c) * out + o] = kernel[(o * channels + c) * area + p];
    }
  }
  return moved;
}

function setNorm(norm: Layer, bias: Float32Array, [scale, mean, variance]: Statistics): void {
  const shape = [bias.length];
  setWeights(norm, [scale, bias, mean, variance].map((values) => ({ values, shape })));
}

function setWeights(
  layer: Layer,
  weights: readonly { readonly values: Float32Array; readonly shape: readonly number[] }[],
): void {
  const tensors = weights.map(({ values, shape }) => tf.tensor(values, [...shape]));
  layer.setWeights(tensors);
  tf.dispose(tensors);
}

/**
 * Max pooling with darknet's padding: half of it, rounded down, above and to the left.
 *
 * TF.js pads as little as it can, and to the right first. Where that comes to other windows, those of stride 1 are pooled,
 * and of their results every so many kept.
 */
function pool(spec: Of<"maxpool">, { from, before: [height, width], name }: Applying): Value {
  const x = asPicture(from[0], name);
  const { size, stride, padding, section, shape: [rows, columns] } = spec;
  const ahead = Math.floor(padding / 2);
  const same = (length: number, result: number) => {
    const all = Math.max(0, (Math.ceil(length / stride) - 1) * stride + size - length);
    return Math.ceil(length / stride) === result && (Math.floor(all / 2) === ahead || (all === 0 && ahead === 0));
  };
  const whole = (step: number, mode: "same" | "valid", ending = "") =>
    layers.maxPooling2d({ name: `${name}${ending}`, poolSize: size, strides: step, padding: mode });
  if (same(height, rows) && same(width, columns)) return run(whole(stride, "same"), [x]);
  if (padding === 0) return run(whole(stride, "valid"), [x]);
  if (padding === size - 1) {
    // Windows around each place, the first of them where darknet's first is.
    const around = run(whole(1, "same", "_around"), [x]);
    return run(layers.maxPooling2d({ name, poolSize: 1, strides: stride, padding: "valid" }), [around]);
  }
  return refuse(section, `"padding" is ${padding} at size ${size} and stride ${stride}, 0 or ${size - 1} is needed`);
}

function activate(x: Value, activation: DarknetActivation, name: string): Value {
  switch (activation) {
    case "linear":
      return x;
    case "leaky":
      return run(layers.leakyReLU({ name: `${name}_leaky`, alpha: SLOPE }), [x]);
    case "relu":
      return run(layers.reLU({ name: `${name}_relu` }), [x]);
    case "relu6":
      return run(layers.reLU({ name: `${name}_relu`, maxValue: 6 }), [x]);
    case "logistic":
      return run(layers.activation({ name: `${name}_sigmoid`, activation: "sigmoid" }), [x]);
    default:
      return run(layers.activation({ name: `${name}_${activation}`, activation }), [x]);
  }
}
