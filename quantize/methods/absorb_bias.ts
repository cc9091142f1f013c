/**
 * High-bias absorption: what a channel always has before a ReLU is moved behind it, into the biases of the next layers.
 *
 *     c = max(0, β − 3|γ|)      β ← β − c      b ← b + Σ W·c, over positions of the kernel and the channels read
 *
 * Behind batch normalization a channel is spread around β by |γ|: all but 0.14 % of a normal one lie above β − 3|γ|, and
 * for those ReLU(x − c) + c = ReLU(x). Ranges get smaller by c, which equalization may have made large. The answers of the
 * float model change where values do lie below; the outcome says how far.
 *
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.1.3.
 */
import {
  callsOf,
  consumersOf,
  fromModel,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  rebuild,
  replaceLayer,
  weightOf,
} from "../../src/rewrite/mod.ts";
import { absorbersOf, addToBias, isPlainRelu } from "./_absorbers.ts";
import { howFarApart } from "./_run.ts";
import { mapWeights } from "./_scale_channels.ts";
import type { FloatStep, StepEffect, StepLeft } from "./step.ts";

/** Standard deviations below the mean that values of a channel are taken to lie within. */
const DEVIATIONS = 3;

/** Moves high biases from before a ReLU to behind it. */
export const absorbBias: FloatStep<"absorb-bias"> = {
  name: "absorb-bias",
  when: "float",
  description: "move biases that keep channels far above 0 into the layers behind their ReLU",
  byDefault: false,
  apply: async (model, context) => {
    const effects: StepEffect[] = [];
    const left: StepLeft[] = [];
    let graph = fromModel(model);
    for (const { name } of graph.nodes) {
      const source = sourceAt(graph, name);
      if (source === undefined) continue;
      const absorbers = absorbersOf(graph, source.relu.name);
      if (!absorbers.ok) {
        left.push({ layer: source.norm.name, because: absorbers.because });
        continue;
      }
      graph = replaceLayer(graph, source.norm, lowered(source));
      for (const node of absorbers.nodes) graph = addToBias(graph, node, source.high);
      effects.push(effectOf(source));
    }
    const absorbed = rebuild(model, graph);
    const facts = effects.length === 0 ? [] : [await howFarApart(model, absorbed, context)];
    return { model: absorbed, effects, left, facts };
  },
};

/** A batch normalization with channels that have a high bias, and the ReLU that alone reads it. */
interface Source {
  readonly norm: LayerNode;
  readonly relu: LayerNode;
  /** c of each channel. */
  readonly high: Float64Array;
}

function sourceAt(graph: LayerGraph, name: string): Source | undefined {
  const norm = graph.nodes.find((node) => node.name === name);
  if (norm?.layer.className !== "BatchNormalization" || (norm.layer.config.axis ?? -1) !== -1) return undefined;
  const [relu, ...others] = consumersOf(graph, name);
  if (relu === undefined || others.length > 0 || !isPlainRelu(relu.layer)) return undefined;
  if (isOutput(graph, name) || callsOf(graph, norm).length > 1) return undefined;
  const high = highIn(norm.layer);
  return high.some((c) => c > 0) ? { norm, relu, high } : undefined;
}

function highIn({ weights }: LayerSpec): Float64Array {
  const [gamma, beta] = ["gamma", "beta"].map((name) => weights.find((weight) => weight.name === name)?.data);
  return Float64Array.from(beta ?? [], (b, c) => Math.max(0, b - DEVIATIONS * Math.abs(gamma?.[c] ?? 1)));
}

function lowered({ norm, high }: Source): LayerSpec {
  return mapWeights(norm.layer, { beta: (b, c) => b - high[c] });
}

function effectOf({ norm, high }: Source): StepEffect {
  const beta = Array.from(weightOf(norm.layer, "beta").data);
  const channels = high.filter((c) => c > 0).length;
  return {
    layer: norm.name,
    what: `largest bias, of which ${channels} of ${high.length} channels gave what is always there`,
    before: Math.max(...beta),
    after: Math.max(...beta.map((b, c) => b - high[c])),
  };
}
