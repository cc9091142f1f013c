/** How far the weights of each channel reach: the largest magnitude among those that give it, and among those that read it. */
import { batchNormAffine, type LayerGraph, type LayerSpec, weightOf } from "../../src/rewrite/mod.ts";
import type { Stage } from "./_channels.ts";
import { firstRead } from "./_groups.ts";
import { type Scales, scalesAt } from "./_scale_channels.ts";

/** The weights of a stage, as far as ranges go. */
export interface Reach {
  readonly stage: Stage;
  /** The largest magnitude over the other axes: [in / groups, out] of a full kernel, [out] of any other. */
  readonly magnitudes: Float32Array;
  /** What a folded batch normalization multiplies each channel with, |k|. */
  readonly factors: Float64Array | undefined;
  /** |b| of each channel that it gives: of the normalization if there is one, else of the layer. */
  readonly offsets: Float64Array;
}

/** Measures the weights of `stage`; of one that has none on a grid there is nothing to measure. */
export function reachOf(graph: LayerGraph, stage: Stage): Reach | undefined {
  if (stage.kind === "layer-norm") return undefined;
  const layer = specIn(graph, stage.layer);
  const norm = stage.kind === "norm" ? layer : stage.norm === undefined ? undefined : specIn(graph, stage.norm);
  const factors = norm && batchNormAffine(norm).factors.map(Math.abs);
  const added = norm === undefined
    ? layer.weights.find(({ name }) => name === "bias" && stage.isLast)
    : norm.weights.find(({ name }) => name === "beta");
  const offsets = Float64Array.from(stage.output, (_, o) => Math.abs(added?.data[o] ?? 0));
  if (stage.kind === "norm") {
    return { stage, magnitudes: Float32Array.from(factors ?? []), factors: undefined, offsets };
  }
  return { stage, magnitudes: largestOf(layer, stage), factors, offsets };
}

/** Returns the largest magnitude of the weights that give each channel, with channels divided by `scales`. */
export function givenReach(reach: Reach, scales: Scales): Float64Array {
  const { stage, magnitudes } = reach;
  const { read, given } = factorsOf(reach, scales);
  if (stage.kind !== "full") {
    return given.map((factor, o) => magnitudes[o] * read[inputOf(o, { read, given })] * factor);
  }
  const largest = new Float64Array(given.length);
  const { inner, first } = readBy(stage);
  for (let i = 0, k = 0; i < inner; i++) {
    for (let o = 0; o < given.length; o++, k++) {
      const size = magnitudes[k] * read[first[o] + i];
      if (size > largest[o]) largest[o] = size;
    }
  }
  return largest.map((size, o) => size * given[o]);
}

/** Returns the largest magnitude of the weights that read each channel. */
export function readReach(reach: Reach, scales: Scales): Float64Array {
  const { stage, magnitudes } = reach;
  const { read, given } = factorsOf(reach, scales);
  const largest = new Float64Array(read.length);
  if (stage.kind !== "full") {
    given.forEach((factor, o) => {
      const i = inputOf(o, { read, given });
      largest[i] = Math.max(largest[i], magnitudes[o] * factor);
    });
    return largest.map((size, i) => size * read[i]);
  }
  const { inner, first } = readBy(stage);
  for (let i = 0, k = 0; i < inner; i++) {
    for (let o = 0; o < given.length; o++, k++) {
      const size = magnitudes[k] * given[o];
      if (size > largest[first[o] + i]) largest[first[o] + i] = size;
    }
  }
  return largest.map((size, i) => size * read[i]);
}

/** How many channels each channel of a full kernel reads, and which the first of them is. */
function readBy({ groups = 1, input, output }: Stage): { readonly inner: number; readonly first: Int32Array } {
  const inner = input.length / groups;
  return { inner, first: firstRead({ groups, inner, outputs: output.length }) };
}

/** What weights are multiplied with, by the channel that they read and by the one that they give. */
interface Factors {
  readonly read: Float64Array;
  readonly given: Float64Array;
}

function factorsOf({ stage, factors }: Reach, scales: Scales): Factors {
  return {
    read: scalesAt(stage.input, scales),
    given: scalesAt(stage.output, scales).map((scale, o) => (factors?.[o] ?? 1) / scale),
  };
}

/** The channel that a depthwise kernel, or a normalization, reads for channel `o`. */
function inputOf(o: number, { read, given }: Factors): number {
  return Math.floor(o * read.length / given.length);
}

function largestOf(layer: LayerSpec, { kernel }: Stage): Float32Array {
  const { data, shape } = weightOf(layer, kernel);
  const [a, b] = shape.slice(-2);
  const largest = new Float32Array(a * b);
  for (let k = 0, at = 0; k < data.length; k++, at = at + 1 === largest.length ? 0 : at + 1) {
    largest[at] = Math.max(largest[at], Math.abs(data[k]));
  }
  return largest;
}

function specIn(graph: LayerGraph, name: string): LayerSpec {
  const node = graph.nodes.find(({ layer }) => layer.name === name);
  if (node === undefined) throw new RangeError(`Cannot find layer "${name}" in model "${graph.name}"`);
  return node.layer;
}
