/** A program that is run within the test's own process: what it prints, how it exits, and signals that come to it. */
import process from "node:process";
import { replace } from "../tests/_support/replace.ts";

/** What the program finds around it. */
export interface Surroundings {
  /** Variables of the environment, in place of those of the locale and the terminal. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the program may see them. Default true. */
  readonly mayReadEnv?: boolean;
  /** Columns of the terminal that standard output is; none where it is a pipe. */
  readonly columns?: number;
  /** Whether colours are refused, as by NO_COLOR. */
  readonly noColor?: boolean;
  /** Signals that come, one after the other: once the program listens, or once it has printed `when`. */
  readonly signals?: readonly Deno.Signal[];
  readonly when?: string;
}

/** What a program did. */
export interface Seen {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Signals that it listens to, in their order. */
  readonly listens: readonly Deno.Signal[];
  /** The code that it exited with; absent where it did not. */
  readonly exit?: number;
}

/** What `Deno.exit` throws here, where it may not end the process. */
class Exited extends Error {
  constructor(readonly code: number) {
    super(`exited with ${code}`);
  }
}

const VARIABLES = ["TERM", "LC_ALL", "LC_CTYPE", "LANG"];

/** Runs `program` and tells what it did; an error that it ends in is thrown on. */
export async function watchProgram(
  surroundings: Surroundings,
  program: () => void | Promise<void>,
): Promise<Seen> {
  const { columns, noColor = false, signals = [], when } = surroundings;
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const handlers = new Map<Deno.Signal, () => void>();
  const exited = Promise.withResolvers<never>();
  let waiting = signals;
  const send = () => {
    const now = waiting;
    waiting = [];
    for (const signal of now) sendTo(handlers.get(signal), exited.reject);
  };
  const printTo = (lines: string[]) => (...parts: unknown[]) => {
    const text = parts.join(" ");
    lines.push(text);
    if (when !== undefined && text.includes(when)) send();
    return true;
  };
  const restores = [
    replace(console, "log", printTo(stdout)),
    replace(console, "error", printTo(stderr)),
    replace(process.stdout, "write", printTo(stdout)),
    replace(process.stderr, "write", printTo(stderr)),
    replace(Deno, "addSignalListener", (signal: Deno.Signal, handler: () => void) => handlers.set(signal, handler)),
    replace(Deno, "noColor", noColor),
    replace(Deno.stdout, "isTerminal", () => columns !== undefined),
    replace(Deno, "consoleSize", () => ({ columns, rows: 24 })),
    replace(Deno, "exit", (code: number) => {
      throw new Exited(code);
    }),
    ...replaceVariables(surroundings),
  ];
  try {
    const ended = program();
    if (when === undefined) send();
    await Promise.race([ended, exited.promise]);
    return { stdout, stderr, listens: [...handlers.keys()] };
  } catch (error) {
    if (!(error instanceof Exited)) throw error;
    return { stdout, stderr, listens: [...handlers.keys()], exit: error.code };
  } finally {
    for (const restore of restores) restore();
  }
}

/** Calls the handler of a signal; an exit within it ends the program, whatever else goes on. */
function sendTo(handler: (() => void) | undefined, onExit: (reason: unknown) => void): void {
  try {
    handler?.();
  } catch (error) {
    onExit(error);
  }
}

/** Gives the variables of the locale and the terminal, which the test's own process may not see. */
function replaceVariables({ env = {}, mayReadEnv = true }: Surroundings): readonly (() => void)[] {
  const get = Deno.env.get.bind(Deno.env);
  const query = Deno.permissions.querySync.bind(Deno.permissions);
  const isOurs = (name: string | undefined) => name !== undefined && VARIABLES.includes(name);
  return [
    replace(Deno.env, "get", (name: string) => {
      if (!isOurs(name)) return get(name);
      if (!mayReadEnv) throw new Deno.errors.NotCapable(`Requires env access to "${name}"`);
      return env[name];
    }),
    replace(Deno.permissions, "querySync", (asked: Deno.PermissionDescriptor) => {
      if (asked.name !== "env" || !isOurs(asked.variable)) return query(asked);
      return { state: mayReadEnv ? "granted" : "prompt" };
    }),
  ];
}
