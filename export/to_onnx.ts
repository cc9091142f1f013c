/** From a TF.js model to an ONNX file's bytes. */
import { version_core } from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertLegal } from "../src/onnx/check/check.ts";
import type { TypedArray } from "../src/numbers/dtype.ts";
import type { Graph, Tensor } from "../src/onnx/graph.ts";
import {
  appendBoxes,
  type AppendBoxesOptions,
  explicitProducts,
  nameNodes,
  optimizeForAnyBatch,
  optimizeForExport,
  packPixels,
  picturesOf,
  type Pixels,
  rawPixels,
  toQOperators,
  type Traced,
} from "../src/passes/deploy/mod.ts";
import { type Declined, type Pass, runPasses } from "../src/passes/pass.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { quantizedLayersIn } from "../src/quant/mod.ts";
import { ORT_VERSION, Session } from "../src/runtime/session.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { plainText } from "../src/text/plain.ts";
import { MAKER } from "../src/version.ts";
import { recordOf } from "../quantize/record.ts";
import { FILE_FORMS, type FileForm, type Target } from "../quantize/target.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import { aroundZero, assertFormed, formOf, type FormOptions, type Precision } from "./_form.ts";
import { assertHeld } from "./check_target.ts";
import { outputNames } from "../models/ports.ts";
import { traceModel } from "./trace.ts";

export type { Ports } from "../src/passes/deploy/mod.ts";
export { type FormOptions, type Precision, PRECISIONS } from "./_form.ts";

/** What an ONNX file is made with. */
export interface ToOnnxOptions extends FormOptions {
  /** ONNX opset of the file, 13 to 17. Default 17. */
  readonly opset?: number;
  /** Layout of picture inputs: TF.js's "nhwc" (default) or "nchw". Inside, the graph is NCHW either way. */
  readonly inputLayout?: "nhwc" | "nchw";
  /**
   * What the file computes with. "int8" (default): fake quantization becomes integers. Any other leaves it out, and starts
   * from the same weights in float32.
   */
  readonly precision?: Precision;
  /**
   * How the int8 file writes integers: as pairs of QuantizeLinear and DequantizeLinear ("qdq", the default), or as operators
   * on codes ("qoperator"). What has no form on codes stays between its pairs, and is in `declined` with the reason.
   */
  readonly format?: FileForm;
  /**
   * What the model expects of pixels from 0 to 1. Where it is given, the file takes pictures as bytes, 0 to 255, and does
   * that itself: a raw pixel has the very code that it has in the file without it. Default: pictures come as the model
   * expects them.
   */
  readonly pixels?: Pixels;
  /**
   * Whether the first convolution of an int8 file reads several pixels of a row as one, where that is sooner in ONNX Runtime
   * on a CPU: other shapes on the way, the same codes. Default: false.
   */
  readonly packPixels?: boolean;
  /**
   * How outputs give boxes: the file then makes them itself, in float32, and answers with "boxes" [n, k, 4], corners in pixels
   * of the picture, and "scores" [n, labels, k] in their place; with `suppress` with "detections" [n, most, 6], the boxes that
   * stay. Default: the outputs stay as they are.
   */
  readonly boxes?: AppendBoxesOptions;
  /**
   * Samples that the file takes at once, for runtimes that want to know all shapes beforehand. Default: any number, by a
   * symbolic dimension.
   */
  readonly fixedBatch?: number;
  /**
   * The target whose table the int8 file is held to, and whose weights a dynamic one has. Default: the one that the model
   * was prepared for, if any.
   */
  readonly target?: string;
  /**
   * Texts for the file's metadata, by key. "precision", "target", "format", "layout", "batch" and
   * "versions" are written without being given.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What people should know of the file, behind a sentence that names model, precision, target and maker. */
  readonly doc?: string;
  /** Whether each pass is held to its word, which takes longer than the passes do. Default: false. */
  readonly debug?: boolean;
}

/** An exported model. */
export interface OnnxModel {
  /** The serialized ModelProto. */
  readonly bytes: Uint8Array;
  /** The same as plain data. */
  readonly graph: Graph;
  /** What the passes left undone, and why, by the names of the graph's nodes. */
  readonly declined: readonly Declined[];
  /** What the file computes with. */
  readonly precision: Precision;
}

/** Two batch sizes: primes, that divide few of the dimensions that models have. */
const TRACE_BATCHES = [41, 43] as const;

