/** Writes the results of a job. */
import { dirname, join, resolve } from "node:path";
import { renderHtml } from "../report/html/html.ts";
import type { Report } from "../report/schema.ts";
import { commitFiles, ensureWritableDirectory, OutputError } from "../src/io/atomic.ts";
import { describeFiles, filesOf, MODEL_DIRS, type Outputs, PATHS } from "./_outputs.ts";

/**
 * Proves that the results of a job can be written to `dir`. Leaves nothing behind.
 *
 * @throws {OutputError} If they cannot.
 */
export function checkWritable(dir: string): void {
  const folders = MODEL_DIRS.map((name) => join(dir, name));
  const made = folders.flatMap(missingFolders);
  try {
    for (const folder of [dir, ...folders]) ensureWritableDirectory(folder);
    for (const path of PATHS) refuseFolder(join(dir, path));
  } finally {
    removeEmpty(made);
  }
}

/**
 * Writes everything into `dir`, in one turn of the event loop; each file is whole at any moment.
 *
 * @returns The report with the list of files, as written.
 * @throws {OutputError} If something cannot be written; then nothing has changed.
 */
export async function writeOutputs(dir: string, outputs: Outputs): Promise<Report> {
  const files = await filesOf(outputs);
  const complete = { ...outputs.report, files: describeFiles(files) };
  const folders = MODEL_DIRS.map((name) => join(dir, name));
  const made = folders.flatMap(missingFolders);
  try {
    for (const folder of folders) ensureWritableDirectory(folder);
    commitFiles({
      root: dir,
      files: [
        ...files.map(({ path, bytes }) => ({ path: join(dir, path), bytes })),
        { path: join(dir, "report.html"), bytes: renderHtml(complete) },
        { path: join(dir, "report.json"), bytes: `${JSON.stringify(complete, null, 2)}\n` },
      ],
    });
  } finally {
    removeEmpty(made);
  }
  return complete;
}

/** Lists `dir` and the folders around it that are not there yet, innermost first. */
function missingFolders(dir: string): readonly string[] {
  const path = resolve(dir);
  return exists(path) ? [] : [path, ...missingFolders(dirname(path))];
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // A part of the path may be a file: nothing is missing then, and making folders will say so.
    return !(error instanceof Deno.errors.NotFound);
  }
}

function removeEmpty(folders: readonly string[]): void {
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
