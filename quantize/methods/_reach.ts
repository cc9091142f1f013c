/** How far the weights of each channel reach: the largest magnitude among those that give it, and among those that read it. */
import { batchNormAffine, type LayerGraph, type LayerSpec, weightOf } from "../../src/rewrite/mod.ts";
import type { Stage } from "./_channels.ts";
import { type Scales, scalesAt } from "./_scale_channels.ts";

/** The weights of a stage, as far as ranges go. */
export interface Reach {
  readonly stage: Stage;
  /** The largest magnitude over the other axes: [in, out] of a full kernel, [out] of any other. */
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
  const given = new Float64Array(reach.stage.output.length);
  forEachWeight(reach, scales, (size, _, o) => {
    if (size > given[o]) given[o] = size;
  });
  return given;
}

/** Returns the largest magnitude of the weights that read each channel. */
export function readReach(reach: Reach, scales: Scales): Float64Array {
  const read = new Float64Array(reach.stage.input.length);
  forEachWeight(reach, scales, (size, i) => {
    if (size > read[i]) read[i] = size;
  });
  return read;
}

function forEachWeight(
  { stage, magnitudes, factors }: Reach,
  scales: Scales,
  visit: (size: number, i: number, o: number) => void,
): void {
  const read = scalesAt(stage.input, scales);
  const given = scalesAt(stage.output, scales).map((scale, o) => (factors?.[o] ?? 1) / scale);
  const [inputs, outputs] = [read.length, given.length];
  if (stage.kind !== "full") {
    for (let o = 0; o < outputs; o++) {
      const i = Math.floor(o * inputs / outputs);
      visit(magnitudes[o] * read[i] * given[o], i, o);
    }
    return;
  }
  for (let i = 0, k = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++, k++) visit(magnitudes[k] * read[i] * given[o], i, o);
  }
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
