import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { testWithShared } from "../../tests/_support/shared.ts";
import { countClasses } from "../dataset.ts";
import { parseIdx } from "./idx.ts";
import { readMnist } from "./mnist.ts";

/** An IDX file of unsigned bytes. */
function idx(dims: readonly number[], data: ArrayLike<number>): Uint8Array {
  const header = dims.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]);
  return Uint8Array.of(0, 0, 8, dims.length, ...header, ...Array.from(data));
}

/** Two training images and one test image of 1x2. */
const FILES: Readonly<Record<string, Uint8Array>> = {
  "train-images-idx3-ubyte": idx([2, 1, 2], [1, 2, 3, 4]),
  "train-labels-idx1-ubyte": idx([2], [7, 0]),
  "t10k-images-idx3-ubyte": idx([1, 1, 2], [5, 6]),
  "t10k-labels-idx1-ubyte": idx([1], [9]),
};

/** Reads a folder with `FILES`, some replaced, added or (undefined) left out. */
async function read(change: Readonly<Record<string, Uint8Array | undefined>> = {}) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries({ ...FILES, ...change })) {
      if (bytes) await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    return await readMnist(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readMnist() reads images and labels", async () => {
  const { train, test, name } = await read();
  assert.equal(name, "mnist");
  assert.deepEqual([train.count, train.height, train.width, train.channels], [2, 1, 2, 1]);
  assert.deepEqual([...train.images], [1, 2, 3, 4]);
  assert.deepEqual([...train.labels], [7, 0]);
  assert.deepEqual([[...test.images], [...test.labels]], [[5, 6], [9]]);
});

Deno.test("readMnist() takes gzip by content, with or without .gz, and the spelling with a dot", async () => {
  const name = "train-images-idx3-ubyte";
  const packed = new Uint8Array(gzipSync(FILES[name]));
  for (const other of [name, `${name}.gz`, "train-images.idx3-ubyte"]) {
    const { train } = await read({ [name]: undefined, [other]: packed });
    assert.deepEqual([...train.images], [1, 2, 3, 4]);
  }
});

Deno.test("readMnist() names the file and what is wrong with it", async () => {
  const images = "train-images-idx3-ubyte";
  const labels = "train-labels-idx1-ubyte";
  const packed = new Uint8Array(gzipSync(FILES[images]));
  const cases: [Record<string, Uint8Array | undefined>, RegExp][] = [
    [{ [images]: undefined }, /there is no "train-images-idx3-ubyte" or "train-images-idx3-ubyte\.gz"/],
    [
      { [images]: FILES[images].subarray(0, 19) },
      /train-images.*3 bytes follow its header, its sides 2x1x2 need 4; it is truncated/,
    ],
    [{ [images]: FILES[images].subarray(0, 9) }, /9 bytes, needed is an IDX header of 16/],
    [{ [images]: new Uint8Array(0) }, /0 bytes, needed is an IDX header/],
    [{ [images]: Uint8Array.of(...FILES[images], 1) }, /5 bytes follow its header, its sides 2x1x2 need 4$/],
    [{ [images]: packed.subarray(0, packed.length - 9) }, /train-images.*no whole gzip file/],
    [{ [images]: FILES[labels] }, /train-images.*10 bytes, needed is an IDX header of 16/],
    [{ [labels]: FILES[images] }, /train-labels.*magic number is 0x00000803, needed is 0x00000801/],
    [{ [labels]: idx([3], [0, 1, 2]) }, /train-labels.*3 labels, ".*train-images.*" 2 images/],
    [{ [labels]: idx([2], [1, 10]) }, /label 1 is 10, needed is 0 to 9/],
    [{ [images]: idx([0, 1, 2], []), [labels]: idx([0], []) }, /has no images \(0 of 1x2\)/],
    [{ "t10k-images-idx3-ubyte": idx([1, 2, 1], [5, 6]) }, /training images are 1x2x1, its test images 2x1x1/],
  ];
  for (const [change, message] of cases) {
    await assert.rejects(read(change), (error: Error) => {
      assert.match(error.message, message);
      return !error.message.includes("\n");
    });
  }
  await assert.rejects(readMnist("/no/such/dir"), /Cannot read the folder "\/no\/such\/dir": it does not exist/);
});

Deno.test("parseIdx() never fails otherwise on damaged files", () => {
  const whole = FILES["train-images-idx3-ubyte"];
  for (let i = 0; i < 16; i++) {
    for (const byte of [0, 1, 0x7f, 0xff]) {
      const damaged = whole.slice();
      damaged[i] = byte;
      if (byte === whole[i]) continue;
      assert.throws(() => parseIdx(damaged, { file: "f", rank: 3 }), RangeError, `byte ${i} = ${byte}`);
    }
  }
});

Deno.test("readMnist() expands gzip no further than the sides in it say", async () => {
  const images = "train-images-idx3-ubyte";
  const pack = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
  // 64 MiB of zeros in 64 KiB, behind a header that asks for four bytes.
  const long = new Uint8Array(64 << 20);
  long.set(FILES[images]);
  const cases: [Uint8Array, RegExp][] = [
    [pack(long), /its gzip promises 67108864 bytes, its sides need 20$/],
    [pack(idx([1 << 16, 1 << 14, 4], [1])), /its sides 65536x16384x4 need 4 GiB, at most 2 GiB can be read$/],
    [pack(idx([1000, 1000, 1000], [1])), /1000000016 bytes, \d+ bytes of gzip cannot hold them$/],
    [pack(idx([2, 1, 2], [1, 2, 3])), /3 bytes follow its header, its sides 2x1x2 need 4; it is truncated$/],
    [pack(new Uint8Array(3)), /3 bytes, needed is an IDX header of 16/],
    [Uint8Array.of(0x1f, 0x8b), /no whole gzip file/],
  ];
  const forged = pack(long);
  // It promises what its sides need, and holds more.
  new DataView(forged.buffer).setUint32(forged.length - 4, 20, true);
  cases.push([forged, /5 bytes follow its header, its sides 2x1x2 need 4$/]);
  for (const [bytes, message] of cases) await assert.rejects(read({ [images]: bytes }), message);
});

testWithShared("readMnist() reads the real set", "data/mnist", async (dir) => {
  const { train, test } = await readMnist(dir);
  assert.deepEqual([train.count, test.count], [60000, 10000]);
  assert.deepEqual(countClasses(test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  // The known mean and deviation of the training pixels, to the four digits given everywhere.
  let [sum, squares] = [0, 0];
  for (const byte of train.images) {
    sum += byte;
    squares += byte * byte;
  }
  const mean = sum / train.images.length / 255;
  assert.equal(mean.toFixed(4), "0.1307");
  assert.equal(Math.sqrt(squares / train.images.length / 255 ** 2 - mean ** 2).toFixed(4), "0.3081");
});
