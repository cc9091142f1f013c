/** IDX files, plain and in gzip: a folder as MNIST's. */
import { gzipSync } from "node:zlib";
import { openData } from "../../../data/open.ts";
import { Random } from "../../../src/numbers/random.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const FILES = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];

/** Eight pictures of 5x4 and their labels. */
function sound(name: string): Uint8Array<ArrayBuffer> {
  const dims = name.includes("images") ? [8, 5, 4] : [8];
  const random = new Random(1, [FILES.indexOf(name)]);
  const data = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.below(10));
  return Uint8Array.of(0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, 0, dim]), ...data);
}

/** A folder of IDX files of which one is damaged, before or after it is packed. */
export const prepare: Prepare = (dir) => async (random) => {
  const damaged = random.pick(FILES);
  let what = "";
  for (const name of FILES) {
    const packed = random.chance(0.5);
    const path = `${dir}/${name}-ubyte`;
    await Deno.remove(path).catch(() => {});
    await Deno.remove(`${path}.gz`).catch(() => {});
    let bytes = sound(name);
    if (name === damaged) {
      const inner = packed && random.chance(0.5) ? mutateBytes(random, bytes) : { bytes, what: "" };
      const gz = packed ? new Uint8Array(gzipSync(inner.bytes)) : inner.bytes;
      const outer = inner.what === "" ? mutateBytes(random, gz) : { bytes: gz, what: "" };
      what = `${name}${packed ? ".gz" : ""}: ${inner.what}${outer.what}`;
      bytes = outer.bytes.slice();
    } else if (packed) bytes = new Uint8Array(gzipSync(bytes));
    await Deno.writeFile(packed ? `${path}.gz` : path, bytes);
  }
  return { what, read: async () => checkSamples(await openData(`mnist:${dir}`)) };
};
