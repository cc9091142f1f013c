/**
 * The part of a model that losses see: its trained outputs, before the softmax or sigmoid that a loss wants left out.
 *
 * Cross-entropy of logits is exact where log(softmax) underflows, and fake quantization to 1/256 would cut gradients of
 * small probabilities off. The view shares everything with the model: train either, dispose the model only.
 */
import type * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { outputNames } from "../models/ports.ts";
import { quantizedLayer } from "../src/quant/mod.ts";
import { activationOf, makeLayer } from "../src/rewrite/mod.ts";
import type { CutActivation, Head } from "../tasks/task.ts";

type Layer = tfl.layers.Layer;
type Tensor = tfl.SymbolicTensor;

/** What an output ends in. */
type End =
  /** In the activation that was looked for; `logits` is what was before it. */
  | { readonly kind: "cut"; readonly logits: Tensor }
  /** In another one, or in one that cannot be left out. */
  | { readonly kind: "other"; readonly what: string }
  /** In none. */
  | { readonly kind: "plain" };

const PLAIN: End = { kind: "plain" };

/**
 * Returns the view of `model` that losses of `heads` read, an output a head in their order.
 *
 * Quantizers, dropout and linear layers after what is cut are done without; Reshape and Flatten are done over.
 *
 * @returns `model` itself, if nothing is cut and every output is trained.
 * @throws {TypeError} If a loss wants logits and the output ends in another activation.
 */
export function lossView(model: tfl.LayersModel, heads: Readonly<Record<string, Head>>): tfl.LayersModel {
  const names = outputNames(model);
  const outputs = Object.entries(heads).map(([name, head]) => {
    const output = model.outputs[names.indexOf(name)];
    if (head.reads.kind === "answer") return output;
    const { activation, strict } = head.reads;
    const end = endOf(output, { activation, width: output.shape.at(-1) });
    if (end.kind === "cut") return end.logits;
    if (end.kind === "plain" || !strict) return output;
    throw new TypeError(
      `Cannot train "${model.name}": its output "${name}" ends in ${end.what}, ` +
        `for this loss ${activation} over the last axis or no activation is needed`,
    );
  });
  if (outputs.length === model.outputs.length && outputs.every((output, i) => output === model.outputs[i])) {
    return model;
  }
  return tfl.model({ inputs: model.inputs, outputs, name: `${model.name}_logits` });
}

/** What is looked for at an output's end. */
interface Search {
  readonly activation: CutActivation;
  /** Numbers in the last dimension of the output. */
  readonly width: number | null | undefined;
}

/** Layers that do nothing at inference, or nothing that the loss should see. */
const IDLE = [
  "ActivityRegularization",
  "AlphaDropout",
  "Dropout",
  "GaussianDropout",
  "GaussianNoise",
  "SpatialDropout1D",
];

/** Layers that leave values and their order as they are: what is the last dimension before may be it after. */
const MOVING = ["Flatten", "Reshape"];

/** Activations that squash nothing, so that what comes out may be taken for logits. */
const OPEN = ["leaky_relu", "linear", "prelu"];

function endOf(tensor: Tensor, search: Search): End {
  const layer = tensor.sourceLayer;
  const inputs = layer.inboundNodes[tensor.nodeIndex].inputTensors;
  if (layer instanceof tfl.LayersModel) return endOfNested(layer, { tensor, inputs, search });
  if (inputs.length !== 1) return PLAIN;
  const [input] = inputs;
  if (quantizedLayer(layer)?.role === "activations" || IDLE.includes(layer.getClassName())) return endOf(input, search);
  const activation = activationOf({ className: layer.getClassName(), config: layer.getConfig() });
  if (activation === undefined) return endBefore(layer, input, search);
  const { name, place } = activation;
  if (name === "linear") return place === "layer" ? endOf(input, search) : PLAIN;
  if (OPEN.includes(name) || isLogSoftmax(name, search)) return PLAIN;
  const other = { kind: "other", what: `${name} ("${layer.name}")` } as const;
  if (name !== search.activation || !isOverLastAxis(layer, input)) return other;
  // A softmax over other rows than the output's is another function.
  if (name === "softmax" && tensor.shape.at(-1) !== search.width) return other;
  if (place === "layer") return { kind: "cut", logits: input };
  const logits = withoutActivation(layer, input);
  return logits === undefined ? other : { kind: "cut", logits };
}