/**
 * Exports the inference pass of `model`.
 *
 * A model prepared for quantization-aware training becomes an int8 model as its target has it, whether its quantizers are
 * switched on or not. Any other becomes a float model. The batch dimension is symbolic unless it is fixed; batch norm is
 * folded.
 *
 * @throws {TypeError} If an input has an unknown dimension besides the batch.
 * @throws {Error} If a quantizer of the model never observed anything.
 * @throws {RangeError} If the opset is another, the target has no file or cannot hold what the model has, or the model computes with its batch size in a way that a symbolic
 *   dimension cannot express.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { registerBackend } from "../src/backend/mod.ts";
 * import { toOnnx } from "./to_onnx.ts";
 *
 * await registerBackend();
 * const dense = tfl.layers.dense({ name: "dense", units: 2, inputShape: [3] });
 * const { graph } = await toOnnx(tfl.sequential({ layers: [dense] }));
 * assert.deepEqual([graph.inputs, graph.outputs], [["dense_input"], ["dense"]]);
 * assert.deepEqual(graph.types.get("dense")?.shape, ["batch", 2]);
 * ```
 */
export async function toOnnx(model: tfl.LayersModel, options: ToOnnxOptions = {}): Promise<OnnxModel> {
  const { opset = 17, inputLayout = "nhwc", precision = "int8", format = "qdq", debug = false } = options;
  checkChoice(format, { of: FILE_FORMS, cannot: `Cannot write "${model.name}" in the form "${format}"` });
  if (!Number.isInteger(opset) || opset < 13 || opset > 17) {
    throw new RangeError(`Cannot export opset ${opset}: it must be a whole number from 13 to 17`);
  }
  const target = precision === "int8" || precision === "dynamic" ? targetFor(model, options) : undefined;
  const weights = target?.weights[0];
  const form = formOf(precision, { ...options, ...(weights === undefined ? {} : { weights: aroundZero(weights) }) });
  const batches = options.fixedBatch === undefined ? TRACE_BATCHES : [checkBatch(model, options.fixedBatch)];
  const traces = await traceAll(model, { batches, inputLayout, isQuantized: precision === "int8" });
  const float = new Set(recordOf(model)?.islands.map(({ layer }) => layer));
  const deploy = {
    evaluate,
    debug,
    opset,
    float,
    ...(weights === undefined ? {} : { weights }),
    ...(target?.file === undefined ? {} : { bias: target.file.bias }),
    ...(form === undefined ? {} : { form }),
  };
  const [first, second] = traces;
  const { graph: optimized, declined } = second === undefined
    ? optimizeForExport(first.graph, deploy)
    : optimizeForAnyBatch([first, second], deploy);
  const names = outputNames(model);
  const ports = new Map(optimized.outputs.map((name, i) => [name, names[i]]));
  const named = { ...nameNodes(optimized, ports), name: model.name };
  const held = form === undefined ? target : undefined;
  const written = runPasses(
    [
      ...(held?.file?.explicitProducts ? [explicitProducts] : []),
      ...pixelPasses(named, options),
      ...(held !== undefined && options.packPixels ? [packPixels] : []),
      ...(held !== undefined && format === "qoperator" ? [toQOperators] : []),
      ...(options.boxes === undefined ? [] : [appendBoxes(options.boxes)]),
    ],
    named,
    { debug },
  );
  const { graph } = written;
  const left = [...renamed(declined, { from: optimized, to: named }), ...written.declined];
  if (form !== undefined) assertFormed(graph, form, { precision, declined: left });
  assertLegal(graph, { opset });
  if (held !== undefined) assertHeld(graph, held, { opset, format });
  const bytes = encodeModel(graph, {
    opset,
    producer: MAKER.name,
    producerVersion: MAKER.version,
    valueInfo: true,
    ...describe(model, { ...options, precision, format, inputLayout, target }),
  });
  return {
    bytes,
    graph,
    declined: left,
    precision,
  };
}

/** @throws {RangeError} If `batch` is no number of samples. */
function checkBatch({ name }: tfl.LayersModel, batch: number): number {
  if (Number.isInteger(batch) && batch >= 1) return batch;
  throw new RangeError(`Cannot export "${name}" for ${batch} samples at once: a whole number from 1 is needed`);
}

/** @throws {RangeError} If there are no pictures, or the numbers are for other channels. */
function pixelPasses(graph: Graph, { pixels, inputLayout: layout = "nhwc" }: ToOnnxOptions): readonly Pass[] {
  if (pixels === undefined) return [];
  const pictures = picturesOf(graph);
  const cannot = `Cannot write "${graph.name}" for raw pixels`;
  if (pictures.length === 0) throw new RangeError(`${cannot}: no input of it is pictures, of four dimensions`);
  for (const name of pictures) {
    const channels = graph.types.get(name)!.shape[layout === "nhwc" ? 3 : 1];
    const given = [pixels.mean.length, pixels.std.length].find((length) => length !== 1 && length !== channels);
    if (given === undefined) continue;
    throw new RangeError(`${cannot}: "${name}" has ${channels} channels, the normalization is for ${given}`);
  }
  return [rawPixels({ ...pixels, layout })];
}

