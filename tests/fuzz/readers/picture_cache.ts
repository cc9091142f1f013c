/** Files of decoded pictures: what is damaged is not taken, or is found when it is read. */
import { openPictureFile, PictureFileWriter } from "../../../data/cache/picture_file.ts";
import { StoredPixels } from "../../../data/cache/stored_pixels.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";

const SIZE = { count: 5, width: 12 };

/** A file with damaged bytes; whatever comes of it is what was written. */
export const prepare: Prepare = (dir) => {
  const path = `${dir}/a.pixels`;
  const writer = new PictureFileWriter(path, SIZE);
  const pictureOf = (i: number) => new Uint8Array(SIZE.width).fill(40 * i + 1);
  for (let i = 0; i < SIZE.count; i++) writer.put(i, pictureOf(i));
  writer.finish([{ side: null }]);
  const sound = Deno.readFileSync(path);
  return async (random) => {
    const { bytes, what } = mutateBytes(random, sound);
    const damaged = `${dir}/damaged.pixels`;
    await Deno.writeFile(damaged, bytes);
    return {
      what,
      read: () => {
        const file = openPictureFile(damaged, SIZE);
        if (file === undefined) throw new Error("Cannot open it: it is damaged");
        const pixels = StoredPixels.of(file);
        try {
          for (let i = 0; i < SIZE.count; i++) {
            const read = pixels.subarray(i * SIZE.width, (i + 1) * SIZE.width);
            check(read.every((byte) => byte === 40 * i + 1), `picture ${i} is another one`);
          }
        } finally {
          pixels.close();
        }
      },
    };
  };
};
