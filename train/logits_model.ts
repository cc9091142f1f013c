/** The model up to its logits, for losses that want them. */
import * as tfl from "@tensorflow/tfjs-layers";
import { quantizedLayer } from "../src/quant/mod.ts";
import { activationOf, makeLayer } from "../src/rewrite/mod.ts";

/**
 * Returns a view of `model` that stops before its softmax: same layers, same weights, logits instead of probabilities.
 *
 * Reshape, Flatten and quantizers after the softmax are done without or done over. Cross-entropy of logits is
 * exact where log(softmax) underflows, and fake quantization to 1/256 would cut gradients of small probabilities off.
 * A softmax fused into its dense layer cannot be cut: `splitActivation` comes first.
 *
 * The view shares everything with `model`: train either, dispose `model` only.
 *
 * @returns `model` itself, if it has several outputs or does not end in a softmax over the last axis.
 */
export function logitsModel(model: tfl.LayersModel): tfl.LayersModel {
  if (model.outputs.length !== 1) return model;
  const [output] = model.outputs;
  const logits = beforeSoftmax(output, output.shape.at(-1));
  if (logits === undefined) return model;
  return tfl.model({ inputs: model.inputs, outputs: logits, name: `${model.name}_logits` });
}

/** Returns the tensor that `tensor` would be without the softmax over `classes` before it, or undefined if there is none. */
function beforeSoftmax(tensor: tfl.SymbolicTensor, classes?: number | null): tfl.SymbolicTensor | undefined {
  const layer = tensor.sourceLayer;
  const inputs = layer.inboundNodes[tensor.nodeIndex].inputTensors;
  if (inputs.length !== 1) return undefined;
  const [input] = inputs;
  if (isSoftmax(layer, input.rank)) return input.shape.at(-1) === classes ? input : undefined;
  if (quantizedLayer(layer)?.role === "activations") return beforeSoftmax(input, classes);
  if (!["Reshape", "Flatten"].includes(layer.getClassName())) return undefined;
  const logits = beforeSoftmax(input, classes);
  return logits && reapply(layer, logits);
}

function isSoftmax(layer: tfl.layers.Layer, rank: number): boolean {
  const config = layer.getConfig();
  const activation = activationOf({ className: layer.getClassName(), config });
  if (activation?.name !== "softmax" || activation.place !== "layer") return false;
  return config.axis === undefined || config.axis === -1 || config.axis === rank - 1;
}

/** Applies a new layer like `layer`: a second call of the same one would show in `model`. */
function reapply(layer: tfl.layers.Layer, tensor: tfl.SymbolicTensor): tfl.SymbolicTensor {
  const name = `${layer.name}_logits`;
  const copy = makeLayer({
    name,
    className: layer.getClassName(),
    config: { ...layer.getConfig(), name },
    weights: [],
  });
  const output = copy.apply(tensor);
  if (output instanceof tfl.SymbolicTensor) return output;
  throw new TypeError(`Cannot cut "${layer.name}": it has several outputs`);
}
