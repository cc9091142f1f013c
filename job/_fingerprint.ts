/** Tells data and weights from others, by hashes. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { StoredPixels } from "../data/cache/stored_pixels.ts";
import type { SampleSet } from "../data/samples.ts";
import { sha256 } from "../src/io/hash.ts";
import type { JobData } from "./_data.ts";

/** Hashes all samples of a job, with the names of what they are, and what counts how much. */
export function hashData({ train, validation, test, classWeights }: JobData): string {
  const weights = classWeights === undefined ? [] : [JSON.stringify(classWeights)];
  return sha256(...[train, ...(validation === undefined ? [] : [validation]), test].flatMap(partsOf), ...weights);
}

/** Hashes samples, with the names of what they are. */
export function hashSamples(set: SampleSet): string {
  return sha256(...partsOf(set));
}

/** Hashes the weights of a model, in their order. */
export function hashWeights(model: tfl.LayersModel): string {
  return sha256(...model.weights.map((weight) => bytesOf(weight.read().dataSync())));
}

function partsOf({ count, inputs, targets }: SampleSet): readonly (Uint8Array | string)[] {
  return [
    `${count}`,
    ...[inputs, targets].flatMap((values) =>
      Object.entries(values).flatMap(([name, value]) => {
        const parts: readonly unknown[] = Object.values(value);
        const arrays = parts.filter((part) => ArrayBuffer.isView(part)).map(bytesOf);
        const stored = parts.filter((part) => part instanceof StoredPixels).map(({ digest }) => digest);
        return [JSON.stringify([name, value.kind, "names" in value ? value.names : []]), ...arrays, ...stored];
      })
    ),
  ];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
