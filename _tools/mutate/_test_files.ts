/** Test files, and how near they stand to a file under change. */
import { type ImportGraph, importGraph, type Info } from "../_import_graph.ts";
import { roomOf } from "../rooms.ts";
import type { Workspace } from "./_workspace.ts";

/** The program that tests start. */
const PROGRAM = "cli.ts";

/** Returns the test files of a tree with every file of ours that each loads or starts, itself included. */
export async function readTestFiles({ folder, tree }: Workspace): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const files = await listTestFiles(tree);
  const all = new URL("all_tests.ts", folder);
  await Deno.writeTextFile(all, [PROGRAM, ...files].map((file) => `import "./tree/${file}";\n`).join(""));
  const args = ["info", "--json", `--config=${new URL("deno.json", tree).pathname}`, all.href];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(`Cannot read what tests import: ${new TextDecoder().decode(stderr)}`);
  const info: Info = JSON.parse(new TextDecoder().decode(stdout));
  const graph = new Map(importGraph(info, { root: tree.href, kind: "values" }));
  const loaded = await Promise.all(files.map(async (file) => {
    const startsPrograms = (await Deno.readTextFile(new URL(file, tree))).includes("Deno.Command");
    return [file, reach([file, ...startsPrograms ? [PROGRAM] : []], graph)] as const;
  }));
  return new Map(loaded);
}

/** Returns how far a test file is from a file: 0 its own, 1 in the same folder, 2 in the same room, 3 elsewhere. */
export function distanceOf(test: string, file: string): number {
  if (test === file.replace(/\.ts$/, "_test.ts")) return 0;
  if (folderOf(test) === folderOf(file)) return 1;
  return roomOf(test.replace(/_test\.ts$/, ".ts")) === roomOf(file) ? 2 : 3;
}

async function listTestFiles(folder: URL, path = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(path, folder)));
  const nested = entries.map(({ name, isDirectory }) => {
    if (isDirectory) return listTestFiles(folder, `${path}${name}/`);
    return name.endsWith("_test.ts") ? [`${path}${name}`] : [];
  });
  return (await Promise.all(nested)).flat().sort();
}

function reach(starts: readonly string[], graph: ImportGraph): ReadonlySet<string> {
  const reached = new Set(starts);
  for (const name of reached) for (const next of graph.get(name) ?? []) reached.add(next);
  return reached;
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/") + 1);
}
