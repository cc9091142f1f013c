/** A model's inputs and outputs: their names and shapes. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { quantizedLayer } from "../src/quant/mod.ts";
import { valueOf } from "../src/rewrite/mod.ts";

/**
 * Names the inputs of `model` after their layers.
 *
 * TF.js's `model.inputNames` says the same, but is empty for a loaded Sequential until that is first used.
 */
export function inputNames({ inputs }: tfl.LayersModel): readonly string[] {
  return inputs.map(({ sourceLayer }) => sourceLayer.name);
}

/**
 * Names the outputs of `model` after the layers that make them; a quantizer behind one does not show.
 *
 * The second output of a layer is called `layer:1`; what another call of a layer gives, `layer_1`.
 */
export function outputNames({ outputs }: tfl.LayersModel): readonly string[] {
  const names: string[] = [];
  for (const output of outputs) {
    const { layer, index } = sourceOf(output);
    const name = valueOf(layer.name, index);
    const copies = names.filter((other) => other === name || other.startsWith(`${name}_`)).length;
    names.push(copies === 0 ? name : `${name}_${copies}`);
  }
  return names;
}

/** Returns the layer that makes `output`, that before its quantizer if it has one, and which of its outputs it is. */
function sourceOf(output: tfl.SymbolicTensor): { readonly layer: tfl.layers.Layer; readonly index: number } {
  const { sourceLayer: layer, tensorIndex: index } = output;
  if (quantizedLayer(layer)?.role !== "activations") return { layer, index };
  const { inboundLayers, tensorIndices } = layer.inboundNodes[0];
  return { layer: inboundLayers[0], index: tensorIndices[0] };
}

/**
 * Returns the shape of one input of `model`.
 *
 * @param given What the caller says it is, for models whose input shape is open.
 * @throws {TypeError} If the model has several inputs, or its shape is open or another than `given`.
 */
export function inputShapeOf(model: tfl.LayersModel, given?: readonly number[]): readonly number[] {
  if (model.inputs.length !== 1) {
    throw new TypeError(`Cannot feed "${model.name}": it has ${model.inputs.length} inputs, 1 is needed`);
  }
  const own = model.inputs[0].shape.slice(1);
  const shape = given ?? own;
  const fits = shape.length === own.length && own.every((dim, i) => dim === null || dim === shape[i]);
  if (!fits) throw new TypeError(`Cannot feed "${model.name}": its input is [${own}], the data's is [${shape}]`);
  if (shape.every((dim) => dim !== null)) return shape;
  throw new TypeError(
    `Cannot feed "${model.name}": its input is [${own.map((dim) => dim ?? "?")}], inputShape is needed`,
  );
}
