/** Tells data and weights from others, by hashes. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { StoredPixels } from "../data/cache/stored_pixels.ts";
import { imageBytes } from "../data/dataset.ts";
import { digestOf } from "../data/pixels.ts";
import { type Pictures, type SampleInput, type SampleSet, type SampleTarget, storedShape } from "../data/samples.ts";
import { sha256 } from "../src/io/hash.ts";
import type { JobData } from "./_data.ts";

/**
 * Hashes all samples of a job, with the names of what they are and of the model's outputs, and what counts how much: what
 * a run is known by when it goes on. Where its pictures are kept, in memory or in a file, is a part of it.
 */
export function hashData({ train, validation, test, classWeights }: JobData): string {
  const weights = classWeights === undefined ? [] : [JSON.stringify(classWeights)];
  return sha256(...[train, ...(validation === undefined ? [] : [validation]), test].flatMap(partsOf), ...weights);
}

/**
 * Hashes samples that models are judged by: the same for the same samples, wherever their pictures are kept and whatever
 * the outputs of the model are called. Targets count in the order of the outputs; one that all of them share counts once.
 */
export function hashSamples({ count, inputs, targets }: SampleSet): string {
  const own = Object.values(targets).map(hashValues);
  const isShared = new Set(own).size === 1;
  const shown = Object.entries(inputs).map(([name, input]) => [name, hashValues(input)]);
  return sha256(JSON.stringify([count, shown, isShared ? own.slice(0, 1) : own]));
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

/** Hashes what values are and their numbers, by name: in which order a source lists them is nobody's concern. */
function hashValues(value: SampleInput | SampleTarget): string {
  const numbers = Object.entries(value).flatMap(([key, part]: readonly [string, unknown]) =>
    ArrayBuffer.isView(part) && key !== "bytes" ? [[key, sha256(bytesOf(part))]] : []
  );
  const pixels = value.kind === "pictures" ? digestOf(value.bytes, widthOf(value)) : "";
  return sha256(JSON.stringify([value.kind, "names" in value ? value.names : [], numbers.toSorted(), pixels]));
}

/** Bytes of a picture as it is kept. */
function widthOf(pictures: Pictures): number {
  return imageBytes(storedShape(pictures));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
