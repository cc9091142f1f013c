/** How text is written to a terminal. */
import type { TerminalStyle } from "./_text_table.ts";

/** How to write to a terminal. */
export interface TerminalOptions {
  /** Whether to use ANSI colours; the caller knows about NO_COLOR and whether this is a terminal. Default false. */
  readonly color?: boolean;
  /** Columns to stay within, 40 to 100. Default 80. */
  readonly width?: number;
  /** Whether to keep to ASCII. Default false. */
  readonly ascii?: boolean;
}

const MIN_WIDTH = 40;
/** Longer lines are hard to follow. */
const MAX_WIDTH = 100;

/** Fills in the defaults. */
export function styleOf({ color = false, ascii = false, width = 80 }: TerminalOptions): TerminalStyle {
  return { color, ascii, width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(width))) };
}
