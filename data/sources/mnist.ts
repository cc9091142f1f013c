/** MNIST and sets of the same form (Fashion-MNIST, KMNIST): four IDX files in a folder. */
import { join, listFolder } from "./_files.ts";
import { type DataSplit, describeShape, type ImageSet, imageSet } from "../dataset.ts";
import { readIdx } from "./idx.ts";

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** Finds an IDX file by its name, with a hyphen or a dot before "idx", gzipped or not. */
function find(stem: string, { dir, names, rank }: { dir: string; names: readonly string[]; rank: number }): string {
  const choices = [`${stem}-idx${rank}-ubyte`, `${stem}.idx${rank}-ubyte`].flatMap((name) => [name, `${name}.gz`]);
  const found = choices.find((name) => names.includes(name));
  if (found === undefined) {
    throw new Error(
      `Cannot read MNIST from "${dir}": there is no "${choices[0]}" or "${choices[1]}", needed are ` +
        `train-images, train-labels, t10k-images and t10k-labels`,
    );
  }
  return join(dir, found);
}

/** Reads one half, "train" or "t10k". */
async function readHalf(half: "train" | "t10k", dir: string): Promise<ImageSet> {
  const names = await listFolder(dir);
  const imagesFile = find(`${half}-images`, { dir, names, rank: 3 });
  const labelsFile = find(`${half}-labels`, { dir, names, rank: 1 });
  const { dims: [count, height, width], data } = await readIdx({ file: imagesFile, rank: 3 });
  const labels = (await readIdx({ file: labelsFile, rank: 1 })).data;
  if (labels.length !== count) {
    throw new RangeError(
      `Cannot read "${labelsFile}": it has ${labels.length} labels, "${imagesFile}" ${count} images`,
    );
  }
  if (count === 0 || height === 0 || width === 0) {
    throw new RangeError(`Cannot read "${imagesFile}": it has no images (${count} of ${height}x${width})`);
  }
  const bad = labels.findIndex((label) => label > 9);
  if (bad >= 0) {
    throw new RangeError(`Cannot read "${labelsFile}": label ${bad} is ${labels[bad]}, needed is 0 to 9`);
  }
  const name = half === "train" ? "mnist train" : "mnist test";
  const parts = { height, width, channels: 1, images: data, labels: Int32Array.from(labels), classNames: DIGITS };
  return imageSet(name, parts);
}

/**
 * Reads MNIST's four IDX files, gzipped or not.
 *
 * Shapes: images [count, 28, 28, 1], or whatever sides the files have.
 *
 * @param dir Folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same for `t10k`.
 * @throws {Error} If a file is missing or cannot be read.
 * @throws {RangeError} If a file is truncated or damaged, counts differ or a label is not 0 to 9.
 */
export async function readMnist(dir: string): Promise<DataSplit> {
  const train = await readHalf("train", dir);
  const test = await readHalf("t10k", dir);
  if (train.height !== test.height || train.width !== test.width) {
    const [a, b] = [describeShape(train), describeShape(test)];
    throw new RangeError(`Cannot read MNIST from "${dir}": its training images are ${a}, its test images ${b}`);
  }
  return { name: "mnist", train, test };
}
