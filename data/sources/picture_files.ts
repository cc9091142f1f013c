/** Single picture files, of whatever size, as a model takes them. */
import type { Sharp } from "sharp";
import type { ImageShape } from "../dataset.ts";
import type { Placement } from "../letterbox.ts";
import { type BadImage, decodeWith, pixelsOf } from "./_decode.ts";
import { isFile, isFolder, join, listFolder } from "./_files.ts";
import { letterbox } from "./_letterboxed.ts";

export type { BadImage };

/** How a picture comes into a model's input: with its sides stretched, or whole, between bars of grey. */
export type PictureFit = "stretch" | "letterbox";

/** A picture as a model takes it. */
export interface FittedPicture {
  readonly file: string;
  /** [height, width, channels] of the model's input. */
  readonly bytes: Uint8Array;
  /** Where the original lies in it. */
  readonly placement: Placement;
}

/**
 * Lists the pictures that `paths` name: files as they are, of folders the JPEG and PNG files in the order of their names.
 *
 * @throws {RangeError} If there is nothing of a name, or a folder has no pictures.
 */
export async function listPictures(paths: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(paths.map(async (path) => {
    if (await isFile(path)) return [path];
    if (!await isFolder(path)) {
      throw new RangeError(`Cannot read the picture "${path}": there is no such file or folder`);
    }
    const pictures = (await listFolder(path)).filter((name) => /\.(jpe?g|png)$/i.test(name));
    if (pictures.length > 0) return pictures.map((name) => join(path, name));
    throw new RangeError(`Cannot read the pictures in "${path}": there are no files .jpg, .jpeg or .png`);
  }));
  return lists.flat();
}

/**
 * Decodes files to the pixels of a model's input, as the samples that it was trained on were decoded.
 *
 * @returns A picture for each file, or why it cannot be read.
 */
export function fitPictures(
  files: readonly string[],
  input: ImageShape & { readonly fit: PictureFit },
): Promise<readonly (FittedPicture | BadImage)[]> {
  return decodeWith(files, async ({ index, open }) => {
    const { autoOrient: original } = await open().metadata();
    const { height, width, channels, fit } = input;
    const file = files[index];
    if (fit === "letterbox") {
      const { pixels, placement } = await letterbox(open().autoOrient(), { original, shape: input });
      return { file, bytes: pixels, placement };
    }
    const stretched = open().autoOrient().resize(width, height, { fit: "fill", kernel: "linear" });
    return {
      file,
      bytes: await pixelsOf(stretched, channels),
      placement: { left: 0, top: 0, height, width, original },
    };
  });
}

/**
 * Makes something of one file.
 *
 * @param make Of a pipeline whose picture is turned as its EXIF says.
 * @returns What was made, or why the file cannot be read.
 */
export async function withPicture<T extends object>(
  file: string,
  make: (picture: Sharp) => Promise<T>,
): Promise<T | BadImage> {
  const [made] = await decodeWith([file], ({ open }) => make(open().autoOrient()));
  return made;
}
