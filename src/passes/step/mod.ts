/** What is done to a recorded step of training before ONNX Runtime gets it. */
import type { Graph } from "../../onnx/graph.ts";
import { guardPad } from "../guard_pad.ts";
import { channelsFirst } from "../layout.ts";
import { recognizeLayerNorm } from "../layer_norm.ts";
import { mergeReshapes } from "../merge_reshapes.ts";
import { type Pass, type RunOptions, runPasses } from "../pass.ts";
import { plainActivationsOfFiles } from "../plain_activations.ts";
import { recognizeClip } from "../recognize_clip.ts";
import { scaleDequantized } from "../scale_dequantized.ts";
import { blockChannels } from "./blocked/block_channels.ts";
import { fuseBlocked } from "./blocked/fuse_blocked.ts";
import { asKernels } from "./kernels/as_kernels.ts";
import { centerConvolutions } from "./center_convolutions.ts";
import { earlyMasks } from "./early_masks.ts";
import { multiplyFilterGradients } from "./filter_gradient.ts";
import { mergeGroups } from "./merge_groups.ts";
import { mergeMasks } from "./merge_masks.ts";
import { recompute } from "./recompute.ts";
import { shareEqual } from "./share_equal.ts";
import { simulateWeights } from "./simulate_weights.ts";

/** How a step is prepared. */
export interface StepOptions extends RunOptions {
  /** Channels that this machine's operators hold in a block; 1, the default, if it has none for blocks. */
  readonly block?: number;
  /** Whether passes without gradients compute what integer kernels do. Default: true. */
  readonly kernels?: boolean;
}

/** The passes of a step, in order. */
export function stepPasses({ block = 1, kernels = true }: StepOptions = {}): readonly Pass[] {
  return [
    plainActivationsOfFiles,
    recognizeLayerNorm(),
    mergeReshapes,
    simulateWeights,
    shareEqual,
    mergeMasks,
    recognizeClip,
    channelsFirst,
    scaleDequantized,
    ...(kernels ? [asKernels] : []),
    guardPad,
    mergeGroups(block),
    centerConvolutions,
    blockChannels(block),
    fuseBlocked,
    multiplyFilterGradients,
    mergeReshapes,
    shareEqual,
    earlyMasks,
    recompute,
  ];
}

/** Prepares a recorded step for ONNX Runtime. */
export function optimizeStep(graph: Graph, options: StepOptions = {}): Graph {
  return runPasses(stepPasses(options), graph, options).graph;
}
