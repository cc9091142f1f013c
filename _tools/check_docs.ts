/** Fails if something public, in mod.ts or exported within the project, has no docstring, or one without a summary. */
import { type Docs, findFlaws } from "./_public_docs.ts";
import { projectPath } from "./_project_path.ts";
import { BELONGS_TO_TESTS } from "./rooms.ts";
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);
const ROOMS = ["src", "data", "models", "tasks", "quantize", "train", "export", "report", "job", "cli"];

/** Returns our library's modules, relative to the root, without those that are private to their folder. */
async function listModules(): Promise<string[]> {
  return (await Promise.all(ROOMS.map(listFolder))).flat().sort();
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
  const nested = entries.map(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return listFolder(path);
    return name.endsWith(".ts") && !name.startsWith("_") && !BELONGS_TO_TESTS.test(path) ? [path] : [];
  });
  return (await Promise.all(nested)).flat();
}

async function exists(file: string): Promise<boolean> {
  return await Deno.stat(new URL(file, ROOT)).then(() => true, () => false);
}

async function readDocs(files: readonly string[]): Promise<Docs> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...files],
    cwd: ROOT,
  }).output();
  if (!success) {
    console.error(new TextDecoder().decode(stderr));
    Deno.exit(1);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

const files = await listModules();
const flaws = findFlaws(await readDocs(files), "internal");
if (await exists("mod.ts")) flaws.push(...findFlaws(await readDocs(["mod.ts"]), "public"));
const lines = flaws.map(({ file, line, name, because }) => {
  return `${projectPath(fileURLToPath(file))}:${line} ${name}: ${because}`;
});
const distinct = new Set(lines);
for (const line of distinct) console.error(line);
console.log(`docs: ${files.length} modules, ${distinct.size} flaws`);
Deno.exit(distinct.size > 0 ? 1 : 0);
