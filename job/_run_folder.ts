/**
 * The folder of a run: its results, and beside them, in `run/`, what it takes to go on.
 *
 *     run/lock           held while a process works here
 *     run/run.json       the options, written before the first step; what data and model were
 *     run/STAGE/000007/  the newest state of a stage, see src/io/snapshots.ts
 *     run/log/           metrics.csv and event files of the epochs so far
 *     run/cache/         decoded pictures that are too many for memory
 *     run/results.json   names and hashes of the results, one commit with them; from then on the run has ended
 *
 * Other files in the folder are nobody's business here.
 */
import { join } from "node:path";
import type { Report } from "../report/schema.ts";
import { commitFiles, type FileContent } from "../src/io/atomic.ts";
import { exists, removeQuietly } from "../src/io/disk.ts";
import { sha256 } from "../src/io/hash.ts";
import { CACHE, type Claim, OURS, removeStates, ResultFolder, resultsIn } from "./_result_folder.ts";
import { RunError, type RunRecord, versionsNow, writeRun } from "./_run_record.ts";
import type { StageName } from "./events.ts";
import type { QatOptions, ResolvedOptions } from "./options.ts";

/** What is known of a run when its folder has been opened. */
interface RunParts extends Claim {
  readonly asked: QatOptions;
  readonly options: ResolvedOptions;
  /** Of a run that goes on. */
  readonly record?: RunRecord;
}

/** Hashes of what the options refer to. */
type RunFacts = Pick<RunRecord, "data" | "model">;

/** A run that is open: this process alone works in its folder. */
export class RunFolder extends ResultFolder {
  /** Options as they were given when the run began. */
  readonly asked: QatOptions;
  /** The same with every default filled in. */
  readonly options: ResolvedOptions;
  readonly #record: RunRecord | undefined;
  #facts: RunFacts | undefined;
  #hasBegun = false;
  #replaces: readonly string[];

  /** Takes a folder whose lock is held. */
  constructor(dir: string, { asked, options, record, ...claim }: RunParts) {
    super(dir, claim);
    this.asked = asked;
    this.options = options;
    this.#record = record;
    this.#replaces = record?.replaces ?? [];
  }

  /** The report of a run that has ended; undefined of any other. */
  readReport(): Report | undefined {
    const path = join(this.dir, OURS, "results.json");
    if (this.#record === undefined || !exists(path)) return undefined;
    const text = readText(join(this.dir, "report.json"));
    const { files } = Object(parse(readText(path)));
    if (text === undefined || Object(files)["report.json"] !== sha256(text)) {
      throw new RunError(`Cannot go on with "${this.dir}": it has ended, and its report.json was changed since`);
    }
    // The hash says that we wrote it.
    return JSON.parse(text) as Report;
  }

  /**
   * Says what the run is of; of one that goes on, checks that it still is.
   *
   * @throws {RunError} If data or model are not what they were.
   */
  identify(facts: RunFacts): void {
    this.#facts = facts;
    for (const what of ["data", "model"] as const) {
      if (this.#record === undefined || this.#record[what] === facts[what]) continue;
      throw new RunError(`Cannot go on with "${this.dir}": its ${what} is not what it was when the run began`);
    }
  }

  /**
   * Writes down what it takes to go on, before the first step.
   *
   * @returns Whether the run begins, or goes on, with this call; it is not the first one otherwise.
   */
  begin(): boolean {
    if (this.#hasBegun || this.#facts === undefined) return false;
    this.#hasBegun = true;
    const { asked, options: { out } } = this;
    if (this.#record === undefined) this.#write({ asked, out, versions: versionsNow(), ...this.#facts });
    return true;
  }

  /** Where the states of a stage are kept. */
  stageDir(stage: StageName): string {
    return join(this.dir, OURS, stage);
  }

  /** Where the epochs so far are told of. */
  get logDir(): string {
    return join(this.dir, OURS, "log");
  }

  /** Where pictures are kept that are too many for memory. */
  get cacheDir(): string {
    return join(this.dir, OURS, CACHE);
  }

  override close(): void {
    // A run that never began leaves nothing.
    if (!this.#hasBegun && this.#record === undefined) removeQuietly(this.cacheDir);
    super.close();
  }

  /** Puts the results in place, all at once, and ends the run. */
  end(files: readonly FileContent[]): void {
    const named = files.map(({ path, bytes }) => [path, sha256(bytes)]);
    const results = { path: `${OURS}/results.json`, bytes: JSON.stringify({ files: Object.fromEntries(named) }) };
    // Of results that are replaced, there may be some that this run does not have.
    this.commit([...files, results], this.#replaces);
  }

  /** Forgets a run that was here before, and its states. Its results stay until there are others. */
  #write(record: Omit<RunRecord, "replaces">): void {
    this.#replaces = resultsIn(this.dir);
    removeStates(this.dir, { keepCache: true });
    commitFiles({
      root: this.dir,
      files: [{ path: join(this.dir, OURS, "run.json"), bytes: writeRun({ ...record, replaces: this.#replaces }) }],
      remove: [join(this.dir, OURS, "results.json")],
    });
  }
}

/** Returns what a file holds; undefined where it cannot be read. */
function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
