/**
 * CIFAR-10's binary version: records of one label byte and 3,072 bytes, all red, then all green, then all blue.
 *
 * Source: A. Krizhevsky, "The CIFAR-10 dataset", section "Binary version".
 */
import { join, listFolder, readBytes } from "./_files.ts";
import { checkMemory, type DataSplit, type ImageSet, imageSet } from "../dataset.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const RECORD = 1 + 3 * PLANE;
const SHAPE = { height: SIDE, width: SIDE, channels: 3 };

const CLASS_NAMES = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** Turns records into images [n, 32, 32, 3] and labels, written from image `at` on. */
function unpack(
  bytes: Uint8Array,
  { images, labels, at }: { images: Uint8Array; labels: Int32Array; at: number },
): void {
  for (let n = 0; n < bytes.length / RECORD; n++) {
    const from = n * RECORD;
    const to = (at + n) * 3 * PLANE;
    labels[at + n] = bytes[from];
    for (let p = 0; p < PLANE; p++) {
      images[to + 3 * p] = bytes[from + 1 + p];
      images[to + 3 * p + 1] = bytes[from + 1 + PLANE + p];
      images[to + 3 * p + 2] = bytes[from + 1 + 2 * PLANE + p];
    }
  }
}

/** Checks a file's length and labels. */
function check(bytes: Uint8Array, file: string): void {
  const over = bytes.length % RECORD;
  if (bytes.length === 0 || over !== 0) {
    const whole = Math.floor(bytes.length / RECORD);
    throw new RangeError(
      `Cannot read "${file}": its ${bytes.length} bytes are ${whole} records of ${RECORD} and ${over} bytes more, ` +
        `needed is a positive number of whole records; it is ${bytes.length === 0 ? "empty" : "truncated"}`,
    );
  }
  for (let n = 0; n < bytes.length / RECORD; n++) {
    const label = bytes[n * RECORD];
    if (label > 9) {
      throw new RangeError(`Cannot read "${file}": the label of record ${n} is ${label}, needed is 0 to 9`);
    }
  }
}

/** Reads files of records into one set. */
async function readRecords(files: readonly string[], { name, classNames }: {
  readonly name: string;
  readonly classNames: readonly string[];
}): Promise<ImageSet> {
  const parts: Uint8Array[] = [];
  let count = 0;
  for (const file of files) {
    const bytes = await readBytes(file);
    check(bytes, file);
    parts.push(bytes);
    count += bytes.length / RECORD;
    checkMemory(SHAPE, { count, doing: `read "${file}"` });
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  let at = 0;
  for (const bytes of parts) {
    unpack(bytes, { images, labels, at });
    at += bytes.length / RECORD;
  }
  return imageSet(name, { ...SHAPE, images, labels, classNames });
}

/** Most bytes of a file of class names. */
const MOST_NAMES = 2 ** 16;

/** Reads the class names, one a line. */
async function readNames(file: string): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await readBytes(file, MOST_NAMES));
  const names = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (names.length !== 10) {
    throw new RangeError(`Cannot read "${file}": it has ${names.length} class names, needed are 10, one a line`);
  }
  return names;
}

/**
 * Reads CIFAR-10's binary files: every `data_batch_N.bin` that is there, and `test_batch.bin`.
 *
 * Shapes: images [count, 32, 32, 3], planes interleaved to NHWC.
 *
 * @param dir Folder with the files; `batches.meta.txt`, if there, names the classes.
 * @throws {Error} If there is no training or test file, or one cannot be read.
 * @throws {RangeError} If a file is no whole number of records or a label is not 0 to 9.
 */
export async function readCifar10(dir: string): Promise<DataSplit> {
  const names = await listFolder(dir);
  const batchFiles = names.filter((name) => /^data_batch_\d+\.bin$/.test(name));
  if (batchFiles.length === 0 || !names.includes("test_batch.bin")) {
    const missing = batchFiles.length === 0 ? "data_batch_1.bin" : "test_batch.bin";
    throw new Error(
      `Cannot read CIFAR-10 from "${dir}": there is no "${missing}", needed are test_batch.bin and at least one ` +
        `data_batch_N.bin (the binary version)`,
    );
  }
  const meta = "batches.meta.txt";
  const classNames = names.includes(meta) ? await readNames(join(dir, meta)) : CLASS_NAMES;
  const paths = batchFiles.map((name) => join(dir, name));
  return {
    name: "cifar10",
    train: await readRecords(paths, { name: "cifar10 train", classNames }),
    test: await readRecords([join(dir, "test_batch.bin")], { name: "cifar10 test", classNames }),
  };
}
