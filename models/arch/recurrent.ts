/** Recurrent networks of one layer: an LSTM, and a GRU that reads both ways. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { beginSequence } from "./_sequences.ts";

const { layers } = tfl;

/** Numbers at each position that the layer reads, and that it remembers. */
const EMBEDDED = 32;
const UNITS = 64;

/**
 * Makes `lstm`: an LSTM of 64 units over tokens or over the rows of a picture, and a dense layer.
 *
 * Shapes: tokens [n, t] or pictures [n, h, w, c] → [n, outputs], or [n, t, outputs] of each position.
 */
export function lstm(options: ArchOptions): tfl.LayersModel {
  return make(
    "lstm",
    options,
    ({ kernels, returnSequences }) =>
      layers.lstm({ name: "lstm", units: UNITS, recurrentActivation: "sigmoid", returnSequences, ...kernels }),
  );
}

/**
 * Makes `gru`: GRUs of 64 units that read the sequence from both ends, and a dense layer on what both found.
 *
 * Shapes: as `lstm`.
 */
export function gru(options: ArchOptions): tfl.LayersModel {
  return make("gru", options, ({ kernels, returnSequences }) => {
    const layer = layers.gru({
      name: "gru",
      units: UNITS,
      recurrentActivation: "sigmoid",
      returnSequences,
      ...kernels,
    });
    // TF.js's types ask for the class that its function returns as a Layer.
    return layers.bidirectional({ name: "bidirectional", layer: layer as tfl.RNN, mergeMode: "concat" });
  });
}

interface Recurrence {
  /** Initializers of both kernels. TF.js's own of the second, orthogonal, takes no seed. */
  readonly kernels: Pick<Parameters<typeof layers.lstm>[0], "kernelInitializer" | "recurrentInitializer">;
  readonly returnSequences: boolean;
}

function make(
  name: string,
  options: ArchOptions,
  recurrent: (recurrence: Recurrence) => tfl.layers.Layer,
): tfl.LayersModel {
  const { perPosition = false, seed, ...rest } = options;
  const blocks = new Blocks(seed, { epsilon: 1e-5 });
  const { input, sequence } = beginSequence(options, { width: EMBEDDED, blocks });
  const kernels = {
    kernelInitializer: blocks.uniform(name),
    recurrentInitializer: blocks.uniform(`${name}_recurrent`),
  };
  const chain = [recurrent({ kernels, returnSequences: perPosition }), ...blocks.head(rest)];
  return tfl.model({ inputs: input, outputs: applyAll(sequence, chain), name });
}
