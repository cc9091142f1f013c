/** Picture files decoded once: into memory, or into a file of pictures that later runs find. */
import { basename, dirname, join } from "node:path";
import { disk, removeQuietly } from "../../src/io/disk.ts";
import { OutputError } from "../../src/io/errors.ts";
import { FileLock } from "../../src/io/lock.ts";
import { sha256 } from "../../src/io/hash.ts";
import { formatBytes } from "../../src/io/read.ts";
import { handleEvents } from "../../src/events.ts";
import {
  type OpenPictureFile,
  openPictureFile,
  type PictureFileShape,
  PictureFileWriter,
} from "../cache/picture_file.ts";
import { isInUse, StoredPixels } from "../cache/stored_pixels.ts";
import { describeShape, imageBytes, type ImageSet, type ImageShape } from "../dataset.ts";
import { fitTo } from "../fit_to.ts";
import { type SampleSet, samplesOf } from "../samples.ts";
import type { Picture } from "../pixels.ts";
import { type BadImage, decodeWith, type OpenPicture, stretch } from "./_decode.ts";

/** Where pictures are kept that are too many for memory. */
export interface CacheOptions {
  /** Folder of the files of pictures. */
  readonly dir: string;
  /** Bytes of the pictures of a part of a set from which on they are kept there; 0: always. */
  readonly above: number;
  /** Told in a sentence what is kept where. */
  readonly onUse?: (note: string) => void;
}

/** A picture that was decoded, and what is known of it besides, as plain data. */
export interface Decoded<Side> {
  readonly picture: Picture;
  readonly side: Side;
}

/** What is made of files. */
export interface DecodeOptions<Side> {
  readonly shape: ImageShape;
  /** Name of the part, for notes. */
  readonly name: string;
  /** Says all that decides what becomes of a file besides its bytes and the shape: other words, another cache. */
  readonly how: string;
  /** More of that, which may change from run to run: what was kept under other words is stale then. */
  readonly detail?: string;
  readonly cache: CacheOptions | undefined;
  readonly make: (picture: OpenPicture) => Promise<{ readonly pixels: Uint8Array; readonly side: Side } | BadImage>;
}

/**
 * Decodes files, in order, or finds what was decoded of the same files before.
 *
 * @returns A picture for each file, or why there is none.
 * @throws {OutputError} If they are to be kept in a file and it cannot be written.
 */
export async function decodeStored<Side>(
  files: readonly string[],
  options: DecodeOptions<Side>,
): Promise<readonly (Decoded<Side> | BadImage)[]> {
  const { cache, shape, make } = options;
  const bytes = files.length * imageBytes(shape);
  if (cache === undefined || bytes <= cache.above || files.length === 0) {
    const made = await decodeWith(files, make);
    return made.map((result) => isBad(result) ? result : { picture: result.pixels, side: result.side });
  }
  const path = join(cache.dir, await nameFor(files, options));
  const known = await find(path, files, options);
  if (known !== undefined) return known;
  cache.onUse?.(noteOn(path, { count: files.length, width: imageBytes(shape), name: options.name }));
  return await decodeTo(path, files, options);
}

/** How files are decoded that are stretched to a shape's sides. */
export type StretchOptions = Pick<DecodeOptions<null>, "shape" | "name" | "cache">;

/**
 * Decodes files to bytes [height, width, channels], in order.
 *
 * @returns A picture for each file, or why it could not be read.
 */
export async function decodeAll(files: readonly string[], options: StretchOptions): Promise<(Picture | BadImage)[]> {
  const { shape } = options;
  const make = async ({ open }: OpenPicture) => ({ pixels: await stretch(open(), shape), side: null });
  const decoded = await decodeStored(files, { ...options, how: "stretched", make });
  return decoded.map((result) => isBad(result) ? result : result.picture);
}

/** Whether there is no picture. */
export function isBad(result: object): result is BadImage {
  return "because" in result;
}

/** Makes the name of a file: which pictures it has, and in which state they were; another state of the same makes it stale. */
async function nameFor<Side>(
  files: readonly string[],
  { shape, how, detail = "", name }: DecodeOptions<Side>,
): Promise<string> {
  const states = await Promise.all(files.map(stateOf));
  const what = sha256(JSON.stringify([name, how, describeShape(shape), files])).slice(0, 16);
  const state = sha256(JSON.stringify([detail, states])).slice(0, 32);
  return `${what}-${state}.pixels`;
}

async function stateOf(file: string): Promise<readonly (number | null)[]> {
  try {
    const { size, mtime } = await Deno.stat(file);
    return [size, mtime?.getTime() ?? null];
  } catch {
    return [];
  }
}

/** What is noted of a file: what is known of its picture, or why there is none. */
type Note<Side> = { readonly side: Side } | { readonly bad: BadImage };

/** Finds what was decoded before; undefined where nothing was, or what could not be read then can be now. */
async function find<Side>(
  path: string,
  files: readonly string[],
  { shape, make }: DecodeOptions<Side>,
): Promise<readonly (Decoded<Side> | BadImage)[] | undefined> {
  const file = openPictureFile(path, { count: files.length, width: imageBytes(shape) });
  if (file === undefined) return undefined;
  // Its check says that we wrote it.
  const notes = file.notes as readonly Note<Side>[];
  const bad = files.filter((_, i) => "bad" in notes[i]);
  const again = await decodeWith(bad, make);
  if (!again.every(isBad)) return undefined;
  return withNotes(StoredPixels.of(file), notes);
}

