/** The pipelines of passes: what the engine and the exporter do to a recorded graph. */
import type { QuantScheme } from "../numbers/scheme.ts";
import type { Graph } from "../onnx/graph.ts";
import { removeDeadNodes } from "../onnx/index.ts";
import { blockChannels } from "./step/blocked/block_channels.ts";
import { batchNormRank } from "./deploy/batch_norm_rank.ts";
import { earlyMasks } from "./step/early_masks.ts";
import { dropNanGuards } from "./deploy/drop_nan_guards.ts";
import { dropRedundant } from "./deploy/drop_redundant.ts";
import { multiplyFilterGradients } from "./step/filter_gradient.ts";
import { foldBatchNorm } from "./deploy/fold_batch_norm.ts";
import { type Evaluate, foldConstants } from "./deploy/fold_constants.ts";
import { globalAveragePool } from "./deploy/global_average_pool.ts";
import { channelsFirst } from "./layout.ts";
import { guardPad } from "./guard_pad.ts";
import { mergeBias } from "./deploy/merge_bias.ts";
import { mergeMasks } from "./step/merge_masks.ts";
import { mergePad } from "./deploy/merge_pad.ts";
import { mergeReshapes } from "./merge_reshapes.ts";
import { moveWeights } from "./deploy/move_weights.ts";
import { oneDimension } from "./deploy/one_dimension.ts";
import { normalizeByConv } from "./deploy/normalize_by_conv.ts";
import { placeQdq } from "./deploy/place_qdq.ts";
import { quantizeBias } from "./deploy/quantize_bias.ts";
import { recognizeClip } from "./recognize_clip.ts";
import { recompute } from "./step/recompute.ts";
import { shareEqual } from "./step/share_equal.ts";
import { simulateWeights } from "./step/simulate_weights.ts";
import { requantize } from "./deploy/requantize.ts";
import { tanhBySigmoid } from "./deploy/tanh_by_sigmoid.ts";

export type { Evaluate } from "./deploy/fold_constants.ts";
export { nameNodes } from "./deploy/name_nodes.ts";
export { symbolicBatch, type Traced } from "./deploy/symbolic_batch.ts";

/**
 * Prepares a recorded step for ONNX Runtime.
 *
 * @param block Channels that this machine's operators hold in a block; 1 if it has none for blocks.
 */
export function optimizeStep(graph: Graph, block = 1): Graph {
  const passes: readonly ((graph: Graph) => Graph)[] = [
    (g) => shareEqual(simulateWeights(mergeReshapes(g))),
    (g) => recognizeClip(mergeMasks(g)),
    (g) => guardPad(channelsFirst(g)),
    (g) => multiplyFilterGradients(blockChannels(g, block)),
    (g) => recompute(earlyMasks(shareEqual(mergeReshapes(g)))),
  ];
  return passes.reduce((result, pass) => pass(result), graph);
}

/** What a graph is deployed with. */
export interface DeployOptions {
  /** Computes constant subgraphs. */
  readonly evaluate: Evaluate;
  /** The scheme of weights that no layer has: those of batch normalization that becomes a convolution. Default: int8. */
  readonly weights?: QuantScheme;
}

/**
 * Turns the traced inference pass of a trained model into the graph that is deployed.
 *
 * The order matters: weights must be integers (2, 3) before batch norm can be folded into their scales (5), biases must
 * be complete (4, 5) before they are rounded to the accumulator's grid (9), which needs every input's grid (8). Sequences
 * come as pictures of height or width 1 and must be themselves again (1, 3) before a bias is found behind its convolution.
 * What remains between two grids then, a ReLU or a tanh, becomes a table (10).
 */
export function optimizeForExport(graph: Graph, { evaluate, weights }: DeployOptions): Graph {
  const passes: readonly ((graph: Graph) => Graph)[] = [
    /* 1 */ (g) => channelsFirst(batchNormRank(mergeReshapes(dropRedundant(dropNanGuards(g))))),
    /* 2 */ (g) => foldConstants(dropRedundant(g), evaluate),
    /* 3 */ (g) => mergeReshapes(oneDimension(moveWeights(g))),
    /* 4 */ (g) => mergeBias(recognizeClip(g)),
    /* 5 */ (g) => normalizeByConv(foldBatchNorm(g), weights),
    /* 6 */ globalAveragePool,
    /* 7 */ mergePad,
    /* 8 */ (g) => guardPad(placeQdq(g)),
    /* 9 */ quantizeBias,
    /* 10 */ (g) => tanhBySigmoid(requantize(dropRedundant(g))),
  ];
  return removeDeadNodes(passes.reduce((result, pass) => pass(result), graph));
}
