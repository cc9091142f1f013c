/** Opens the folder of a run: of a new one, or of one that goes on. */
import { basename, dirname, join, resolve } from "node:path";
import { finishCommit, OutputError, removeTemporaries } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { FileLock } from "../src/io/lock.ts";
import { checkWritable, missingFolders, removeEmpty } from "./_files.ts";
import { PATHS } from "./_outputs.ts";
import { quote } from "./_flags.ts";
import { checkKinds } from "./_option_kinds.ts";
import { type Claim, OURS, removeStates, ResultFolder } from "./_result_folder.ts";
import { RunFolder } from "./_run_folder.ts";
import { checkOptionsAgree, readRun, RunError, versionsNow } from "./_run_record.ts";
import { KINDS, type QatOptions, resolveOptions } from "./options.ts";

/** Where results go that were given no folder. */
const DEFAULT_DIR = "out";

/**
 * Opens the folder that `options` name, or one that is free where they name none; `resume` opens one with a run.
 *
 * @throws {RangeError} If options are out of range, or are not those of the run to go on with.
 * @throws {OutputError} If the folder has results, cannot be written to, or another process works there.
 * @throws {RunError} If there is no run to go on with, or its record is damaged.
 */
export function openRunFolder(given: QatOptions, log: (line: string) => void): RunFolder {
  checkKinds(given, KINDS);
  const { resume, overwrite = false, ...asked } = given;
  if (resume !== undefined) {
    if (overwrite) throw new RangeError("Cannot use --overwrite and --resume together: one starts anew, one goes on");
    return openRun(resume, asked, log);
  }
  const options = resolveOptions(asked);
  const { dir, ...claim } = claimFolder({ out: asked.out, overwrite, log });
  return new RunFolder(dir, { asked, options: { ...options, out: dir }, ...claim });
}

/**
 * Opens a folder for results that no run belongs to: the one that is named, or one that is free.
 *
 * @throws {OutputError} If the folder has results, cannot be written to, or another process works there.
 */
export function openResultFolder(place: Place): ResultFolder {
  const { dir, ...claim } = claimFolder(place);
  return new ResultFolder(dir, claim);
}

/** Where results are to go. */
interface Place {
  /** Absent: wherever it is free. */
  readonly out: string | undefined;
  /** Whether results that are there are replaced. */
  readonly overwrite: boolean;
  readonly log: (line: string) => void;
}

function openRun(dir: string, asked: QatOptions, log: (line: string) => void): RunFolder {
  if (!exists(join(dir, OURS, "run.json"))) {
    throw new RunError(`Cannot resume "${dir}": no run was begun there (there is no ${OURS}/run.json)`);
  }
  const { lock, made } = lockFolder(dir);
  try {
    finishCommit(dir);
    sweep(dir);
    // Somebody may have died between the results and this.
    if (exists(join(dir, OURS, "results.json"))) removeStates(dir);
    const record = readRun(join(dir, OURS, "run.json"));
    const options = { ...resolveOptions(record.asked), out: record.out };
    checkOptionsAgree(dir, asked, options);
    for (const [name, version] of Object.entries(versionsNow())) {
      if (record.versions[name] === version) continue;
      log(
        `Warning: "${dir}" was begun with ${name} ${
          record.versions[name]
        }, this is ${version}: numbers may round otherwise.`,
      );
    }
    return new RunFolder(dir, { asked: record.asked, options, lock, made, record });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function claimFolder({ out, overwrite, log }: Place): Claim & { readonly dir: string } {
  return out === undefined ? claimFree(overwrite, log) : { dir: out, ...claimNew(out, overwrite) };
}

function claimNew(dir: string, overwrite: boolean): Claim {
  checkWritable(dir);
  const claim = lockFolder(dir);
  try {
    const found = overwrite ? undefined : describeResults(dir);
    if (found !== undefined) throw new OutputError(`Cannot write to "${dir}": ${found}`);
    finishCommit(dir);
    sweep(dir);
    return claim;
  } catch (error) {
    claim.lock.release();
    removeEmpty(claim.made);
    throw error;
  }
}

/** Claims `out`, or the first of `out-2`, `out-3` … that is free. */
function claimFree(overwrite: boolean, log: (line: string) => void): Claim & { readonly dir: string } {
  const taken: string[] = [];
  for (let number = 1;; number++) {
    const dir = number === 1 ? DEFAULT_DIR : `${DEFAULT_DIR}-${number}`;
    if (!overwrite && describeTaken(dir) !== undefined) {
      taken.push(dir);
      continue;
    }
    const claim = claimNew(dir, overwrite);
    if (taken.length > 0) log(`Results go to "${dir}", not to "${taken.at(-1)}": ${describeTaken(taken.at(-1)!)}.`);
    return { dir, ...claim };
  }
}

/** Says why `dir` is not to be written to; undefined if it is free. */
function describeTaken(dir: string): string | undefined {
  return isLocked(dir) ? "another run is writing there" : describeResults(dir);
}

/** Says what of ours is in `dir`; undefined if nothing is. */
function describeResults(dir: string): string | undefined {
  const hasRun = exists(join(dir, OURS, "run.json"));
  if (hasRun && !exists(join(dir, OURS, "results.json"))) {
    return `it has a run that has not ended, --resume ${quote(dir)} goes on with it, --overwrite replaces it`;
  }
  const found = [...PATHS, ".commit.json"].find((name) => exists(join(dir, name)));
  if (found === undefined && !hasRun) return undefined;
  const goesOn = hasRun ? `, --resume ${quote(dir)} shows them` : "";
  return `it has results already (${found ?? OURS}), --overwrite replaces them${goesOn}`;
}

function isLocked(dir: string): boolean {
  const path = join(dir, OURS, "lock");
  if (!exists(path)) return false;
  const lock = FileLock.take(path);
  lock?.release();
  return lock === undefined;
}

function lockFolder(dir: string): Claim {
  const ours = join(resolve(dir), OURS);
  const made = missingFolders(ours);
  try {
    Deno.mkdirSync(ours, { recursive: true });
  } catch (cause) {
    throw OutputError.at(dir, cause);
  }
  const lock = FileLock.take(join(ours, "lock"));
  if (lock !== undefined) return { lock, made };
  throw new OutputError(`Cannot write to "${dir}": another run is writing there`);
}

/** Removes what dead processes left: an older version of this program, too. */
function sweep(dir: string): void {
  for (const folder of new Set(["", ...PATHS.map((name) => dirname(name))])) {
    const names = PATHS.filter((name) => dirname(name) === folder || folder === "");
    removeTemporaries(join(dir, folder), names.map((name) => basename(name)));
  }
}
