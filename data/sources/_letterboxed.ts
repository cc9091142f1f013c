/** Image files decoded into letterboxes. */
import type { Sharp } from "sharp";
import { imageBytes, type ImageShape } from "../dataset.ts";
import { fitTo } from "../fit_to.ts";
import { pasteInto, placeIn, type Placement, type Size } from "../letterbox.ts";
import type { Picture } from "../pixels.ts";
import { type BadImage, type OpenPicture, pixelsOf } from "./_decode.ts";
import { decodeStored, isBad, type StretchOptions } from "./stored.ts";

/** A picture to be decoded. */
export interface SizedFile {
  readonly file: string;
  /** Sides that somebody says it has; absent: nobody does. */
  readonly size?: Size;
}

/** A decoded picture, and where it lies in its letterbox. */
export interface Letterboxed {
  readonly picture: Picture;
  readonly placement: Placement;
}

/**
 * Decodes files into letterboxes of `shape`, in order.
 *
 * They are turned as their EXIF says, unless it is as they are stored that they have the sides that somebody says.
 *
 * @returns A letterbox for each file, or why there is none: a picture of other sides is not the one that was meant.
 */
export async function decodeLetterboxed(
  files: readonly SizedFile[],
  options: StretchOptions,
): Promise<(Letterboxed | BadImage)[]> {
  const { shape } = options;
  const make = async ({ index, open }: OpenPicture) => {
    const { file, size } = files[index];
    const { width, height, autoOrient: turned } = await open().metadata();
    const [isTurned, original] = size !== undefined && !isSame(size, turned) && isSame(size, { width, height })
      ? [false, { width, height }]
      : [true, turned];
    if (size === undefined || isSame(size, original)) {
      const { pixels, placement } = await letterbox(isTurned ? open().autoOrient() : open(), { original, shape });
      return { pixels, side: placement };
    }
    const [own, said] = [original, size].map((sides) => `${sides.width}x${sides.height}`);
    return { file, because: `it has ${own} pixels, its annotation says ${said}` };
  };
  const detail = JSON.stringify(files.map(({ size }) => size ?? null));
  const decoded = await decodeStored<Placement>(files.map(({ file }) => file), {
    ...options,
    how: "letterboxed",
    detail,
    make,
  });
  return decoded.map((result) => isBad(result) ? result : { picture: result.picture, placement: result.side });
}

/** Decodes a picture whose sides, turned as it is to be, are those of `original`. */
export async function letterbox(
  picture: Sharp,
  { original, shape }: { readonly original: Size; readonly shape: ImageShape },
): Promise<{ readonly pixels: Uint8Array; readonly placement: Placement }> {
  const placement = placeIn(shape, original);
  const pixels = await scale(picture, { placement, channels: shape.channels });
  return { pixels: pasteInto(shape, { pixels, placement }), placement };
}

function isSame(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** Scales a picture to the sides of its placement. */
async function scale(picture: Sharp, { placement, channels }: {
  readonly placement: Placement;
  readonly channels: number;
}): Promise<Uint8Array> {
  const { width, height, original } = placement;
  if (width <= original.width && height <= original.height) {
    return await pixelsOf(picture.resize(width, height, { fit: "fill", kernel: "linear" }), channels);
  }
  // Where sharp enlarges, it moves a picture by half a pixel of its own, and boxes would lie beside what they are of.
  const pixels = await pixelsOf(picture, channels);
  const { images } = fitTo({ ...ONE, ...original, channels, images: pixels }, { width, height, channels });
  return images.subarray(0, imageBytes({ width, height, channels }));
}

/** What a set of one picture has beside the picture. */
const ONE = { name: "a picture", count: 1, labels: Int32Array.of(0), classNames: [""] };
