/** Writes the results of a job. */
import { dirname, join, resolve } from "node:path";
import { renderHtml } from "../report/html/html.ts";
import type { Report } from "../report/schema.ts";
import { ensureWritableDirectory, type FileContent, OutputError, refuseLinks } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { describeFiles, type JobFile, PATHS } from "./_outputs.ts";

/** Whether a job may have left a file of that path; with several outputs there is a `labels.OUTPUT.txt` for each. */
export function isResult(path: string): boolean {
  return PATHS.includes(path) || /^labels\.[^/\\]+\.txt$/.test(path);
}

/**
 * Proves that the results of a job can be written to `dir`. Leaves nothing behind.
 *
 * @throws {OutputError} If they cannot.
 */
export function checkWritable(dir: string): void {
  const folders = [...new Set(PATHS.map((path) => dirname(path)))].map((name) => join(dir, name));
  const made = folders.flatMap(missingFolders);
  try {
    for (const path of PATHS) refuseLinks(dir, join(dir, path));
    for (const folder of folders) ensureWritableDirectory(folder);
    for (const path of PATHS) refuseFolder(join(dir, path));
  } finally {
    removeEmpty(made);
  }
}

/**
 * Returns what a job leaves, with paths relative to its folder, and the report with the list of files in it.
 *
 * In the order in which they are to appear: a model.json behind its weights, the report last.
 *
 * @param files What it leaves besides the reports.
 */
export function outputFiles(
  files: readonly JobFile[],
  given: Report,
): { readonly files: readonly FileContent[]; readonly report: Report } {
  const report = { ...given, files: describeFiles(files) };
  const refers = ({ path }: JobFile) => Number(path.endsWith(".json"));
  return {
    files: [
      ...files.toSorted((a, b) => refers(a) - refers(b)).map(({ path, bytes }) => ({ path, bytes })),
      { path: "report.html", bytes: renderHtml(report) },
      { path: "report.json", bytes: `${JSON.stringify(report, null, 2)}\n` },
    ],
    report,
  };
}

/** Lists `dir` and the folders around it that are not there yet, innermost first. */
export function missingFolders(dir: string): readonly string[] {
  const path = resolve(dir);
  return exists(path) ? [] : [path, ...missingFolders(dirname(path))];
}

/**
 * Does a job whose results go into `dir`. Where it leaves none, no folder is left that was made for them.
 *
 * @throws {OutputError} If `dir` cannot be written to, before the job begins.
 */
export async function intoFolder<T>(dir: string, job: () => Promise<T>): Promise<T> {
  const made = missingFolders(dir);
  try {
    ensureWritableDirectory(dir);
    return await job();
  } finally {
    removeEmpty(made);
  }
}

/** Removes those of `folders` that are empty. */
export function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      Deno.removeSync(folder);
    } catch {
      // It was never made, or holds the results.
    }
  }
}

function refuseFolder(path: string): void {
  if (exists(path) && Deno.statSync(path).isDirectory) throw OutputError.at(path, new Deno.errors.IsADirectory());
}
