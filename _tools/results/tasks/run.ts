/**
 * Runs the rows of the tables of docs/tasks, and writes them between the marks of the pages, with a curve each beside.
 *
 *     deno task results tasks [--cache DIR] [--only PAGE[/ROW]]… [--quick] [--threads N]
 *
 * Each row is a command as a user would type it, in a process of its own. Its folder in `--cache` is kept, and so is its
 * result as soon as it is there: a later run does what is missing, or what `--only` names, and goes on with a row that was
 * killed while it trained. With `--quick` all is tiny, to try the command; its pages go into the cache and not into docs/.
 * Pages whose data is not beside the checkout are left out. Nothing else should run meanwhile.
 */
import { parseArgs } from "node:util";
import { exists, runTask } from "../_children.ts";
import { SHARED } from "../_jobs.ts";
import { replaceBlock } from "../_markdown.ts";
import { readOrigin } from "../_origin.ts";
import { curveOf } from "./_chart.ts";
import { figuresOf, type TaskResult } from "./_figures.ts";
import { emptyPage, hasCurve, TASK_MARKS, taskBlock } from "./_markdown.ts";
import { flagsOf, needsShared, PAGES, type TaskPage, type TaskRow } from "./_rows.ts";

/** All layers in float: so `deno task qat` trains a float model. */
const ALL_FLOAT = { rules: [{ match: {}, then: { float: true } }] };

const DOCS = "docs/tasks";

/** Runs the command with its arguments. */
export async function runTasks(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cache: { type: "string", default: "/tmp/tfjs-qat-tasks" },
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      threads: { type: "string" },
    },
  });
  const { only, quick: isQuick, threads } = values;
  refuseUnknown(only);
  const cache = `${values.cache}${isQuick ? "/quick" : ""}`;
  const run = new TasksRun({ cache, only, isQuick, ...(threads === undefined ? {} : { threads }) });
  const failed = await run.all();
  if (failed.length === 0) return;
  console.error(`\n${failed.join("\n")}`);
  Deno.exit(1);
}

/** @throws {RangeError} If there is no page or row of a name. */
export function refuseUnknown(only: readonly string[] = []): void {
  const rows = PAGES.flatMap((page) => page.rows.map(({ name }) => `${page.name}/${name}`));
  const pages = PAGES.map(({ name }) => name);
  const unknown = only.find((name) => !pages.includes(name) && !rows.includes(name));
  if (unknown === undefined) return;
  const near = rows.filter((row) => row.startsWith(`${unknown.split("/")[0]}/`));
  throw new RangeError(
    `Cannot run "${unknown}": needed is one of ${(near.length > 0 && unknown.includes("/") ? near : pages).join(", ")}`,
  );
}

interface Asked {
  readonly cache: string;
  readonly only: readonly string[] | undefined;
  readonly isQuick: boolean;
  readonly threads?: string;
}

/** A run of the command. */
class TasksRun {
  readonly #failed: string[] = [];

  constructor(readonly asked: Asked) {}

  /** Runs what is asked for and missing; returns what failed, in sentences. */
  async all(): Promise<readonly string[]> {
    await Deno.mkdir(this.asked.cache, { recursive: true });
    await Deno.writeTextFile(`${this.asked.cache}/float.json`, JSON.stringify(ALL_FLOAT));
    for (const page of PAGES) {
      if (needsShared(page) && !await exists(SHARED)) {
        console.log(`${page.name} is left out: ${SHARED} is not there`);
        continue;
      }
      for (const row of page.rows) if (await this.#isDue(page, row)) await this.#try(page, row);
      await this.#write(page);
    }
    return this.#failed;
  }

  /** Whether a row is asked for by name, or missing. */
  async #isDue(page: TaskPage, row: TaskRow): Promise<boolean> {
    const { only } = this.asked;
    if (only !== undefined) return only.includes(page.name) || only.includes(`${page.name}/${row.name}`);
    return !(await this.#results()).some((result) => result.page === page.name && result.row === row.name);
  }

  /** Runs a row; one that fails does not keep the others from their turn. */
  async #try(page: TaskPage, row: TaskRow): Promise<void> {
    try {
      const start = performance.now();
      const command = await this.#run(page, row);
      const seconds = Math.round((performance.now() - start) / 1000);
      const figures = await figuresOf(this.#outOf(page, row.name));
      await this.#keep({ page: page.name, row: row.name, command, ...await readOrigin(), seconds, figures });
      await this.#write(page);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      this.#failed.push(`${page.name}/${row.name} failed: ${because}`);
      console.error(this.#failed.at(-1));
    }
  }

  async #run(page: TaskPage, row: TaskRow): Promise<string> {
    const { cache, threads } = this.asked;
    const out = this.#outOf(page, row.name);
    const model = row.from === undefined ? [] : ["--model", await this.#floatOf(page, row.from)];
    const recipe = row.isFloat ? ["--recipe", `${cache}/float.json`] : [];
    const own = [...model, ...flagsOf(page, row, this.asked), ...recipe];
    const flags = threads === undefined ? own : [...own, "--threads", threads];
    // Training that was stopped goes on, if it was the same.
    const isBegun = row.command === "qat" && await exists(`${out}/run`) && !await exists(`${out}/report.json`);
    await runTask(row.command, [...flags, ...isBegun ? ["--resume", out] : ["--out", out, "--overwrite"]]);
    return `deno task ${row.command} ${flags.join(" ")}`.replaceAll(cache, "CACHE");
  }

  /** Returns the model.json of a row's float model. */
  async #floatOf(page: TaskPage, row: string): Promise<string> {
    const path = `${this.#outOf(page, row)}/float/model.json`;
    if (await exists(path)) return path;
    throw new Error(`the row ${page.name}/${row} has to be run first, whose model it needs`);
  }

  #outOf(page: TaskPage, row: string): string {
    return `${this.asked.cache}/${page.name}/${row}`;
  }

  get #path(): string {
    return `${this.asked.cache}/results.json`;
  }

  async #results(): Promise<readonly TaskResult[]> {
    return JSON.parse(await Deno.readTextFile(this.#path).catch(() => "[]"));
  }

  /** Keeps a result in the place of one of the same row. */
  async #keep(result: TaskResult): Promise<void> {
    const others = (await this.#results()).filter(({ page, row }) => page !== result.page || row !== result.row);
    await Deno.writeTextFile(`${this.#path}.new`, `${JSON.stringify([...others, result], null, 2)}\n`);
    await Deno.rename(`${this.#path}.new`, this.#path);
  }

  /** Writes the part of a page of all its results that are there, and its curve. */
  async #write(page: TaskPage): Promise<void> {
    const results = (await this.#results()).filter((result) => result.page === page.name);
    if (results.length === 0) return;
    const to = this.asked.isQuick ? this.asked.cache : DOCS;
    const document = await Deno.readTextFile(`${DOCS}/${page.name}.md`).catch(() => emptyPage(page));
    await Deno.writeTextFile(`${to}/${page.name}.md`, replaceBlock(document, taskBlock(page, results), TASK_MARKS));
    await Deno.writeTextFile(`${to}/${page.name}.json`, `${JSON.stringify(results, null, 2)}\n`);
    if (hasCurve(results)) await Deno.writeTextFile(`${to}/${page.name}.svg`, curveOf(page, results));
  }
}
