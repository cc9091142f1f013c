/**
 * Reads the binary files of a weights manifest.
 *
 * TensorFlow.js ignores bytes that are too many and blames the wrong thing for bytes that are too few, so sizes are
 * checked here, before anything is read.
 */
import { dirname, isAbsolute, join, normalize, relative, win32 } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { describeFailure } from "../../src/io/errors.ts";
import { formatBytes, readFileWithin } from "../../src/io/read.ts";
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

/** Most bytes that all weights together may take. */
const MOST_BYTES = 2 ** 32;

/**
 * Reads all shards of all groups into one buffer.
 *
 * Shards lie in the folder of model.json, or in folders within it: a path or a link that leads out of it is refused, and
 * nothing is told of what is there.
 *
 * @throws {ModelFileError} If a shard is missing, or a group's shards hold another number of bytes than its weights.
 */
export async function readWeightBytes(model: Pick<ModelJson, "path" | "groups">): Promise<WeightBytes> {
  const shards: Shard[] = [];
  for (const group of model.groups) shards.push(...await measureGroup(group, model.path));
  const length = shards.reduce((sum, { size }) => sum + size, 0);
  if (length > MOST_BYTES) {
    const sizes = `${formatBytes(length)}, at most ${formatBytes(MOST_BYTES)}`;
    throw cannotLoad(model.path, `its weights have ${sizes} can be read`);
  }
  const bytes = new Uint8Array(length);
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
  const file = await findShard(path, modelPath);
  const info = await Deno.stat(file).catch((cause) => {
    throw cannotLoad(modelPath, `the weights file "${file}" cannot be read: ${describeFailure(cause)}`, cause);
  });
  if (!info.isFile) throw cannotLoad(modelPath, `the weights file "${file}" is not a file, one is needed`);
  return { file, size: info.size };
}

/** Returns the path of a shard that lies within the model's folder, or is not there. */
async function findShard(path: string, modelPath: string): Promise<string> {
  const refuse = (what: string) =>
    cannotLoad(modelPath, `the weights file "${path}" is ${what}, one within the folder of model.json is needed`);
  if (isAbsolute(path) || win32.isAbsolute(path)) throw refuse("an absolute path");
  if (leadsOut(path)) throw refuse("a path out of the model's folder");
  const folder = dirname(modelPath);
  const file = join(folder, path);
  const real = await realPath(file);
  // A link to what is not there is refused in the same words: whether something is there is nobody's business.
  if (real === undefined ? await hasLink(folder, path) : leadsOut(relative(await Deno.realPath(folder), real))) {
    throw refuse("a link out of the model's folder");
  }
  return file;
}

/** Whether a relative path, or one that was to be one, leads out of the folder that it begins in. */
export function leadsOut(path: string): boolean {
  return isAbsolute(path) || normalize(path).split(/[/\\]/).includes("..");
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch {
    return undefined;
  }
}

/** Whether a part of `path`, which begins in `folder`, is a link. */
async function hasLink(folder: string, path: string): Promise<boolean> {
  const parts = normalize(path).split("/");
  const ways = parts.map((_, i) => join(folder, ...parts.slice(0, i + 1)));
  const found = await Promise.all(ways.map((way) => Deno.lstat(way).catch(() => undefined)));
  return found.some((info) => info?.isSymlink);
}

async function readShard({ file, size }: Shard, modelPath: string): Promise<Uint8Array> {
  const bytes = await readFileWithin(file, { most: size }).catch((cause) => {
    throw cannotLoad(modelPath, `the weights file "${file}" cannot be read: ${describeFailure(cause)}`, cause);
  });
  if (bytes.length === size) return bytes;
  throw cannotLoad(
    modelPath,
    `the weights file "${file}" changed from ${size} to ${bytes.length} bytes while it was read`,
  );
}
