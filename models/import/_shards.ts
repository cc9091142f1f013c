/**
 * Reads the binary files of a weights manifest.
 *
 * TensorFlow.js ignores bytes that are too many and blames the wrong thing for bytes that are too few, so sizes are
 * checked here, before anything is read.
 */
import { dirname, isAbsolute, join } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { describeFailure } from "../../src/io/errors.ts";
import { cannotLoad, type ModelJson, type WeightGroup } from "./_model_json.ts";

/** Bytes of one element, by the dtype in the file. */
const BYTES_PER_ELEMENT = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

/** All weights' bytes, in the manifest's order. */
export interface WeightBytes {
  readonly data: ArrayBuffer;
  /** Paths of the files read, in the manifest's order. */
  readonly files: readonly string[];
}

interface Shard {
  readonly file: string;
  readonly size: number;
}

/**
 * Reads all shards of all groups into one buffer.
 *
 * @throws {ModelFileError} If a shard is missing, or a group's shards hold another number of bytes than its weights.
 */
export async function readWeightBytes(model: ModelJson): Promise<WeightBytes> {
  const shards: Shard[] = [];
  for (const group of model.groups) shards.push(...await measureGroup(group, model.path));
  const bytes = new Uint8Array(shards.reduce((sum, { size }) => sum + size, 0));
  let offset = 0;
  for (const shard of shards) {
    bytes.set(await readShard(shard, model.path), offset);
    offset += shard.size;
  }
  return { data: bytes.buffer, files: shards.map(({ file }) => file) };
}

/** Gives the number of bytes that a weight takes in its file. */
function storedBytes(weight: io.WeightsManifestEntry): number {
  // _model_json.ts lets no other dtype pass.
  const dtype = (weight.quantization?.dtype ?? weight.dtype) as keyof typeof BYTES_PER_ELEMENT;
  return weight.shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[dtype]);
}

async function measureGroup(group: WeightGroup, modelPath: string): Promise<readonly Shard[]> {
  const shards: Shard[] = [];
  for (const path of group.paths) shards.push(await measureShard(path, modelPath));
  const needed = group.weights.reduce((sum, weight) => sum + storedBytes(weight), 0);
  const found = shards.reduce((sum, { size }) => sum + size, 0);
  if (found === needed) return shards;
  const names = shards.map(({ file, size }) => `"${file}"${shards.length > 1 ? ` (${size})` : ""}`).join(", ");
  const one = shards.length === 1;
  throw cannotLoad(
    modelPath,
    shards.length === 0
      ? `a weight group of ${needed} bytes names no files`
      : `the weights ${one ? "file" : "files"} ${names} ${one ? "is" : "together are"} ${found} bytes, ` +
        `${needed} are needed`,
  );
}

async function measureShard(path: string, modelPath: string): Promise<Shard> {
  if (isAbsolute(path)) {
    throw cannotLoad(modelPath, `the weights file "${path}" is an absolute path, one relative to the model is needed`);
  }
  const file = join(dirname(modelPath), path);
  const info = await Deno.stat(file).catch((cause) => {
    throw cannotLoad(modelPath, `the weights file "${file}" cannot be read: ${describeFailure(cause)}`, cause);
  });
  if (!info.isFile) throw cannotLoad(modelPath, `the weights file "${file}" is not a file, one is needed`);
  return { file, size: info.size };
}

async function readShard({ file, size }: Shard, modelPath: string): Promise<Uint8Array> {
  const bytes = await Deno.readFile(file).catch((cause) => {
    throw cannotLoad(modelPath, `the weights file "${file}" cannot be read: ${describeFailure(cause)}`, cause);
  });
  if (bytes.length === size) return bytes;
  throw cannotLoad(
    modelPath,
    `the weights file "${file}" changed from ${size} to ${bytes.length} bytes while it was read`,
  );
}
