/** Text measured in columns, of which a wide character takes two, and cut between what a reader takes for characters. */
import stringWidth from "string-width";

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Splits text into what a reader takes for its characters. */
function split(text: string): readonly string[] {
  return Array.from(characters.segment(text), ({ segment }) => segment);
}

/** Returns the number of columns that `text` takes in a terminal. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Shortens text to `width` columns by cutting out its middle; ends of names tell more than middles. */
export function shorten(text: string, { width, ellipsis = "…" }: { width: number; ellipsis?: string }): string {
  if (widthOf(text) <= width) return text;
  const kept = width - widthOf(ellipsis);
  if (kept <= 0) return takeColumns(split(ellipsis), width).join("");
  const all = split(text);
  const head = takeColumns(all, Math.ceil(kept / 2));
  const tail = takeColumns(all.toReversed(), kept - widthOf(head.join(""))).toReversed();
  return head.join("") + ellipsis + tail.join("");
}

/** Cuts text into pieces of at most `width` columns; a character that is wider than that stands alone. */
export function cutColumns(text: string, width: number): readonly string[] {
  const pieces: string[] = [];
  let rest = split(text);
  do {
    const piece = takeColumns(rest, width);
    const taken = Math.max(1, piece.length);
    pieces.push(rest.slice(0, taken).join(""));
    rest = rest.slice(taken);
  } while (rest.length > 0);
  return pieces;
}

/** Takes as many characters from the beginning as fit. */
function takeColumns(all: readonly string[], width: number): readonly string[] {
  let used = 0;
  const end = all.findIndex((character) => (used += widthOf(character)) > width);
  return end < 0 ? all : all.slice(0, end);
}
