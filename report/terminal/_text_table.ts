/** Columns of text for a terminal. */
import { asciiText, plainText } from "../../src/text/plain.ts";
import { cutColumns, shorten, widthOf } from "../_width.ts";

/** The style of a cell or line. */
export type Tone = "plain" | "strong" | "muted" | "good" | "fair" | "poor";

/** A cell of a table; `right` aligns it to the right of its column. */
export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
  readonly right?: boolean;
}

/**
 * Rows in columns under a heading. The last column wraps, the others are cut where there is no room. A row with fewer
 * cells than others is text across all columns.
 */
export interface Section {
  readonly heading: string;
  readonly rows: readonly (readonly Cell[])[];
}

/** What the terminal can show. */
export interface TerminalStyle {
  readonly color: boolean;
  readonly ascii: boolean;
  /** In columns. */
  readonly width: number;
}

const ANSI: Readonly<Record<Tone, string>> = {
  plain: "",
  strong: "\x1b[1m",
  muted: "\x1b[2m",
  good: "\x1b[32m",
  fair: "\x1b[33m",
  poor: "\x1b[31m",
};
/** Spaces between columns. */
const GAP = 2;
/** A wrapped column narrower than this is harder to read than one on a line of its own. */
const MIN_WRAPPED = 16;
/** A column of words is not cut below this, */
const MIN_WORDS = 12;
/** unless nothing else brings the row into the terminal. */
const MIN_SQUEEZED = 5;

/** Formats a section as lines: heading, rule, rows. */
export function formatSection({ heading, rows }: Section, style: TerminalStyle): string[] {
  const clean = rows.map((row) => row.map((cell) => ({ ...cell, text: toCharset(cell.text, style) })));
  const widths = columnWidths(clean, style.width);
  return [
    ...formatParagraph(heading, { tone: "strong", style }),
    paint((style.ascii ? "-" : "─").repeat(style.width), "muted", style),
    ...clean.flatMap((row) => formatRow(row, { widths, style })),
  ];
}

/** Drops the columns that have nothing below their title, the first row, in any other row. */
export function withoutEmptyColumns([titles, ...rows]: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  const isUsed = titles.map((_, i) => rows.some((row) => row[i].text !== ""));
  return [titles, ...rows].map((row) => row.filter((_, i) => isUsed[i]));
}

/** Formats running text as lines no longer than the terminal is wide. */
export function formatParagraph(text: string, { tone, style }: { tone: Tone; style: TerminalStyle }): string[] {
  return wrap(toCharset(text, style), style.width).map((line) => paint(line, tone, style));
}

function formatRow(row: readonly Cell[], layout: { widths: readonly number[]; style: TerminalStyle }): string[] {
  const { widths, style } = layout;
  const cells = row.slice(0, -1);
  const last = row[row.length - 1];
  const left = cells.map((cell, column) => formatCell(cell, { width: widths[column], style }) + " ".repeat(GAP));
  const indent = cells.reduce((sum, _, column) => sum + widths[column] + GAP, 0);
  if (last.right) return [(left.join("") + formatCell(last, { width: widths[row.length - 1], style })).trimEnd()];
  const room = style.width - indent;
  const own = room < MIN_WRAPPED && widthOf(last.text) > room; // put it on lines of its own, under the rest
  const [first = "", ...rest] = wrap(last.text, own ? style.width - 2 * GAP : room);
  const hanging = " ".repeat(own ? 2 * GAP : indent);
  const more = (own ? [first, ...rest] : rest).map((line) => hanging + paint(line, last.tone ?? "plain", style));
  return [(left.join("") + (own ? "" : paint(first, last.tone ?? "plain", style))).trimEnd(), ...more];
}

function formatCell({ text, tone = "plain", right }: Cell, layout: { width: number; style: TerminalStyle }): string {
  const fitted = shorten(text, { width: layout.width, ellipsis: ellipsisOf(layout.style) });
  const gap = " ".repeat(layout.width - widthOf(fitted));
  const painted = paint(fitted, tone, layout.style);
  return right ? gap + painted : painted + gap;
}

/**
 * Gives each column its longest cell. Then the widest column of words gives way, again and again, until half the
 * width is left for the last column. Numbers (cells aligned to the right) are never cut.
 */
function columnWidths(rows: readonly (readonly Cell[])[], width: number): number[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const cellsOf = (column: number) => rows.flatMap((row) => row.length === columns ? row[column] : []);
  const widths = Array.from(
    { length: columns },
    (_, column) => Math.max(...cellsOf(column).map(({ text }) => widthOf(text))),
  );
  const last = columns - 1;
  const words = widths.flatMap((_, column) =>
    column < last && !cellsOf(column).some(({ right }) => right) ? column : []
  );
  const used = () => widths.slice(0, last).reduce((sum, w) => sum + w, 0);
  const narrow = (room: number, least: number) => {
    while (used() > room) {
      const widest = words.reduce((a, b) => widths[b] > widths[a] ? b : a, words[0]);
      if (widest === undefined || widths[widest] <= least) return;
      widths[widest]--;
    }
  };
  const room = width - GAP * last;
  narrow(room - Math.min(widths[last], Math.floor(width / 2)), MIN_WORDS);
  // What does not fit behind the rest goes to lines of its own, from MIN_WRAPPED columns on.
  narrow(room - Math.min(widths[last], MIN_WRAPPED - 1), MIN_SQUEEZED);
  return widths;
}

/** Breaks text at spaces (not at no-break spaces), and words longer than a line anywhere. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...cutColumns(word, width));
  }
  return lines.map((line) => line.replaceAll("\u00a0", " "));
}

function ellipsisOf({ ascii }: TerminalStyle): string {
  return ascii ? "..." : "…";
}

function toCharset(text: string, style: TerminalStyle): string {
  const clean = plainText(text);
  return style.ascii ? asciiText(clean) : clean;
}

function paint(text: string, tone: Tone, { color }: TerminalStyle): string {
  return color && ANSI[tone] !== "" && text !== "" ? `${ANSI[tone]}${text}\x1b[0m` : text;
}
