/** Compares a prepared model as it is simulated in TF.js with its exported file as ONNX Runtime runs it. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../../export/to_onnx.ts";
import { FakeQuantize } from "../../src/quant/mod.ts";
import { Session, type SessionOptions } from "../../src/runtime/session.ts";

/** The file as it is written, node by node in float32. */
export const UNFUSED: SessionOptions = { optimization: "disabled", keepQdq: true };
/** The file as it is deployed, on int8 kernels that do not saturate. */
export const FUSED: SessionOptions = { precise: true };

/** How many codes of one quantizer's output differ, and by how much. */
export interface Difference {
  readonly layer: string;
  readonly compared: number;
  readonly different: number;
  /** In codes. */
  readonly largest: number;
}

/**
 * Compares the codes behind every FakeQuantize of `model`, layer by layer.
 *
 * Each layer of the simulation is given what the file computed for the layers before it. So a difference is that of the
 * one layer, and does not go on to those behind it.
 */
export async function compareLayers(model: tfl.LayersModel, x: tf.Tensor, options: SessionOptions) {
  // The input's own quantizer is left out: a file has no name for an output that is its input.
  const quantizers = model.layers.filter((layer) => layer instanceof FakeQuantize)
    .filter((layer) => layer.inboundNodes[0].inboundLayers[0].getClassName() !== "InputLayer");
  // Every layer of a prepared model has one output.
  const outputs = quantizers.map((layer) => layer.output as tfl.SymbolicTensor);
  const tapped = tfl.model({ inputs: model.inputs, outputs });
  const deployed = await runFile(tapped, x, options);
  const own = new Map<FakeQuantize, tf.Tensor>();
  const undo = quantizers.map((layer, i) => shadow(layer, deployed[i], own));
  try {
    tf.dispose(tapped.predictOnBatch(x));
  } finally {
    for (const restore of undo) restore();
  }
  return quantizers.map((layer, i) => {
    const simulated = own.get(layer)!;
    const difference = differenceOf(layer, simulated.dataSync<"float32">(), deployed[i]);
    simulated.dispose();
    return difference;
  });
}

function differenceOf(layer: FakeQuantize, simulated: Float32Array, deployed: Float32Array): Difference {
  const { scale } = layer.readGrid();
  const steps = Array.from(simulated, (value, i) => Math.round(Math.abs(value - deployed[i]) / scale));
  return {
    layer: layer.name,
    compared: steps.length,
    different: steps.filter((step) => step > 0).length,
    largest: steps.reduce((most, step) => Math.max(most, step), 0),
  };
}

/** Sums up differences. */
export function total(differences: readonly Difference[]): Omit<Difference, "layer"> {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    compared: sum(differences.map(({ compared }) => compared)),
    different: sum(differences.map(({ different }) => different)),
    largest: Math.max(0, ...differences.map(({ largest }) => largest)),
  };
}

/** Exports `model` and returns its outputs for `x`, computed by ONNX Runtime. */
export async function runFile(model: tfl.LayersModel, x: tf.Tensor, options: SessionOptions): Promise<Float32Array[]> {
  const { bytes, graph } = await toOnnx(model);
  const session = new Session(bytes, options);
  try {
    const feeds = { [session.inputs[0].name]: { dtype: "float32" as const, shape: x.shape, data: x.dataSync() } };
    const outputs = session.run(feeds);
    // Exported models give float32.
    return graph.outputs.map((name) => outputs[name].data as Float32Array);
  } finally {
    session.dispose();
  }
}

/**
 * Makes `layer` note its output in `own`, and give `deployed` in its place.
 *
 * Nothing is read before the end, and what is given stands on the layer's grid: the whole pass stays one recording, in which
 * every layer is computed as it is without this.
 */
function shadow(layer: FakeQuantize, deployed: Float32Array, own: Map<FakeQuantize, tf.Tensor>): () => void {
  const { call } = layer;
  layer.call = (inputs, kwargs) => {
    const simulated = call.call(layer, inputs, kwargs);
    own.set(layer, tf.keep(simulated));
    return call.call(layer, tf.tensor(deployed, simulated.shape), kwargs);
  };
  return () => {
    Reflect.deleteProperty(layer, "call");
  };
}