interface TraceAll {
  readonly batches: readonly number[];
  readonly inputLayout: "nhwc" | "nchw";
  /** Whether quantizers round, or pass real values on. */
  readonly isQuantized: boolean;
}

/** Traces `model` at each batch size. */
async function traceAll(
  model: tfl.LayersModel,
  { batches, inputLayout, isQuantized }: TraceAll,
): Promise<readonly Traced[]> {
  const restore = switchQuantization(model, isQuantized);
  try {
    if (isQuantized) { for (const layer of quantizedLayersIn(model)) layer.readGrids(); }
    const traces: Traced[] = [];
    for (const batch of batches) traces.push({ batch, graph: await traceModel(model, { batch, inputLayout }) });
    return traces;
  } finally {
    restore();
  }
}

/** Lists what of a file in the form "qoperator" stays between Q/DQ pairs, and why. */
export function leftInPairs({ declined }: Pick<OnnxModel, "declined">): readonly Declined[] {
  return declined.filter(({ pass }) => pass === toQOperators.name);
}

/** Lists which convolutions of pictures read one pixel at a time although several were asked for, and why. */
export function leftUnpacked({ declined }: Pick<OnnxModel, "declined">): readonly Declined[] {
  return declined.filter(({ pass }) => pass === packPixels.name);
}

interface Described extends Pick<ToOnnxOptions, "metadata" | "doc" | "fixedBatch"> {
  readonly precision: string;
  readonly format: FileForm;
  readonly inputLayout: string;
  readonly target: Target | undefined;
}

/** What the file says of itself. */
function describe(
  model: tfl.LayersModel,
  { precision, format, inputLayout, fixedBatch, target, metadata, doc }: Described,
) {
  const versions = {
    [MAKER.name]: MAKER.version,
    tfjs: version_core,
    "tfjs-layers": tfl.version_layers,
    "onnxruntime-node": ORT_VERSION,
  };
  const goal = target === undefined ? "" : ` for target "${target.name}"`;
  const sentence = `The TF.js model "${
    plainText(model.name)
  }" in ${precision}${goal}, by ${MAKER.name} ${MAKER.version}.`;
  return {
    doc: doc === undefined ? sentence : `${sentence}\n${doc}`,
    metadata: {
      precision,
      ...(target === undefined ? {} : { target: target.name }),
      ...(precision === "int8" && target !== undefined ? { format } : {}),
      layout: inputLayout,
      ...(fixedBatch === undefined ? {} : { batch: String(fixedBatch) }),
      versions: JSON.stringify(versions),
      ...metadata,
    },
  };
}

/** Runs a graph without inputs node by node as it stands, so that export rounds as training did. */
function evaluate(graph: Graph): ReadonlyMap<string, Tensor> {
  const session = new Session(encodeModel(graph), { optimization: "disabled", keepQdq: true, threads: 1 });
  try {
    const outputs = Object.entries(session.run({}));
    return new Map(outputs.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data as TypedArray }]));
  } finally {
    session.dispose();
  }
}

/** Says of the nodes of `to` what was said of those of `from`, which are the same in order. */
function renamed(
  declined: readonly Declined[],
  { from, to }: { readonly from: Graph; readonly to: Graph },
): readonly Declined[] {
  const names = new Map(from.nodes.map(({ name }, i) => [name, to.nodes[i].name]));
  return declined.map((record) => ({ ...record, node: names.get(record.node) ?? record.node }));
}

/** @throws {RangeError} If the target is unknown or has no file. */
function targetFor(model: tfl.LayersModel, { target: asked }: ToOnnxOptions): Target | undefined {
  const name = asked ?? recordOf(model)?.target;
  const target = name === undefined ? undefined : targetOf(name);
  if (target === undefined || target.file !== undefined) return target;
  throw new RangeError(
    `Cannot export "${model.name}" as int8: target "${target.name}" is simulated only and has no file`,
  );
}

/** Lets every quantized layer of `model` round, or pass real values on. Returns a function that undoes it. */
function switchQuantization(model: tfl.LayersModel, fakeQuantizing: boolean): () => void {
  const switched = quantizedLayersIn(model).filter(({ phase }) => phase.fakeQuantizing === !fakeQuantizing);
  for (const layer of switched) layer.setPhase({ fakeQuantizing });
  return () => switched.forEach((layer) => layer.setPhase({ fakeQuantizing: !fakeQuantizing }));
}
