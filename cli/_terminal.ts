/** What the terminal can show, and printing to it. */
import { asciiText } from "../src/text/plain.ts";
import type { Progress, TerminalOptions } from "../mod.ts";

/** Variables that say what the terminal is, and in which charset. */
type Variable = "TERM" | "LC_ALL" | "LC_CTYPE" | "LANG";

/** Returns how a report is written to standard output. */
export function terminalOptions(): TerminalOptions {
  const isTerminal = Deno.stdout.isTerminal();
  const color = isTerminal && !Deno.noColor && !isDumb();
  const ascii = isAscii(variable);
  return isTerminal ? { color, ascii, width: Deno.consoleSize().columns } : { color, ascii };
}

/** Returns `text` in the characters that the terminal has. */
export function fitTerminal(text: string): string {
  return isAscii(variable) ? asciiText(text) : text;
}

/**
 * Whether the locale is "C" or "POSIX", which promise ASCII only. Where none is set, UTF-8 is taken for granted.
 *
 * Source: POSIX.1-2017, 8.2: LC_ALL goes before LC_CTYPE, and that before LANG.
 */
export function isAscii(get: (name: Variable) => string | undefined): boolean {
  const locale = get("LC_ALL") || get("LC_CTYPE") || get("LANG");
  return locale === "C" || locale === "POSIX";
}

/** Whether the terminal says that it knows no more than letters: no colours, no moving about. */
export function isDumb(get: (name: Variable) => string | undefined = variable): boolean {
  return get("TERM") === "dumb";
}

/** Returns a variable of the environment, or undefined where it is not set or may not be seen. */
function variable(name: Variable): string | undefined {
  const isGranted = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return isGranted ? Deno.env.get(name) : undefined;
}

/** What shows the epochs of a job as they go by. */
export function epochEvents(progress: Progress) {
  return {
    onPhase: ({ name }: { readonly name: string }) => progress.start(name),
    onStep: progress.step.bind(progress),
    onEpoch: progress.epochEnd.bind(progress),
    onPhaseEnd: () => progress.stop(),
  };
}

/** Prints a value as JSON whose every character is a printable one. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2);
  // JSON escapes controls below 32 only, but a terminal obeys those from 127 to 159 as well.
  console.log(text.replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escapeCode));
}

function escapeCode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
