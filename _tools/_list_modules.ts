/** The modules of the library. */
import { BELONGS_TO_TESTS, ROOMS } from "./rooms.ts";

const ROOT = new URL("..", import.meta.url);

/** Folders at the top that are no part of the library. */
const OTHERS = ["tests", "examples", "_tools"];

/** The library's folders at the top: every room is in one. */
const FOLDERS = [...new Set(ROOMS.map(({ path }) => path.split("/")[0]))]
  .filter((name) => !name.endsWith(".ts") && !OTHERS.includes(name));

/** Returns the library's modules, relative to the project's root, without those of tests. */
export async function listModules(): Promise<string[]> {
  return (await Promise.all(FOLDERS.map(listFolder))).flat().sort();
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
  const nested = entries.map(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return listFolder(path);
    return name.endsWith(".ts") && !BELONGS_TO_TESTS.test(path) ? [path] : [];
  });
  return (await Promise.all(nested)).flat();
}
