/** CIFAR-10's binary files. */
import { openData } from "../../../data/open.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const RECORD = 3073;
const NAMES = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";

/** A folder of two records a file, of which one file is damaged. */
export const prepare: Prepare = (dir) => async (random) => {
  const sound = new Uint8Array(2 * RECORD);
  const files: Record<string, Uint8Array> = { "data_batch_1.bin": sound, "test_batch.bin": sound };
  const damaged = random.pick([...Object.keys(files), "batches.meta.txt"]);
  const text = new TextEncoder().encode(damaged in files ? NAMES : mutateText(random, NAMES));
  const { bytes, what } = mutateBytes(random, sound);
  if (damaged in files) files[damaged] = bytes;
  for (const [name, bytes] of Object.entries({ ...files, "batches.meta.txt": text })) {
    await Deno.writeFile(`${dir}/${name}`, bytes);
  }
  // A file is whole records, or it is none.
  const mustRefuse = damaged in files && (bytes.length % RECORD !== 0 || bytes.length === 0);
  return {
    what: `${damaged}: ${what}`,
    mustRefuse,
    read: async () => checkSamples(await openData(`cifar10:${dir}`)),
  };
};
