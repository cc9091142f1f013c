/** A worker, as the driver sees it: asked for cases, killed where one takes too long or too much. */
import { type CaseReport, linesOf } from "./_case.ts";

/** What a case may take. */
export interface Limits {
  readonly seconds: number;
  /** By how much the memory of the process may grow, in MiB. */
  readonly mebibytes: number;
}

/** A process that has taken so many MiB takes no more cases. */
const WORN = 2000;

/** Seconds in which a process starts, and makes what the cases of a reader have in common. */
const PATIENCE = 120;

/** A process that runs cases. */
export class WorkerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;
  readonly #limits: Limits;
  #peak = Infinity;

  /** Starts the process, with its files in `dir`. */
  constructor({ dir, seed, limits }: { readonly dir: string; readonly seed: number; readonly limits: Limits }) {
    const script = new URL("./worker.ts", import.meta.url).pathname;
    const flags = ["--no-prompt", "--allow-read", `--allow-write=${dir}`, "--allow-ffi", "--ignore-env"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, script, dir, String(seed)],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#limits = limits;
  }

  /** Waits until it can take cases. */
  async isReady(): Promise<boolean> {
    return await this.#next(PATIENCE) === "ready";
  }

  /**
   * Runs `count` cases of a reader from number `from` on; ends early where one hangs or ends the process, or where that has
   * taken much memory.
   *
   * @throws {Error} If what the cases have in common cannot be made.
   */
  async *run(
    reader: string,
    { from, count }: { readonly from: number; readonly count: number },
  ): AsyncGenerator<CaseReport> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${reader} ${from} ${count}\n`));
    writer.releaseLock();
    if (await this.#next(PATIENCE) !== "prepared") throw new Error(`Cannot fuzz "${reader}": it makes no cases`);
    for (let i = 0; i < count; i++) {
      const line = await this.#next(this.#limits.seconds);
      if (line === undefined || line === "late") {
        const because = line === "late" ? `it takes longer than ${this.#limits.seconds} s` : "it ends the process";
        yield { outcome: "fault", because, index: from + i, ms: 0, peak: 0 };
        return;
      }
      const report: CaseReport = JSON.parse(line);
      const grown = report.peak - this.#peak;
      // What is loaded for the first case is not of its making.
      this.#peak = report.peak;
      const { mebibytes } = this.#limits;
      if (grown <= mebibytes || i === 0) yield report;
      else yield { ...report, outcome: "fault", because: `it takes ${grown} MiB, ${mebibytes} at most are needed` };
      if (report.peak > WORN) return;
    }
  }

  /** Ends the process, whatever it does. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
  }

  /** Returns the next line, "late" where none comes in time, undefined where none will. */
  async #next(seconds: number): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), seconds * 1000);
    const next = await Promise.race([this.#lines.next(), promise]);
    clearTimeout(timer);
    return next === "late" ? next : next.done ? undefined : next.value;
  }
}
