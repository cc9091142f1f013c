/** Draws answers onto a copy of a picture: boxes, points, the classes of pixels, and words in a band below. */
import { Buffer } from "node:buffer";
import { type BadImage, withPicture } from "../data/sources/picture_files.ts";
import { overlayOf, rgbOf } from "./_overlay.ts";
import type { PictureAnswer, PixelClasses } from "./answer.ts";

/** How strongly classes of pixels are laid over the picture, of 255. */
const MASK_ALPHA = 120;

/**
 * Draws `answers` onto a copy of the picture in `file`.
 *
 * @returns A PNG file, or why the picture cannot be read.
 */
export async function drawAnswers(
  file: string,
  answers: readonly PictureAnswer[],
): Promise<{ readonly png: Uint8Array } | BadImage> {
  const { default: open } = await import("sharp");
  return await withPicture(file, async (picture) => {
    const { autoOrient } = await picture.metadata();
    const { canvas: { width, height, scale }, bottom, svg } = overlayOf(answers, autoOrient);
    const masks = answers.flatMap((answer) => answer.kind === "mask" ? [answer.mask] : []);
    const layers = await Promise.all(masks.map(async (mask) => {
      const raw = { width: mask.width, height: mask.height, channels: 4 } as const;
      return await open(coloured(mask), { raw }).resize(width, height, { fit: "fill", kernel: "nearest" }).png()
        .toBuffer();
    }));
    const png = await picture
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .resize(width, height, { fit: "fill", kernel: scale > 1 ? "nearest" : "linear" })
      .extend({ bottom, background: "#1c1c1e" })
      .composite([...layers, Buffer.from(svg)].map((input) => ({ input, left: 0, top: 0 })))
      .removeAlpha().png()
      .toBuffer();
    return { png };
  });
}

/** Writes classes of pixels as a grey PNG of the picture's size, a byte a pixel. */
export async function drawMask(
  { height, width, classes }: PixelClasses,
  picture: { readonly height: number; readonly width: number },
): Promise<Uint8Array> {
  const { default: open } = await import("sharp");
  return await open(classes, { raw: { width, height, channels: 1 } })
    .resize(picture.width, picture.height, { fit: "fill", kernel: "nearest" })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}

/** Colours of pixels, RGBA. */
function coloured({ classes }: PixelClasses): Uint8Array {
  const out = new Uint8Array(4 * classes.length);
  classes.forEach((group, i) => out.set([...rgbOf(group), MASK_ALPHA], 4 * i));
  return out;
}
