/** Runs a job over a grid of its options, and tells what came of each row. */
import { join } from "node:path";
import { version_core } from "@tensorflow/tfjs-core";
import { renderSweep } from "../report/html/sweep.ts";
import { sweepCsv } from "../report/sweep_csv.ts";
import { bestRowOf } from "../report/sweep_words.ts";
import { isDone, SWEEP_SCHEMA, type SweepMetric, type SweepReport, type SweepRow } from "../report/sweep_schema.ts";
import { commitFiles, ensureWritableDirectory, OutputError } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import { plainLine } from "../src/text/plain.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { MAKER } from "../src/version.ts";
import { commandOf, flagOf } from "./_flags.ts";
import { lineLog } from "./_job.ts";
import { type KeptJob, keptReport, readRecord } from "./_kept_job.ts";
import { type GridRow, writeValue } from "./sweep/grid.ts";
import {
  optionsOf,
  type ResolvedSweep,
  resolveSweep,
  type SweepBase,
  type SweepEvents,
  type SweepOptions,
} from "./sweep/options.ts";
import { rowOfReport } from "./sweep/row.ts";

export type { SweepBase, SweepEvents, SweepOptions };

/** What is left in the folder of a sweep, besides the folders of its rows. */
const FILES = ["sweep.csv", "sweep.html", "sweep.json"] as const;

/**
 * Runs `qat` or `ptq` for each combination of values that options are to have, or for each row of a file.
 *
 * Each row leaves its results in a folder of its own in `options.out` (default: "out/sweep"), with sweep.json, sweep.csv
 * and sweep.html beside them, written anew after each. A sweep that was stopped, or killed, goes on where it was when it is
 * asked again in the same words; rows in training go on from their last state. A row that fails is told of and left out.
 *
 * @returns The report, as written to sweep.json.
 * @throws {RangeError} If an option is out of range, or options of a row contradict each other.
 * @throws {OutputError} If `options.out` has another sweep or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { rows, best } = await sweep({ of: "qat", options: { model: "model.json" }, over: ["lr=1e-4,5e-4", "epochs=2,4"] });
 * console.log(best === undefined ? "none" : rows[best].name);
 * ```
 */
export function sweep(options: SweepOptions, events: SweepEvents = {}): Promise<SweepReport> {
  return inPlainWords(async () => {
    const resolved = await resolveSweep(options);
    const command = commandOfSweep(options);
    ensureWritableDirectory(resolved.out);
    const before = await readBefore(resolved, command);
    return await new Sweeping(resolved, { command, before, events }).run();
  });
}

function commandOfSweep({ of, options = {}, overwrite: _, over, grid, out }: SweepOptions): string {
  const own = {
    ...(over === undefined ? {} : { over }),
    ...(grid === undefined ? {} : { grid }),
    ...(out === undefined ? {} : { out }),
  };
  return commandOf({ ...options, ...own }, `sweep ${of}`);
}

/** Rows that an earlier sweep of the same words has run. */
async function readBefore({ out, overwrite, rows }: ResolvedSweep, command: string): Promise<readonly SweepRow[]> {
  const path = join(out, "sweep.json");
  if (overwrite || !exists(path)) return [];
  const known = Object(await readRecord(path));
  // Whoever changed what stands there has the rows' own reports to answer to.
  const isSame = known.schema === SWEEP_SCHEMA && known.command === command && Array.isArray(known.rows);
  if (isSame) return known.rows.filter((row: unknown) => rows.some(({ name }) => name === Object(row).name));
  throw new OutputError(`Cannot write to "${out}": it has another sweep (sweep.json), --overwrite replaces it`);
}

interface Asked {
  readonly command: string;
  readonly before: readonly SweepRow[];
  readonly events: SweepEvents;
}

/** A sweep under way. */
class Sweeping {
  readonly #resolved: ResolvedSweep;
  readonly #asked: Asked;
  readonly #rows: SweepRow[] = [];
  /** Options in which rows differ. */
  readonly #options: readonly string[];
  readonly #warned = new Set<string>();
  readonly #log: (line: string) => void;
  #metric: SweepMetric | undefined;

  constructor(resolved: ResolvedSweep, asked: Asked) {
    this.#resolved = resolved;
    this.#asked = asked;
    this.#options = [...new Set(resolved.rows.flatMap(({ options }) => Object.keys(options)))];
    this.#log = lineLog(asked.events);
  }

  async run(): Promise<SweepReport> {
    const { rows } = this.#resolved;
    const { signal, onRow } = this.#asked.events;
    for (const [i, row] of rows.entries()) {
      signal?.throwIfAborted();
      this.#log(`Row ${i + 1} of ${rows.length}, ${row.name} …`);
      const done = await this.#run(row);
      this.#rows.push(done);
      this.#write();
      onRow?.(done);
    }
    if (this.#rows.some(isDone)) return this.report();
    const [first] = this.#rows.flatMap((row) => isDone(row) ? [] : [row.because]);
    throw new RangeError(`Cannot sweep: no row could be run, the first because ${first?.replace(/^C/, "c")}`);
  }

  async #run(row: GridRow): Promise<SweepRow> {
    const { name } = row;
    const values = this.#options.map((option) => writeValue(row.options[option]));
    const { events } = this.#asked;
    const started = performance.now();
    try {
      const { report, isNew } = await keptReport(this.#jobOf(row), { ...events, log: (line) => this.#warn(line) });
      const before = this.#asked.before.find((known) => known.name === name);
      const isKnown = !isNew && before !== undefined && isDone(before);
      const seconds = isKnown ? before.seconds : (performance.now() - started) / 1000;
      const { metric, ...found } = rowOfReport(report);
      this.#metric ??= metric;
      return { name, values, ...found, seconds };
    } catch (error) {
      events.signal?.throwIfAborted();
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      const because = plainLine(error.message, 300);
      this.#log(`  left out: ${because}`);
      return { name, values, because };
    }
  }

  #jobOf(row: GridRow): KeptJob {
    const { base, out } = this.#resolved;
    // Checked, of each row, before the first was run.
    return { of: base.of, options: optionsOf(row, base), dir: join(out, row.name) };
  }

  /** Of what the jobs of rows tell only warnings are told, once. */
  #warn(line: string): void {
    if (!line.startsWith("Warning") || this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#log(line);
  }

  #write(): void {
    const { out: root } = this.#resolved;
    const report = this.report();
    const contents = {
      "sweep.csv": sweepCsv(report),
      "sweep.html": renderSweep(report),
      "sweep.json": `${JSON.stringify(report, null, 2)}\n`,
    };
    commitFiles({ root, files: FILES.map((name) => ({ path: join(root, name), bytes: contents[name] })), remove: [] });
  }

  report(): SweepReport {
    const { base, rows } = this.#resolved;
    const found = {
      schema: SWEEP_SCHEMA,
      kind: "sweep",
      of: base.of,
      options: this.#options.map((option) => flagOf(option).slice(2)),
      ...(this.#metric === undefined ? {} : { metric: this.#metric }),
      rows: this.#rows,
      count: rows.length,
      command: this.#asked.command,
      machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
      versions: {
        [MAKER.name]: MAKER.version,
        deno: Deno.version.deno,
        tfjs: version_core,
        "onnxruntime-node": ORT_VERSION,
      },
    } as const;
    const best = bestRowOf(found);
    return best === undefined ? found : { ...found, best };
  }
}
