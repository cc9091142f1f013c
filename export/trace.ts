/** Records the inference pass of a TF.js model as an ONNX graph. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { BACKEND, type OnnxRuntimeBackend, registerBackend } from "../src/backend/mod.ts";
import type { Graph } from "../src/onnx/graph.ts";
import { GraphWriter } from "../src/onnx/writer.ts";
import { shadow } from "../src/shadow.ts";
import { inputNames } from "../models/ports.ts";

/** How a model is traced. */
export interface TraceModelOptions {
  /** Batch size that the graph is recorded for. */
  readonly batch: number;
  /** Layout of four-dimensional graph inputs. TF.js's own is "nhwc". */
  readonly inputLayout?: "nhwc" | "nchw";
}

/**
 * Records what `model` computes at inference.
 *
 * The graph is in TF.js's layouts, one input a model input and one output a model output, in the model's order, all
 * different values; nodes carry the names of the layers that they come from, initializers those of the weights.
 *
 * @throws {TypeError} If an input has an unknown dimension besides the batch, or a layer is stateful or computes what ONNX
 *   cannot.
 */
export async function traceModel(model: tfl.LayersModel, options: TraceModelOptions): Promise<Graph> {
  const current = tf.getBackend();
  try {
    return record(model, { ...options, backend: await registerBackend() });
  } finally {
    if (current !== undefined && current !== BACKEND) await tf.setBackend(current);
  }
}

function record(
  model: tfl.LayersModel,
  { backend, ...options }: TraceModelOptions & { readonly backend: OnnxRuntimeBackend },
): Graph {
  refuseStateful(model);
  const names = new Map<object, string>();
  for (const weight of model.weights) names.set(weight.read().dataId, weight.originalName);
  const inputs = inputNames(model).map((name, i) => {
    const { shape, dtype } = model.inputs[i];
    return { name, shape: inputShape(name, shape, options), dtype };
  });
  using _followed = followLayers(model, backend);
  const graph = backend.trace(inputs, (tensors) => {
    const inTfOrder = tensors.map((x) => isNchw(x.shape, options) ? tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]) : x);
    const outputs = model.apply(inTfOrder, { training: false }) as tf.Tensor | tf.Tensor[];
    return Array.isArray(outputs) ? outputs : [outputs];
  }, { nameOf: (dataId) => names.get(dataId) });
  // Of several inputs some may be read in training only.
  return withOwnOutputs({ ...graph, inputs: inputs.map(({ name }) => name) });
}

/** @throws {TypeError} If a layer keeps states between calls. */
function refuseStateful(model: tfl.LayersModel): void {
  const found = namedLayers(model).find(({ layer }) => layer.stateful);
  if (found === undefined) return;
  throw new TypeError(
    `Cannot export layer "${found.name}" (${found.layer.getClassName()}): it is stateful and a file keeps no states from ` +
      `one run to the next, needed is a layer that is not`,
  );
}

/** Copies values that are outputs twice, or inputs too: a file's ports are different values. */
function withOwnOutputs(graph: Graph): Graph {
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) out.push(node);
  const taken = new Set(graph.inputs);
  const outputs = graph.outputs.map((name) => {
    const own = taken.has(name) ? out.emit("Identity", [name]) : name;
    taken.add(own);
    return own;
  });
  return out.finish(outputs);
}

function inputShape(name: string, shape: readonly (number | null)[], options: TraceModelOptions): number[] {
  const [, ...rest] = shape;
  const unknown = rest.findIndex((dim) => dim === null);
  if (unknown >= 0) {
    throw new TypeError(
      `Cannot export input "${name}": its shape is [${
        shape.map((dim) => dim ?? "?")
      }], all but the batch must be known`,
    );
  }
  // Checked just above.
  const full = [options.batch, ...rest as number[]];
  return isNchw(full, options) ? [full[0], full[3], full[1], full[2]] : full;
}

function isNchw(shape: readonly number[], { inputLayout = "nhwc" }: TraceModelOptions): boolean {
  return inputLayout === "nchw" && shape.length === 4;
}

/**
 * Tells the backend which layer is being called, until the result is disposed of. A layer in two models is in both.
 *
 * TF.js 4.22 calls a layer of several outputs once for each; here it answers the second time as it did the first.
 */
function followLayers(model: tfl.LayersModel, backend: OnnxRuntimeBackend): DisposableStack {
  using followed = new DisposableStack();
  for (const { layer, name } of namedLayers(model)) {
    const answers = new Map<string, tf.Tensor[]>();
    followed.defer(shadow(layer, "call", (call, inputs, kwargs) => {
      const key = String((Array.isArray(inputs) ? inputs : [inputs]).map(({ id }) => id));
      const known = answers.get(key);
      if (known !== undefined) return known;
      const outer = backend.emit.layer;
      backend.emit.layer = name;
      try {
        const answer = call(inputs, kwargs);
        if (Array.isArray(answer)) answers.set(key, answer);
        return answer;
      } catch (cause) {
        const because = cause instanceof Error ? cause.message : String(cause);
        throw new TypeError(`Cannot export layer "${name}" (${layer.getClassName()}): ${because}`, { cause });
      } finally {
        backend.emit.layer = outer;
      }
    }));
  }
  return followed.move();
}

interface NamedLayer {
  readonly layer: tfl.layers.Layer;
  readonly name: string;
}

/** Names the layers of `model` and of the models in it: their own names, behind the models' where these are not unique. */
function namedLayers(model: tfl.LayersModel): readonly NamedLayer[] {
  const found = layersIn(model, "");
  const counts = Map.groupBy(found, ({ layer }) => layer.name);
  return found.map(({ layer, name }) => ({ layer, name: counts.get(layer.name)!.length === 1 ? layer.name : name }));
}

function layersIn(model: tfl.LayersModel, path: string): readonly NamedLayer[] {
  return model.layers.flatMap((layer): readonly NamedLayer[] =>
    layer instanceof tfl.LayersModel ? layersIn(layer, `${path}${layer.name}/`) : [{ layer, name: path + layer.name }]
  );
}
