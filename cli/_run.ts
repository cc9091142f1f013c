/** How a command ends: well, with an error in one line, or by a signal. */
import { plainLine, plainText } from "../src/text/plain.ts";
import { fitTerminal } from "./_terminal.ts";

/** Exit codes: of a job that failed, of a command line that makes no sense, of one ended by a signal (128 + number). */
export const EXIT = { failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 };

/** What ends a job early; Windows knows no SIGTERM. */
const SIGNALS = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;

/** How a command is run. */
export interface RunOptions {
  /** Prints the stack of an error. */
  readonly debug?: boolean;
  /** Leaves the terminal as it was; called before the program ends early. */
  readonly stop?: () => void;
  /** Says in one line how to go on, when a signal has ended the work. */
  readonly onStopped?: () => string;
}

/**
 * Runs `work`, and ends the program where it fails or a signal comes.
 *
 * The first signal is passed on to `work`, which ends at the next moment that loses nothing; the second ends the program
 * at once. Files are written in one turn of the event loop, so a signal comes before them or after.
 */
export async function runCommand(
  work: (signal: AbortSignal) => Promise<void>,
  { debug = false, stop, onStopped }: RunOptions,
): Promise<void> {
  const controller = new AbortController();
  let came: typeof SIGNALS[number] | undefined;
  for (const signal of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      if (came !== undefined) {
        stop?.();
        Deno.exit(EXIT[signal]);
      }
      came = signal;
      controller.abort(new Error(`ended by ${signal}`));
    });
  }
  try {
    await work(controller.signal);
  } catch (error) {
    stop?.();
    if (came !== undefined && error === controller.signal.reason) {
      if (onStopped !== undefined) console.error(fitTerminal(plainText(onStopped())));
      Deno.exit(EXIT[came]);
    }
    console.error(fitTerminal(debug ? stackOf(error) : `error: ${messageOf(error)}`));
    Deno.exit(EXIT.failure);
  }
}

/** Returns the message of an error as one line that no name in it can break. */
export function messageOf(error: unknown): string {
  return plainLine(error instanceof Error ? error.message : String(error)) || "unknown, and without a message";
}

/** Returns an error with its stack and its causes, in lines that steer no terminal. */
function stackOf(error: unknown): string {
  return Deno.inspect(error).split("\n").map(plainText).join("\n");
}
