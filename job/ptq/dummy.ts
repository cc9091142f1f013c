/** Random samples for a model whose real ones are not at hand. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { SampleInput, SampleSet } from "../../data/samples.ts";
import { inputNames, inputShapesOf } from "../../models/ports.ts";
import { Random } from "../../src/numbers/random.ts";
import { rowsOfEmbeddings } from "../_embeddings.ts";
import { imageShapeOf } from "../_model.ts";

/** Of the seed's streams of random numbers, the one that samples are drawn by. */
const STREAM = 12;

/**
 * Makes `count` samples for all inputs of `model`: pictures of noise, numbers from -1 to 1, and for an embedding indices of
 * its rows.
 *
 * @throws {TypeError} If an input has an unknown dimension besides the batch.
 */
export function dummySamples(
  model: tfl.LayersModel,
  { count, seed }: { readonly count: number; readonly seed: number },
): SampleSet {
  const random = new Random(seed, [STREAM]);
  const image = imageShapeOf(model);
  const rows = rowsOfEmbeddings(model);
  const inputs = inputNames(model).map((name, i): readonly [string, SampleInput] => {
    const shape = inputShapesOf(model)[i];
    const width = shape.reduce((product, side) => product * side, 1);
    if (image !== undefined) {
      const bytes = Uint8Array.from({ length: count * width }, () => random.below(256));
      return [name, { kind: "pictures", ...image, bytes }];
    }
    const most = rows.get(name);
    if (most !== undefined) {
      const values = Int32Array.from({ length: count * width }, () => random.below(most));
      return [name, { kind: "tokens", values, length: width, names: numbered(most) }];
    }
    const values = Float32Array.from({ length: count * width }, () => random.between(-1, 1));
    return [name, { kind: "rows", names: numbered(width), values }];
  });
  return { name: "dummy", count, inputs: Object.fromEntries(inputs), targets: {} };
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}
