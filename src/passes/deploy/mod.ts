/** What makes the graph that is deployed of the traced inference pass of a trained model. */
import type { QuantScheme } from "../../numbers/scheme.ts";
import type { Graph } from "../../onnx/graph.ts";
import { fusableGelu } from "./fusable_gelu.ts";
import { guardPad } from "../guard_pad.ts";
import { channelsFirst } from "../layout.ts";
import { recognizeLayerNorm } from "../layer_norm.ts";
import { mergeReshapes } from "../merge_reshapes.ts";
import { type Pass, type Passed, type RunOptions, runPasses } from "../pass.ts";
import { plainActivations } from "../plain_activations.ts";
import { recognizeClip } from "../recognize_clip.ts";
import { scaleDequantized } from "../scale_dequantized.ts";
import { batchNormRank } from "./batch_norm_rank.ts";
import { dropNanGuards } from "./drop_nan_guards.ts";
import { dropRedundant } from "./drop_redundant.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";
import { type Evaluate, foldConstants } from "./fold_constants.ts";
import { type FloatForm, formPasses } from "./form/mod.ts";
import { gatherCodes } from "./gather_codes.ts";
import { globalAveragePool } from "./global_average_pool.ts";
import { guardFloatWeights } from "./guard_float_weights.ts";
import { guardRelu } from "./guard_relu.ts";
import { guardSoftmax } from "./guard_softmax.ts";
import { mergeBias } from "./merge_bias.ts";
import { mergePad } from "./merge_pad.ts";
import { moveWeights } from "./move_weights.ts";
import { normalizeByConv } from "./normalize_by_conv.ts";
import { oneDimension } from "./one_dimension.ts";
import { placeQdq } from "./place_qdq.ts";
import { quantizeBias } from "./quantize_bias.ts";
import { atBatch, followsPlainly } from "./rebatch.ts";
import { reluBeforeReshape } from "./relu_before_reshape.ts";
import { requantize } from "./requantize.ts";
import { softmaxOfOne } from "./softmax_of_one.ts";
import { symbolicBatch, type Traced } from "./symbolic_batch.ts";
import { tanhBySigmoid } from "./tanh_by_sigmoid.ts";

export type { Evaluate } from "./fold_constants.ts";
export type { FloatForm, Ports } from "./form/mod.ts";
export { explicitProducts } from "./explicit_products.ts";
export { appendBoxes, type AppendBoxesOptions, type BoxGrid, type SuppressOptions } from "./append_boxes.ts";
export { nameNodes } from "./name_nodes.ts";
export { type Traced } from "./symbolic_batch.ts";
export { packPixels } from "./pack_pixels.ts";
export { picturesOf, type Pixels, rawPixels } from "./raw_pixels.ts";
export { toQOperators } from "./to_qoperators.ts";

/** What a graph is deployed with. */
export interface DeployOptions extends RunOptions {
  /** Computes constant subgraphs. */
  readonly evaluate: Evaluate;
  /** The scheme of weights that no layer has: those of batch normalization that becomes a convolution. Default: int8. */
  readonly weights?: QuantScheme;
  /** The opset of the file, which decides what operators there are. Default: 17. */
  readonly opset?: number;
  /** Whether biases of products of codes become codes themselves. Default: "int32". */
  readonly bias?: "int32" | "float32";
  /** Layers that stay in float, though what they read is on a grid. */
  readonly float?: ReadonlySet<string>;
  /** What becomes of the numbers of a float graph. Default: they stay what they are. */
  readonly form?: FloatForm;
}

/**
 * The passes of a deployed graph, in order.
 *
 * Weights must be integers before batch norm can be folded into their scales, biases must be complete before they are
 * rounded to the accumulator's grid, which needs every input's grid. Sequences come as pictures of height or width 1 and
 * must be themselves again before a bias is found behind its convolution. What remains between two grids then, a ReLU or a
 * tanh, becomes a table.
 */
export function deployPasses(
  { evaluate, weights, float, bias = "int32", form, opset }: DeployOptions,
): readonly Pass[] {
  return [
    plainActivations,
    dropNanGuards,
    dropRedundant,
    recognizeLayerNorm(opset),
    fusableGelu,
    mergeReshapes,
    batchNormRank,
    channelsFirst,
    dropRedundant,
    scaleDequantized,
    foldConstants(evaluate),
    moveWeights,
    gatherCodes,
    oneDimension,
    mergeReshapes,
    recognizeClip,
    mergeBias,
    foldBatchNorm,
    normalizeByConv({ scheme: weights, except: float }),
    reluBeforeReshape,
    globalAveragePool,
    softmaxOfOne,
    mergePad,
    placeQdq,
    guardRelu({ float }),
    guardPad,
    ...(bias === "int32" ? [quantizeBias] : []),
    dropRedundant,
    requantize,
    tanhBySigmoid,
    guardFloatWeights,
    guardSoftmax,
    ...form === undefined ? [] : formPasses(form),
  ];
}

/** Turns a traced inference pass into the graph that is deployed. */
export function optimizeForExport(graph: Graph, options: DeployOptions): Passed {
  return runPasses(deployPasses(options), graph, options);
}

/**
 * The same with a symbolic batch, of one model traced at two batch sizes.
 *
 * Only the first trace is optimized where the model does nothing with its batch but pass it on.
 *
 * @throws {RangeError} If the traces differ in anything that a symbolic dimension cannot express.
 */
export function optimizeForAnyBatch([a, b]: readonly [Traced, Traced], options: DeployOptions): Passed {
  const { graph, declined } = optimizeForExport(a.graph, options);
  const first = { graph, batch: a.batch };
  const second = followsPlainly(a, b)
    ? atBatch(first, b.batch)
    : { graph: optimizeForExport(b.graph, options).graph, batch: b.batch };
  return { graph: symbolicBatch(first, second), declined };
}
