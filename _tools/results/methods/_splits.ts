/**
 * The pictures of the table of methods, as folders of the forms that `--data` reads.
 *
 * Of the 20,000 training pictures of CIFAR-10 that are there, the last 5,000 are held out and judged by, with the test
 * file's. Those that ranges are found on stand in folders of their own, so that ONNX Runtime's quantizer is given the same.
 */
import { joinBytes } from "../../../src/numbers/bytes.ts";
import { readMnist } from "../../../data/sources/mnist.ts";
import { exists } from "../_children.ts";

/** Pictures that ranges are found on. */
export const CALIBRATION = 512;

/** A label and 3,072 bytes. */
const RECORD = 3073;
const HELD_OUT = 5000;

/** How many pictures are kept; all by default. */
export interface Sizes {
  readonly train?: number;
  readonly test?: number;
}

/** Writes the split of CIFAR-10's files in `from` into `to`, unless they are there. */
export async function writeCifar(
  from: string,
  to: string,
  { train = Infinity, test = Infinity }: Sizes,
): Promise<void> {
  const read = async (name: string) => recordsOf(await Deno.readFile(`${from}/${name}`));
  const all = [...await read("data_batch_1.bin"), ...await read("data_batch_2.bin")];
  const judged = [...all.slice(-HELD_OUT), ...await read("test_batch.bin")];
  await writeCifarFiles(to, all.slice(0, -HELD_OUT).slice(0, train), judged.slice(0, test));
}

/** Writes every so many of the training pictures in `from` into `to`, unless they are there. */
export async function writeCifarCalibration(from: string, to: string, count = CALIBRATION): Promise<void> {
  const all = recordsOf(await Deno.readFile(`${from}/data_batch_1.bin`));
  const spread = spreadOver(all.length, count).map((i) => all[i]);
  await writeCifarFiles(to, spread, spread.slice(0, 1));
}

/** Writes every so many of MNIST's training pictures in `from` into `to`, unless they are there. */
export async function writeMnistCalibration(from: string, to: string, count = CALIBRATION): Promise<void> {
  if (await exists(`${to}/t10k-labels-idx1-ubyte`)) return;
  const { train } = await readMnist(from);
  const size = train.height * train.width;
  const spread = spreadOver(train.count, count);
  await Deno.mkdir(to, { recursive: true });
  for (const [half, indices] of [["train", spread], ["t10k", spread.slice(0, 1)]] as const) {
    const images = joinBytes(indices.map((i) => train.images.subarray(i * size, (i + 1) * size)));
    const labels = Uint8Array.from(indices, (i) => train.labels[i]);
    await Deno.writeFile(`${to}/${half}-images-idx3-ubyte`, idx([indices.length, train.height, train.width], images));
    await Deno.writeFile(`${to}/${half}-labels-idx1-ubyte`, idx([indices.length], labels));
  }
}

async function writeCifarFiles(to: string, train: readonly Uint8Array[], test: readonly Uint8Array[]): Promise<void> {
  // It is written last, and says that all is there.
  const last = `${to}/test_batch.bin`;
  if (await exists(last)) return;
  await Deno.mkdir(to, { recursive: true });
  await Deno.writeFile(`${to}/data_batch_1.bin`, joinBytes(train));
  await Deno.writeFile(last, joinBytes(test));
}

function recordsOf(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: bytes.length / RECORD }, (_, i) => bytes.subarray(i * RECORD, (i + 1) * RECORD));
}

/** `count` indices below `of`, as far apart as can be. */
export function spreadOver(of: number, count: number): readonly number[] {
  const most = Math.min(of, count);
  return Array.from({ length: most }, (_, i) => Math.floor(i * of / most));
}

/** An IDX file of bytes: two zeros, type 8, the rank, the dimensions in big-endian order, the elements. */
function idx(dims: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dims.length));
  header.setUint16(2, 0x0800 | dims.length);
  dims.forEach((dim, i) => header.setUint32(4 + 4 * i, dim));
  return joinBytes([new Uint8Array(header.buffer), data]);
}
