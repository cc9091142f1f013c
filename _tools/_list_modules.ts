/** The modules of the library. */
import { BELONGS_TO_TESTS } from "./rooms.ts";

const ROOT = new URL("..", import.meta.url);
const ROOMS = ["src", "data", "models", "tasks", "quantize", "train", "export", "report", "job", "cli"];

/** Returns the library's modules, relative to the project's root, without those of tests. */
export async function listModules(): Promise<string[]> {
  return (await Promise.all(ROOMS.map(listFolder))).flat().sort();
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
