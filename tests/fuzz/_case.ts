/** A case of the fuzz harness: damaged input, a reader, and the judge of what comes of them. */
import type { Random } from "../../src/numbers/random.ts";

/** What a reader is given, and how. */
export interface FuzzCase {
  /** What was done to the input, for whoever looks at a fault. */
  readonly what: string;
  /** Whether no reader may take the input. */
  readonly mustRefuse?: boolean;
  /**
   * Reads the input, and checks what comes of it.
   *
   * @throws {Inconsistent} If something comes of it that is not what was read.
   * @throws {Error} If the reader refuses it.
   */
  read(): unknown;
}

/** Makes what the cases of a reader have in common; `dir` is an empty folder of the reader's own. */
export type Prepare = (dir: string) => Promise<CaseMaker> | CaseMaker;

/** Makes a case, the same for the same random numbers. */
export type CaseMaker = (random: Random) => FuzzCase | Promise<FuzzCase>;

/** A reader took its input and made something else of it. */
export class Inconsistent extends Error {
  override readonly name: string = "Inconsistent";
}

/** Throws `Inconsistent` unless `holds`. */
export function check(holds: boolean, because: string): asserts holds {
  if (!holds) throw new Inconsistent(because);
}

/** What came of a case. */
export type Outcome = "accepted" | "refused" | "fault";

/** An outcome, with the reason of a fault or a refusal. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly because: string;
}

/** What the driver is told of a case. */
export interface CaseReport extends Verdict {
  readonly index: number;
  readonly ms: number;
  /** The most memory that the process has taken so far, in MiB. */
  readonly peak: number;
}

/** Runs a case and judges what comes of it. */
export async function judge({ what, mustRefuse = false, read }: FuzzCase): Promise<Verdict> {
  try {
    await read();
  } catch (error) {
    const fault = faultOfError(error);
    return fault === undefined
      ? { outcome: "refused", because: String(error) }
      : { outcome: "fault", because: `${fault}: ${describe(error)} [${what}]` };
  }
  return mustRefuse
    ? { outcome: "fault", because: `accepted what nobody may accept [${what}]` }
    : { outcome: "accepted", because: "" };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ""}` : String(error);
}

/** Longest message of an error. */
const LONGEST = 1001;

/** What JavaScript, TF.js, sharp and ONNX Runtime say to programmers. */
const RAW = new RegExp(
  [
    "Cannot (read|set|access|destructure|convert|mix) ?(propert|'|private|undefined|null|object|a BigInt|BigInt)",
    "is not (a function|iterable|defined|a constructor|an object)",
    "undefined is not|\\[object |Maximum call stack|Invalid (typed )?array length|Invalid string length",
    "[Oo]ut of memory|allocation failed|Unknown error|Assertion failed|unreachable|Error in \\w+:",
    "ERR_[A-Z]+|\\(os error \\d+\\)",
  ].join("|"),
);

/** Says what is wrong with the way in which a reader refused its input; undefined if nothing is. */
export function faultOfError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return "no error was thrown";
  if (error instanceof Inconsistent) return "inconsistent";
  const { message } = error;
  if (!/^Cannot |^error: /.test(message)) return "not one of our own errors";
  if (RAW.test(message)) return "a raw error";
  if (/[\p{Cc}\u2028\u2029]/u.test(message)) return "control characters or several lines";
  if (message.length > LONGEST) return `${message.length} characters`;
  // Behind a comma stands what is needed, which may end as somebody's name does.
  return /^[^,]*:$/.test(message.trimEnd()) ? "no reason" : undefined;
}

/** Splits a stream of bytes into lines. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
