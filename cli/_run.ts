/** How a command ends: well, with an error in one line, or by a signal. */
import { oneLine, plainText } from "../src/text/plain.ts";
import { fitTerminal } from "./_terminal.ts";

/** Exit codes: of a job that failed, of a command line that makes no sense, of one ended by a signal (128 + number). */
export const EXIT = { failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 };

/** What ends a job early; Windows knows no SIGTERM. */
const SIGNALS = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;

/** A longer message is somebody's whole file. */
const LONGEST_MESSAGE = 1000;

/** How a command is run. */
export interface RunOptions {
  /** Prints the stack of an error. */
  readonly debug?: boolean;
  /** Leaves the terminal as it was; called before the program ends early. */
  readonly stop?: () => void;
}

/**
 * Runs `work`, and ends the program where it fails or a signal comes.
 *
 * Files are written in one turn of the event loop, so a signal comes before them or after.
 */
export async function runCommand(work: () => Promise<void>, { debug = false, stop }: RunOptions): Promise<void> {
  for (const signal of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      stop?.();
      Deno.exit(EXIT[signal]);
    });
  }
  try {
    await work();
  } catch (error) {
    stop?.();
    console.error(debug ? error : fitTerminal(`error: ${messageOf(error)}`));
    Deno.exit(EXIT.failure);
  }
}

/** Returns the message of an error as one line that no name in it can break. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = plainText(oneLine(message));
  if (line.length <= LONGEST_MESSAGE) return line;
  return `${line.slice(0, LONGEST_MESSAGE)} … (${line.length} characters; --debug prints them all)`;
}
