/** What a notebook shows of pictures: each with words below. */
import { escapeHtml } from "../_format.ts";
import type { Forms } from "./display.ts";

/** A picture to show. */
export interface ShownPicture {
  /** A PNG file. */
  readonly png: Uint8Array;
  /** Plain text. */
  readonly caption: string;
}

/**
 * Returns pictures side by side.
 *
 * @param more How many there are that are not shown.
 */
export function picturesForms(pictures: readonly ShownPicture[], more: number): Forms {
  const figures = pictures.map(({ png, caption }) =>
    `<figure style="margin:4px;max-width:320px"><img style="width:100%" src="data:image/png;base64,${png.toBase64()}" alt=""><figcaption>${
      escapeHtml(caption)
    }</figcaption></figure>`
  );
  const rest = more === 0 ? "" : `<p>and ${more} more</p>`;
  return {
    "text/html": `<div style="display:flex;flex-wrap:wrap;align-items:start">${figures.join("")}</div>${rest}`,
    "text/plain": pictures.map(({ caption }) => caption).join("\n"),
  };
}
