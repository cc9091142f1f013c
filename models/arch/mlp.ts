/** A multilayer perceptron for rows of numbers. */
import * as tfl from "@tensorflow/tfjs-layers";
import { type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** Units of the hidden layers. */
const HIDDEN = [64, 64];

/**
 * Makes `mlp`: two hidden layers of 64 units, each with batch normalization and ReLU, then a dense layer.
 *
 * Shapes: [n, columns] → [n, outputs]. Columns are best of one size: they share the grid of the input.
 */
export function mlp({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3 });
  const model = tfl.sequential({ name: "mlp" });
  HIDDEN.forEach((units, i) => {
    const first = i === 0 ? { inputShape } : {};
    model.add(blocks.dense({ name: `hidden${i + 1}`, units, ...first }));
    model.add(blocks.norm(`bn${i + 1}`));
    model.add(layers.reLU({ name: `relu${i + 1}` }));
  });
  for (const layer of blocks.head(head)) model.add(layer);
  return model;
}
