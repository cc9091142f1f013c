/** Folders of NumPy's arrays. */
import { openData } from "../../../data/open.ts";
import { npyBytes, type NpyFile } from "../../../data/sources/_test_npy.ts";
import type { Random } from "../../../src/numbers/random.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Samples of each rank, four to learn from and two to judge by. */
const SAMPLES: readonly (readonly [descr: string, sample: readonly number[]])[] = [
  ["<f4", [3]],
  [">f8", [2, 3]],
  ["<f2", [3, 1]],
  ["|u1", [2, 2, 1]],
  ["<i8", [1, 1, 3]],
  ["|b1", [4]],
];

function arrayOf(count: number, [descr, sample]: typeof SAMPLES[number]): NpyFile {
  const length = sample.reduce((product, dim) => product * dim, count);
  return { descr, shape: [count, ...sample], values: upTo(length).map((i) => descr === "|b1" ? i % 2 : i) };
}

/** A header that says other things than the bytes behind it. */
const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), }\n";

/** Damages a file by its bytes, its elements, the text of its header, or by a sound header of another array. */
function damage(random: Random, npy: NpyFile): [bytes: Uint8Array<ArrayBuffer>, what: string] {
  const header = random.pick([
    () => mutateText(random, HEADER).slice(0, 5000),
    () =>
      HEADER.replace("<f4", random.pick(["<f8", ">i2", "|u1", "|O", "<c8", "=f4"]))
        .replace(
          "4, 3",
          random.pick(["4,", "4, 1", "2, 3", "4, 3, 1", "0, 3", "4, 999999999999", "-1, 3", "4, 2, 2, 1"]),
        ),
    () => undefined,
    () => undefined,
  ])();
  if (header !== undefined) return [npyBytes({ ...npy, header }), JSON.stringify(header.slice(0, 200))];
  const whole = npyBytes(npy);
  if (random.chance(0.5)) {
    const { bytes, what } = mutateBytes(random, whole);
    return [bytes.slice(), what];
  }
  // Behind the header, whatever the bytes are.
  const at = whole.lastIndexOf(10) + 1;
  const bytes = whole.map((byte, i) => i >= at && random.chance(0.2) ? random.below(256) : byte);
  return [bytes, "elements"];
}

/** Four arrays, of which one is damaged, in its bytes or in what its header says. */
export const prepare: Prepare = (dir) => async (random) => {
  const form = random.pick(SAMPLES);
  const arrays: Record<string, NpyFile> = {
    x_train: arrayOf(4, form),
    y_train: { descr: "<i4", shape: [4], values: [0, 1, 1, 0] },
    x_test: arrayOf(2, form),
    y_test: { descr: "|u1", shape: [2, 1], values: [1, 0] },
  };
  const name = random.pick(Object.keys(arrays));
  const isFortran = random.chance(0.3);
  const version = random.pick([1, 2, 3] as const);
  let what = "";
  for (const [own, npy] of Object.entries(arrays)) {
    let bytes = npyBytes({ ...npy, isFortran, version });
    if (own === name) [bytes, what] = damage(random, { ...npy, isFortran, version });
    await Deno.writeFile(`${dir}/${own}.npy`, bytes);
  }
  const targets = random.pick(["classes", "reals", "flags"] as const);
  const limit = random.chance(0.2) ? { limit: 1 + random.below(3) } : {};
  return {
    what: `${targets} ${what}`,
    read: async () => checkSamples(await openData(`npy:${dir}`, { targets, ...limit })),
  };
};