/** Cross-entropy takes the logarithm of the softmax, which of such logarithms gives them back. */
function isLogSoftmax(name: string, { activation }: Search): boolean {
  return name === "log_softmax" && activation === "softmax";
}

function isOverLastAxis(layer: Layer, input: Tensor): boolean {
  const { axis } = layer.getConfig();
  return axis === undefined || axis === -1 || axis === input.rank - 1;
}

/** Looks before a layer that is no activation: what it moves can be moved before the activation. */
function endBefore(layer: Layer, input: Tensor, search: Search): End {
  if (layer.weights.length > 0) return PLAIN;
  const end = endOf(input, search);
  if (end.kind !== "cut") return end.kind === "other" && MOVING.includes(layer.getClassName()) ? end : PLAIN;
  if (!MOVING.includes(layer.getClassName())) {
    return { kind: "other", what: `${layer.getClassName()} ("${layer.name}") after ${search.activation}` };
  }
  return { kind: "cut", logits: applyCopy(layer, { input: end.logits, config: layer.getConfig() }) };
}

/** Cuts within a nested model, and calls what is left of it where the model was called. */
function endOfNested(
  model: tfl.LayersModel,
  { tensor, inputs, search }: { readonly tensor: Tensor; readonly inputs: readonly Tensor[]; readonly search: Search },
): End {
  const end = endOf(model.outputs[tensor.tensorIndex], search);
  if (end.kind !== "cut") return end;
  const inner = tfl.model({ inputs: model.inputs, outputs: end.logits, name: `${model.name}_logits` });
  inner.trainable = model.trainable;
  return { kind: "cut", logits: single(inner.apply(inputs.length === 1 ? inputs[0] : [...inputs]), model.name) };
}

/** Calls a layer like `layer`, with its very weights, that leaves its fused activation out. */
function withoutActivation(layer: Layer, input: Tensor): Tensor | undefined {
  const config = layer.getConfig();
  const inner = config.layer;
  if (inner === undefined) return applyCopy(layer, { input, config: { ...config, activation: "linear" } });
  // TimeDistributed: the activation is that of the layer in it.
  if (layer.getClassName() !== "TimeDistributed") return undefined;
  if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return undefined;
  const innerConfig = inner.config;
  if (typeof innerConfig !== "object" || innerConfig === null || Array.isArray(innerConfig)) return undefined;
  const linear = { ...inner, config: { ...innerConfig, activation: "linear" } };
  return applyCopy(layer, { input, config: { ...config, layer: linear } });
}

/** Applies a new layer like `layer`: a second call of the same one would show in the model. Weights are the same ones. */
function applyCopy(
  layer: Layer,
  { input, config }: { readonly input: Tensor; readonly config: tf.serialization.ConfigDict },
): Tensor {
  const name = `${layer.name}_logits`;
  const copy = makeLayer({
    name,
    className: layer.getClassName(),
    config: { ...config, name },
    weights: [],
  });
  const output = single(copy.apply(input), layer.name);
  copy.weights.forEach((weight, i) => {
    const own = weight.read();
    // `protected`, which only TypeScript knows of: the copy reads and writes the variable of `layer`.
    Reflect.set(weight, "val", layer.weights[i].read());
    own.dispose();
  });
  return output;
}

function single(output: ReturnType<Layer["apply"]>, name: string): Tensor {
  if (output instanceof tfl.SymbolicTensor) return output;
  throw new TypeError(`Cannot cut "${name}": it has several outputs`);
}