function withNotes<Side>(pixels: StoredPixels, notes: readonly Note<Side>[]): readonly (Decoded<Side> | BadImage)[] {
  return notes.map((note, index) => "bad" in note ? note.bad : { picture: { of: pixels, index }, side: note.side });
}

async function decodeTo<Side>(
  path: string,
  files: readonly string[],
  { shape, make }: DecodeOptions<Side>,
): Promise<readonly (Decoded<Side> | BadImage)[]> {
  let notes: readonly Note<Side>[] = [];
  const file = await writing(path, { count: files.length, width: imageBytes(shape) }, async (writer) => {
    const made = await decodeWith<{ readonly side: Side } | BadImage>(files, async (picture) => {
      const result = await make(picture);
      if (isBad(result)) return result;
      writer.put(picture.index, result.pixels);
      return { side: result.side };
    });
    return notes = made.map((result) => isBad(result) ? { bad: result } : result);
  });
  return withNotes(StoredPixels.of(file), notes);
}

/**
 * Takes the place of whoever decodes these pictures, and removes what is stale: files of the same pictures in another
 * state, and what dead processes left. Where somebody else decodes them, both do, and nothing is removed.
 */
function lockFor(path: string): FileLock | undefined {
  const [dir, [what]] = [dirname(path), basename(path).split("-")];
  try {
    disk.makeFolder(dir);
  } catch (cause) {
    throw OutputError.at(dir, cause);
  }
  const lock = FileLock.take(join(dir, `.${what}.lock`));
  if (lock === undefined) return undefined;
  for (const { name, isFile } of Deno.readDirSync(dir)) {
    const isStale = name.startsWith(`${what}-`) && name.endsWith(".pixels");
    const isLeft = name.startsWith(`.${what}-`) && name.endsWith(".tmp");
    if (isFile && (isLeft || (isStale && !isInUse(join(dir, name))))) removeQuietly(join(dir, name));
  }
  return lock;
}

/** Images that are fitted at a time. */
const FITTED = 256;

/**
 * Makes samples of labelled images, fitted to a shape: as {@linkcode fitTo} does, and in a file where they are too many.
 *
 * @throws {RangeError} If they are too many for memory and there is no other place.
 * @throws {OutputError} If the file cannot be written.
 */
export async function fitStored(
  set: ImageSet,
  { shape, cache }: { readonly shape: ImageShape; readonly cache: CacheOptions | undefined },
): Promise<SampleSet> {
  const width = imageBytes(shape);
  const isSame = describeShape(set) === describeShape(shape);
  if (cache === undefined || isSame || set.count * width <= cache.above) return samplesOf(fitTo(set, shape));
  const size = { count: set.count, width };
  const what = sha256(JSON.stringify([set.name, "fitted", describeShape(set), describeShape(shape)])).slice(0, 16);
  const path = join(cache.dir, `${what}-${sha256(set.images).slice(0, 32)}.pixels`);
  const pixels = openPictureFile(path, size) ?? await fitInto(path, { set, shape, cache });
  const { labels, count, name, classNames } = set;
  return {
    name,
    count,
    inputs: {
      image: {
        kind: "pictures",
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
        bytes: StoredPixels.of(pixels),
      },
    },
    targets: { label: { kind: "classes", labels, names: classNames } },
  };
}

async function fitInto(
  path: string,
  { set, shape, cache }: { readonly set: ImageSet; readonly shape: ImageShape; readonly cache: CacheOptions },
): Promise<OpenPictureFile> {
  const size = { count: set.count, width: imageBytes(shape) };
  cache.onUse?.(noteOn(path, { ...size, name: set.name }));
  return await writing(path, size, async (writer) => {
    const [from, to] = [imageBytes(set), imageBytes(shape)];
    for (let first = 0; first < set.count; first += FITTED) {
      await handleEvents();
      const count = Math.min(FITTED, set.count - first);
      const images = set.images.subarray(first * from, (first + count) * from);
      const fitted = fitTo({ ...set, count, images, labels: set.labels.subarray(first, first + count) }, shape).images;
      for (let i = 0; i < count; i++) writer.put(first + i, fitted.subarray(i * to, (i + 1) * to));
    }
    return [];
  });
}

function noteOn(path: string, { name, count, width }: PictureFileShape & { readonly name: string }): string {
  return `The ${count} pictures of "${name}" take ${formatBytes(count * width)}: they are decoded once, to "${path}".`;
}

/** Writes a file, of which `fill` puts in the pictures and returns the notes, and opens it. */
async function writing(
  path: string,
  size: PictureFileShape,
  fill: (writer: PictureFileWriter) => Promise<unknown>,
): Promise<OpenPictureFile> {
  const lock = lockFor(path);
  try {
    const writer = new PictureFileWriter(path, size);
    try {
      writer.finish(await fill(writer));
    } catch (error) {
      writer.abandon();
      throw error;
    }
  } finally {
    lock?.release();
  }
  const file = openPictureFile(path, size);
  if (file === undefined) throw new Error(`Cannot read the cache "${path}": it is not what was written`);
  return file;
}
